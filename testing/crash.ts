// The crash injector: tells the story with a process that dies at a numbered point, opens what is left again, and says in
// what its end differs from that of a story in which nobody died.
import { existsSync } from "node:fs"
import { join } from "node:path"
import { request } from "../src/session/controls.ts"
import { admit } from "../src/session/inbox.ts"
import { crashHome, isAccepted, left, linesOf, outside, rootsIn, twice } from "./crash-home.ts"
import { callsUnderWay, type EndState, endState, messagesSeen, stored } from "./crash-state.ts"
import { FIRST_PROMPT, RULES, SECOND_PROMPT, SETTINGS, STEERING_PROMPT, storyIn } from "./crash-story.ts"
import { startModelServer } from "./model-server.ts"

/** `process`: the first is the new session, the second the resumed one. */
export interface Death {
  process: 1 | 2
  point: number
  by: "kill" | "throw"
  /** The process that goes on after it dies as well, at this point of its own. */
  again?: number
}

/** A prompt, and how it comes in: the first by somebody who answers requests for permission. */
const FIRST = {
  args: ["-p", "--input-format", "stream-json", "--output-format", "stream-json", "--allowedTools", RULES],
  line: JSON.stringify({ type: "user", message: { role: "user", content: FIRST_PROMPT } }),
}
const SECOND = { args: ["-p", "--continue", SECOND_PROMPT, "--allowedTools", RULES], line: undefined }

export interface Told {
  /** What was reached, in order, by each of the two processes. */
  points: [string[], string[]]
  /** What the host that went on after the death reached. */
  recovery: string[]
  /** Ids of calls that a process died in and that may not be repeated: these alone may be interrupted. */
  underWay: ReadonlySet<string>
  end: EndState
  /** What is wrong whatever the other story was like. */
  problems: string[]
  /** The prompt was not accepted before the first process died: there is nothing to go on with. */
  nothingAccepted: boolean
}

