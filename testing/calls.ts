// The calls that a scripted model makes in most tests: a command, and an agent.
import type { CallSpec } from "./model-server/reply.ts"

export const BEHIND = { run_in_background: true }

export function agent(description: string, prompt: string, more: object = {}): CallSpec {
  return { name: "Agent", input: { subagent_type: "general-purpose", description, prompt, ...more } }
}

export function shell(command: string, more: object = {}): CallSpec {
  return { name: "Bash", input: { command, ...more } }
}
