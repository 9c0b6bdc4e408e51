// The agents that can be given work: a list to choose from, and what each is.
import type { AgentDefinition } from "../../../agent/agent.ts"
import { stripControl } from "../../../base/escape.ts"
import { oneLine } from "../../../base/text.ts"
import { PickCard } from "../cards/pick.ts"
import { Highlighter } from "../conversation/highlight.ts"
import { markdownLines } from "../conversation/markdown.ts"
import type { Line } from "../line.ts"
import type { Stage } from "../pane.ts"
import { Page } from "./page.ts"

export function agentCard(stage: Stage, done: { picked(name: string): void; cancelled(): void }): PickCard {
  const { agents } = stage.program.agents
  return new PickCard({
    theme: stage.theme,
    title: "Agents",
    picks: agents.map(({ name, description }) => ({
      id: name,
      label: stripControl(name),
      about: oneLine(stripControl(description), 300),
      isCurrent: name === stage.view.session.agent,
    })),
    ...done,
  })
}

/** `start`: puts a request for it into the prompt. */
export function agentPage(stage: Stage, agent: AgentDefinition, start: () => void): Page {
  const highlighter = new Highlighter(() => stage.requestRender())
  return new Page(stage, {
    accepted: start,
    title: `Agent ${stripControl(agent.name)} · enter asks it something`,
    lines: (width): Line[] => {
      const theme = stage.theme()
      const fact = (name: string, value: string | undefined) =>
        value ? [{ text: `   ${theme.dim(name.padEnd(12))} ${oneLine(stripControl(value), width)}` }] : []
      const prose = { width: Math.max(20, width - 6), theme, highlighter }
      return [
        { text: "" },
        ...markdownLines(agent.description, prose).map((text) => ({ text: `   ${text}` })),
        { text: "" },
        ...fact("tools", agent.tools ? agent.tools.join(", ") : "all"),
        ...fact("model", agent.model),
        ...fact("mode", agent.permissionMode),
        ...fact("steps", agent.maxTurns === undefined ? undefined : String(agent.maxTurns)),
        { text: "" },
        ...markdownLines(agent.prompt, prose).map((text) => ({ text: `   ${theme.dim(text)}` })),
      ]
    },
  })
}
