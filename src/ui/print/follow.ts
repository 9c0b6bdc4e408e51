// `-p` in a session that another process drives: the prompt goes into its inbox, its host does the work, and what came
// of the prompt is this call's result. A host that ends or dies before that is over leaves the session to this process.
import { Exit, type ExitCode } from "../../base/error.ts"
import { plural } from "../../base/text.ts"
import type { Course, Hosted, Program, Viewer } from "../../program.ts"
import type { RunRow, SessionRow, TurnRow } from "../../store/rows.ts"
import { type Ending, endingOf, type Finished } from "./ending.ts"
import { openOutput } from "./output.ts"
import { beginning, type Call, type PrintOptions, type Rest, type Since, say, work } from "./print.ts"

/** What ended the following. */
type Followed =
  | { type: "over"; course: Begun }
  /** This process drives the session from here on. */
  | { type: "taken-over"; hosted: Hosted }
  /** The host goes on; this call does not wait any longer. */
  | { type: "left"; course: Course }
  | { type: "interrupted"; course: Course }

type Begun = Extract<Course, { type: "begun" }>

export async function printFollowing(program: Program, row: SessionRow, options: PrintOptions): Promise<ExitCode> {
  const { input } = options
  if (input.type !== "prompt") throw new Error("only a prompt can follow")
  const began = beginning(program)
  const since = { message: program.lastMessage(row), ledger: began.ledger }
  const viewer = program.view(row)
  const out = openOutput(program, row, { ...options, since: began.feed })
  const call: Call = { program, row, options, began, out }
  try {
    const promptId = await viewer.prompt([{ type: "text", text: input.text }])
    options.accepted?.()
    const followed = await follow(call, viewer, promptId)
    if (followed.type === "taken-over") return await goOn(call, followed.hosted, since)
    return await say(call, await restOf(call, { followed, promptId, viewer }))
  } finally {
    out.close()
  }
}

async function goOn(call: Call, hosted: Hosted, since: Since): Promise<ExitCode> {
  try {
    return await say(call, await work({ ...call, hosted }, "last", since))
  } finally {
    hosted.release()
  }
}

async function follow({ program, row, options }: Call, viewer: Viewer, promptId: string): Promise<Followed> {
  const { clock } = program
  let changed = Promise.withResolvers<void>()
  const wake = () => changed.resolve()
  using _ = viewer.listen(wake)
  options.signal.addEventListener("abort", wake, { once: true })
  /** Since when only background work is waited for. */
  let restsSince: number | undefined
  try {
    for (;;) {
      changed = Promise.withResolvers()
      const course = program.courseOf(promptId)
      if (options.signal.aborted) return { type: "interrupted", course }
      if (course.type === "begun" && !course.isBusy) return { type: "over", course }
      if (course.type === "gone") return { type: "left", course }
      if (!viewer.isHosted()) {
        const hosted = await program.host(row)
        if (hosted) return { type: "taken-over", hosted }
      }
      const rests = course.type === "begun" && !course.isTurnOpen
      restsSince = rests ? (restsSince ?? clock.monotonic()) : undefined
      if (restsSince !== undefined && clock.monotonic() - restsSince >= options.waitMs) return { type: "left", course }
      await changed.promise
    }
  } finally {
    options.signal.removeEventListener("abort", wake)
  }
}

interface Resting {
  followed: Exclude<Followed, { type: "taken-over" }>
  promptId: string
  viewer: Viewer
}

async function restOf({ program, row, began }: Call, { followed, promptId, viewer }: Resting): Promise<Rest> {
  const { course } = followed
  const turns = course.type === "begun" ? course.turns : []
  const shared = { reply: program.lastReply(row, turns), turns }
  if (followed.type === "interrupted") {
    const withdrawn = course.type === "waiting" && (await viewer.withdraw(promptId))
    const message = withdrawn
      ? "Interrupted. The prompt was taken back before anything was done."
      : `Interrupted. The process that drives the session goes on with the prompt; see: meanwhile tasks`
    return { type: "interrupted", exit: Exit.interrupted, message, steps: 0, ...shared }
  }
  if (course.type !== "begun")
    return { ...failed("The prompt was taken out of the session before it was answered."), ...shared }
  const runs = newestRuns(program, course)
  const live = runs.filter(({ service, ended_at }) => !service && ended_at === null)
  if (followed.type === "left")
    return { type: "cut-off", exit: Exit.cutOff, message: waitRanOut(live), steps: 0, ...shared }
  const finished: Finished = {
    rootId: row.id,
    end: endOf(lastTurn(program, row, course)),
    stopped: program
      .listTasks({ rootId: row.id })
      .filter(
        ({ task, run }) => course.tasks.includes(task.id) && run.state === "stopped" && run.stop_by === "program",
      ),
    since: { call: began.ledger, rest: began.ledger },
    turns,
  }
  return { ...endingOf(program.store, finished), ...shared }
}

function failed(message: string): Ending {
  return { type: "failed", exit: Exit.failed, message, steps: 0 }
}

function waitRanOut(live: readonly RunRow[]): string {
  const ids = live.map((run) => run.task_id).join(" ")
  return `--wait ran out: ${plural(live.length, "task")} still at work in the process that drives the session: meanwhile tasks wait ${ids}`
}

function newestRuns({ store }: Program, { tasks }: Begun): RunRow[] {
  return store.all<RunRow>(
    `SELECT * FROM run WHERE task_id IN (SELECT value FROM json_each(:tasks))
       AND n = (SELECT MAX(n) FROM run AS newer WHERE newer.task_id = run.task_id)`,
    { tasks: JSON.stringify(tasks) },
  )
}

/** The session's own last one. */
function lastTurn({ store }: Program, row: SessionRow, { turns }: Begun): TurnRow {
  const sql = `SELECT * FROM turn WHERE session_id = :id AND id IN (SELECT value FROM json_each(:turns))
    ORDER BY rowid DESC LIMIT 1`
  return store.one<TurnRow>(sql, { id: row.id, turns: JSON.stringify(turns) })!
}

function endOf({ state, error }: TurnRow): Finished["end"] {
  switch (state) {
    case "open":
    case "done":
      return { type: "done" }
    case "interrupted":
      return { type: "interrupted" }
    case "failed":
      return error === "out of steps" ? { type: "out-of-steps" } : { type: "failed", error: new Error(error ?? "") }
    default:
      return state satisfies never
  }
}
