// `meanwhile agents`: which agents there are here, what one of them is, and what is wrong with a file.
import type { AgentDefinition } from "../agent/agent.ts"
import {
  type CheckedAgents,
  checkAgents,
  findAgent,
  type LoadedAgents,
  loadAgents,
  problemLine,
} from "../agent/load.ts"
import { Exit, type ExitCode } from "../base/error.ts"
import { stripControl } from "../base/escape.ts"
import { displayPath, homePaths, projectRoot } from "../base/paths.ts"
import { plural } from "../base/text.ts"
import { isTerminal, writeErr, writeOut } from "../runtime/standard.ts"
import type { Command } from "./command.ts"
import { table } from "./table.ts"
import { isTrustedFolder } from "./trusted-folder.ts"
import { workingFolder } from "./working-folder.ts"

export async function agentsCommand({ action }: Extract<Command, { type: "agents" }>): Promise<ExitCode> {
  if (action.type === "validate" && action.paths.length > 0) return validate(await checkAgents(action.paths))
  const home = homePaths(process.env)
  const cwd = workingFolder()
  const root = projectRoot(cwd, home.home)
  const loaded = await loadAgents({
    cwd,
    root,
    userConfig: home.config,
    userHome: home.home,
    trusted: await isTrustedFolder(process.env, root),
  })
  switch (action.type) {
    case "list":
      return list(loaded, action)
    case "show":
      await writeOut(shown(findAgent(loaded, action.name)))
      return Exit.done
    case "validate":
      return validate(loaded)
    default:
      return action satisfies never
  }
}

async function list(loaded: LoadedAgents, { json }: { json: boolean }): Promise<ExitCode> {
  if (json) {
    const hidden = loaded.shadowed.map(({ agent, by }) => ({ ...agent, shadowed_by: by.source }))
    await writeOut(`${JSON.stringify([...loaded.agents, ...hidden])}\n`)
    return Exit.done
  }
  const rows = [
    ...loaded.agents.map((agent) => [agent.name, placeOf(agent), agent.model ?? "–", agent.description]),
    ...loaded.shadowed.map(({ agent, by }) => [agent.name, placeOf(agent), "–", `(hidden by ${placeOf(by)})`]),
  ]
  await writeOut(
    table(
      [{ title: "NAME" }, { title: "FROM" }, { title: "MODEL" }, { title: "FOR" }],
      rows,
      isTerminal(1) ? process.stdout.columns : undefined,
    ),
  )
  if (loaded.problems.length > 0)
    await writeErr(`${plural(loaded.problems.length, "problem")} in agent files: meanwhile agents validate\n`)
  return Exit.done
}

function placeOf({ source }: AgentDefinition): string {
  return source.path ? displayPath(source.path) : source.scope
}

function shown(agent: AgentDefinition): string {
  const { prompt, source, extra, ...fields } = agent
  const lines = Object.entries({ ...fields, ...extra }).map(
    ([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`,
  )
  const text = [`from: ${source.path ? displayPath(source.path) : source.scope}`, ...lines, "", prompt.trim()].join(
    "\n",
  )
  return `${stripControl(text, { keepNewlines: true })}\n`
}

async function validate({ agents, problems }: CheckedAgents): Promise<ExitCode> {
  for (const problem of problems) await writeOut(`${problem.fatal ? "✗" : "!"} ${problemLine(problem)}\n`)
  await writeOut(
    `${plural(agents.length, "agent")}, ${problems.length === 0 ? "no problems" : plural(problems.length, "problem")}\n`,
  )
  return problems.some((problem) => problem.fatal) ? Exit.failed : Exit.done
}
