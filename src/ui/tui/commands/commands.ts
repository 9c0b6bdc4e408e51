// The slash commands. Each does one thing; what a command needs is given to it here.
import type { Command } from "./command.ts"

export interface CommandParts {
  tasks(): void
  agents(args: string): void
  model(args: string): void
  help(): void
  clear(): void
  exit(): void
  cost(): void
  permissions(): void
}

export function createCommands(parts: CommandParts): Command[] {
  return [
    { name: "tasks", about: "what runs, what has run", run: parts.tasks },
    { name: "agents", hint: "[name]", about: "agents that can be given work", run: parts.agents },
    { name: "model", hint: "[provider/model]", about: "which model answers, and how to add one", run: parts.model },
    { name: "cost", about: "what this session has used", run: parts.cost },
    { name: "permissions", about: "what may happen without asking", run: parts.permissions },
    { name: "clear", about: "a new conversation; this one can be resumed", run: parts.clear },
    { name: "help", about: "keys and commands", run: parts.help },
    { name: "exit", about: "leave", run: parts.exit },
  ]
}
