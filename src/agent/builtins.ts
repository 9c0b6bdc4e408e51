// The agents that are always there. Their files are part of the program.
import type { AgentDefinition } from "./agent.ts"
import explore from "./builtin/explore.md" with { type: "text" }
import generalPurpose from "./builtin/general-purpose.md" with { type: "text" }
import main from "./builtin/main.md" with { type: "text" }
import plan from "./builtin/plan.md" with { type: "text" }
import { define } from "./define.ts"
import { parsePlain, splitFile } from "./frontmatter.ts"

/** The agent that a session with the user is, unless another is asked for. */
export const MAIN_AGENT = "main"

/**
 * Whether an agent is given the instructions of the user and the project. Our own readers are not: they change nothing
 * that instructions are about, there are many of them, and each would pay for the text.
 */
export function getsInstructions({ name, source }: Pick<AgentDefinition, "name" | "source">): boolean {
  return !(source.scope === "builtin" && (name === "explore" || name === "plan"))
}

export function builtinAgents(): AgentDefinition[] {
  return [explore, generalPurpose, main, plan].map((text) => {
    const file = splitFile(text)
    const fields = "head" in file ? parsePlain(file.head) : undefined
    if (!("head" in file) || !fields) throw new Error("a built-in agent's front matter must be plain lines")
    const { agent } = define(fields, { prompt: file.body, source: { scope: "builtin" }, fallbackName: "" })
    if (!agent) throw new Error("a built-in agent is not complete")
    return agent
  })
}
