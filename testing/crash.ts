// The crash injector: tells the story with a process that dies at a numbered point, opens what is left again, and says in
// what its end differs from that of a story in which nobody died.
import { existsSync } from "node:fs"
import { join } from "node:path"
import { request } from "../src/session/controls.ts"
import { admit } from "../src/session/inbox.ts"
import { crashHome, isAccepted, left, linesOf, outside, rootsIn, twice } from "./crash-home.ts"
import { type EndState, endState, messagesSeen } from "./crash-state.ts"
import { FIRST_PROMPT, SECOND_PROMPT, STEERING_PROMPT, storyIn } from "./crash-story.ts"
import { startModelServer } from "./model-server.ts"

/** `process`: the first is the new session, the second the resumed one. */
export interface Death {
  process: 1 | 2
  point: number
  by: "kill" | "throw"
  /** The process that goes on after it dies as well, at this point of its own. */
  again?: number
}

export interface Told {
  /** What was reached, in order, by each of the two processes. */
  points: [string[], string[]]
  end: EndState
  /** What is wrong whatever the other story was like. */
  problems: string[]
  /** The prompt was not accepted before the first process died: there is nothing to go on with. */
  nothingAccepted: boolean
}

export async function tellStory(death?: Death): Promise<Told> {
  await using server = await startModelServer()
  using it = crashHome(server)
  const { cwd, home, folder, problems, run } = it
  using story = storyIn(cwd, {
    background: () => outside(home, (at, rootId) => request(at.tx, at, { rootId, control: { action: "background" } })),
    steer: (text) =>
      outside(home, (at, sessionId) =>
        admit(at.tx, at.clock, {
          id: `steer:${text}`,
          sessionId,
          origin: "human",
          delivery: "steer",
          content: [{ type: "text", text }],
        }),
      ),
  })
  server.script = story.script

  const tell = async (n: 1 | 2, args: string[]) => {
    const log = join(folder, `points-${n}`)
    const dies = death?.process === n ? death : undefined
    const first = await run(args, { log, at: dies?.point, ...(dies && { by: dies.by }) })
    const reached = linesOf(log)
    if (!dies && first.exit !== 0) problems.push(`process ${n} ended with ${first.exit}: ${first.said}`)
    return { reached, died: dies !== undefined && reached.length >= dies.point }
  }
  const goOn = async () => {
    const [sessionId] = rootsIn(home)
    if (!sessionId) return
    if (death?.again) await run(["host", sessionId], { at: death.again, by: death.by })
    const host = await run(["host", sessionId])
    if (host.exit !== 0) problems.push(`the host ended with ${host.exit}: ${host.said}`)
  }

  const one = await tell(1, ["-p", FIRST_PROMPT, "--permission-mode", "bypassPermissions"])
  const points: Told["points"] = [one.reached, []]
  if (one.died && !isAccepted(home, FIRST_PROMPT)) {
    if (existsSync(story.effects)) problems.push("something ran without a prompt")
    return {
      points,
      end: { sessions: {}, runs: [] },
      problems: [...problems, ...(await left(folder))],
      nothingAccepted: true,
    }
  }
  if (one.died) await goOn()
  const again = ["-p", "--continue", SECOND_PROMPT]
  const two = await tell(2, again)
  points[1] = two.reached
  if (two.died && !isAccepted(home, SECOND_PROMPT)) await run(again)
  else if (two.died) await goOn()

  const end = endState(home)
  for (const [name, seen] of Object.entries(messagesSeen(server.requests, home)))
    end.sessions[`${name} as the model saw it`] = seen
  problems.push(...server.problems.map(({ request, code, message }) => `request ${request}: ${code}: ${message}`))
  problems.push(...(end.problems ?? []), ...twice(story.effects), ...(await left(folder)))
  for (const prompt of [FIRST_PROMPT, SECOND_PROMPT, STEERING_PROMPT])
    if (!end.answered?.includes(prompt)) problems.push(`${JSON.stringify(prompt)} was not answered`)
  if (linesOf(join(cwd, "new.txt")).join() !== "aa") problems.push("the file is not as it was to be")
  const { sessions, runs } = end
  return { points, end: { sessions, runs }, problems, nothingAccepted: false }
}

/** In what a story with a death ends otherwise than one without; empty when it is the same up to marked interruptions. */
export function differences(told: Told, undisturbed: Told): string[] {
  if (told.nothingAccepted) return told.problems
  const found = [...told.problems]
  const names = new Set([...Object.keys(told.end.sessions), ...Object.keys(undisturbed.end.sessions)])
  for (const name of names)
    found.push(...compare(name, told.end.sessions[name] ?? [], undisturbed.end.sessions[name] ?? []))
  found.push(...compare("runs", told.end.runs, undisturbed.end.runs))
  return found
}

function compare(name: string, lines: string[], wanted: string[]): string[] {
  const at = Array.from({ length: Math.max(lines.length, wanted.length) }, (_, i) => i).find(
    (i) =>
      lines[i] !== wanted[i] && !lines[i]?.includes("the program ended") && !lines[i]?.includes("The program ended"),
  )
  return at === undefined ? [] : [`${name}, line ${at}: is ${lines[at]}\n      instead of ${wanted[at]}`]
}
