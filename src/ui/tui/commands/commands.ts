// The slash commands. Each does one thing; what a command needs is given to it here.
import type { Command } from "./command.ts"

export interface CommandParts {
  tasks(): void
  agents(args: string): void
  model(args: string): void
  compact(focus: string): void
  help(): void
  resume(args: string): void
  rewind(): void
  clear(): void
  rename(name: string): Promise<void>
  fork(name: string): Promise<void>
  exit(): void
  cost(): void
  stats(): void
  memory(): void
  permissions(): void
}

export function createCommands(parts: CommandParts): Command[] {
  return [
    { name: "tasks", about: "what runs, what has run", run: parts.tasks },
    { name: "agents", hint: "[name]", about: "agents that can be given work", run: parts.agents },
    { name: "model", hint: "[provider/model]", about: "which model answers, and how to add one", run: parts.model },
    { name: "cost", about: "what this session has used", run: parts.cost },
    { name: "stats", about: "usage by day and model, over all sessions", run: parts.stats },
    { name: "memory", about: "what is remembered of this session", run: parts.memory },
    { name: "compact", hint: "[focus]", about: "make room: the memory and the last messages", run: parts.compact },
    { name: "permissions", about: "what may happen without asking", run: parts.permissions },
    { name: "rename", hint: "[name]", about: "what this conversation is called", run: parts.rename },
    { name: "fork", hint: "[name]", about: "go on in a new conversation that shares this one so far", run: parts.fork },
    { name: "resume", hint: "[name]", about: "sessions: go to one, search them all", run: parts.resume },
    { name: "rewind", about: "go back to before a prompt: the conversation, the files, or both", run: parts.rewind },
    { name: "clear", about: "a new conversation; this one can be resumed", run: parts.clear },
    { name: "help", about: "keys and commands", run: parts.help },
    { name: "exit", about: "leave", run: parts.exit },
  ]
}