export async function tellStory(death?: Death): Promise<Told> {
  await using server = await startModelServer()
  using it = crashHome(server, SETTINGS)
  const { cwd, home, folder, problems, run } = it
  let isOver = false
  using _ = { [Symbol.dispose]: () => (isOver = true) }
  const underWay = new Set<string>()
  /** Does what somebody does as soon as it can be done. */
  const when = async <T>(look: () => T | undefined, act: (found: T) => Promise<void>) => {
    for (; !isOver; await Bun.sleep(20)) {
      const found = look()
      if (found !== undefined) return act(found)
    }
  }
  const change = async (action: "pause_task" | "resume_task", description: string) => {
    const wanted = action === "pause_task" ? "paused" : "running"
    await when(
      () => stored(home, "SELECT id FROM task WHERE description = :description", { description }),
      (taskId) => outside(home, (at, rootId) => request(at.tx, at, { rootId, control: { action, taskId } })),
    )
    const sql = `SELECT 1 AS id FROM run JOIN task ON task.id = run.task_id
      WHERE task.description = :description AND run.state = '${wanted}'`
    await when(
      () => stored(home, sql, { description }),
      async () => {},
    )
  }
  using story = storyIn(cwd, {
    background: () => outside(home, (at, rootId) => request(at.tx, at, { rootId, control: { action: "background" } })),
    pause: (description) => change("pause_task", description),
    resume: (description) => change("resume_task", description),
    allow: () =>
      when(
        () => stored(home, "SELECT id FROM approval WHERE state = 'open'", {}),
        (approvalId) =>
          outside(home, (at, rootId) =>
            request(at.tx, at, { rootId, control: { action: "answer", approvalId, behavior: "allow" } }),
          ),
      ),
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

  const tell = async (n: 1 | 2, { args, line }: typeof FIRST | typeof SECOND) => {
    const log = join(folder, `points-${n}`)
    const dies = death?.process === n ? death : undefined
    const first = await run(args, { log, at: dies?.point, ...(dies && { by: dies.by }), ...(line && { line }) })
    const reached = linesOf(log)
    if (!dies && first.exit !== 0) problems.push(`process ${n} ended with ${first.exit}: ${first.said}`)
    return { reached, died: dies !== undefined && reached.length >= dies.point }
  }
  const goOn = async () => {
    const [sessionId] = rootsIn(home)
    if (!sessionId) return
    for (const id of callsUnderWay(home)) underWay.add(id)
    if (death?.again) {
      await run(["host", sessionId], { at: death.again, by: death.by })
      for (const id of callsUnderWay(home)) underWay.add(id)
    }
    const host = await run(["host", sessionId], { log: join(folder, "recovery") })
    if (host.exit !== 0) problems.push(`the host ended with ${host.exit}: ${host.said}`)
  }

  const one = await tell(1, FIRST)
  const points: Told["points"] = [one.reached, []]
  if (one.died && !isAccepted(home, FIRST_PROMPT)) {
    if (existsSync(story.effects)) problems.push("something ran without a prompt")
    return {
      points,
      end: { sessions: {}, runs: [] },
      recovery: [],
      underWay,
      problems: [...problems, ...(await left(folder))],
      nothingAccepted: true,
    }
  }
  if (one.died) await goOn()
  const two = await tell(2, SECOND)
  points[1] = two.reached
  if (two.died && !isAccepted(home, SECOND_PROMPT)) await run(SECOND.args)
  else if (two.died) await goOn()

  const end = endState(home)
  for (const [name, seen] of Object.entries(messagesSeen(server.requests, home)))
    end.sessions[`${name} as the model saw it`] = seen
  problems.push(...server.problems.map(({ request, code, message }) => `request ${request}: ${code}: ${message}`))
  problems.push(...(end.problems ?? []), ...twice(story.effects), ...(await left(folder)))
  for (const prompt of [FIRST_PROMPT, SECOND_PROMPT, STEERING_PROMPT])
    if (!end.answered?.includes(prompt)) problems.push(`${JSON.stringify(prompt)} was not answered`)
  if (linesOf(join(cwd, "new.txt")).join() !== "aa") problems.push("the file is not as it was to be")
  if (linesOf(join(cwd, "asked.txt")).join() !== "yes") problems.push("what was allowed was not done")
  const { sessions, runs } = end
  const recovery = linesOf(join(folder, "recovery"))
  return { points, recovery, underWay, end: { sessions, runs }, problems, nothingAccepted: false }
}

/** In what a story with a death ends otherwise than one without; empty when it is the same up to marked interruptions. */
export function differences(told: Told, undisturbed: Told): string[] {
  if (told.nothingAccepted) return told.problems
  const found = [...told.problems]
  const names = new Set([...Object.keys(told.end.sessions), ...Object.keys(undisturbed.end.sessions)])
  for (const name of names)
    found.push(...compare(told, name, { lines: told.end.sessions[name], wanted: undisturbed.end.sessions[name] }))
  found.push(...compare(told, "runs", { lines: told.end.runs, wanted: undisturbed.end.runs }))
  return found
}

/** A line may be another one only where it marks a call as interrupted that was under way when its process died. */
function compare(
  { underWay }: Told,
  name: string,
  { lines = [], wanted = [] }: { lines: string[] | undefined; wanted: string[] | undefined },
): string[] {
  const isMarked = (line = "") =>
    /Interrupted: the program ended during this call|The program ended right after/.test(line) &&
    [...underWay].some((id) => line.startsWith(`${id} done `) || line.startsWith(`result of ${id}: `))
  const at = Array.from({ length: Math.max(lines.length, wanted.length) }, (_, i) => i).find(
    (i) => lines[i] !== wanted[i] && !isMarked(lines[i]),
  )
  return at === undefined ? [] : [`${name}, line ${at}: is ${lines[at]}\n      instead of ${wanted[at]}`]
}
