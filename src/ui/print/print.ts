// The headless interface: one prompt, the turn, the background work it started, and the last reply. A reader of rows.
import { Exit, type ExitCode, messageOf, UserError } from "../../base/error.ts"
import { stripControl } from "../../base/escape.ts"
import type { Hosted, Program } from "../../program.ts"
import { writeErr, writeOut } from "../../runtime/standard.ts"
import { feedEnd } from "../../store/feed.ts"
import type { SessionRow } from "../../store/rows.ts"
import { type Ending, endingOf, subtypes } from "./ending.ts"
import { parseLine } from "./input.ts"
import type { Line } from "./lines.ts"
import { obeyLine } from "./obey.ts"
import { type Output, type OutputOptions, openOutput } from "./output.ts"
import { ledgerEnd, requestMs, totalsOf } from "./totals.ts"

export interface PrintOptions extends Omit<OutputOptions, "since"> {
  /** One prompt, or lines of `--input-format stream-json`. */
  input: { type: "prompt"; text: string } | { type: "lines"; lines: AsyncIterable<string> }
  waitMs: number
  /** Most steps of the root session in this call. */
  steps: number
  /** Aborted by Ctrl+C and by a reader that has gone. */
  signal: AbortSignal
  /** Called when the prompt is stored for good. */
  accepted?(): void
}

/** Where a call began, by the monotonic clock and in the rows: its totals are what came after. */
export interface Began {
  at: number
  feed: number
  ledger: number
}

/** How the work came to rest, and what the session's model said last since it began: nothing, when it was cut short. */
export type Rest = Ending & {
  reply: string | undefined
  /** What it came of, when that is not all that happened in the session. */
  turns?: readonly string[]
}

/** Runs one headless call to its end, with nothing left running, and resolves to its exit code. */
export async function print(program: Program, hosted: Hosted, options: PrintOptions): Promise<ExitCode> {
  const began = beginning(program)
  const out = openOutput(program, hosted.row, { ...options, since: began.feed })
  const call: HostedCall = { program, row: hosted.row, hosted, options, began, out }
  try {
    if (options.input.type === "lines") return await converseByLines(call, options.input.lines)
    await hosted.prompt([{ type: "text", text: options.input.text }])
    options.accepted?.()
    return await say(call, await work(call, "last"))
  } finally {
    out.close()
  }
}

export function beginning({ clock, store }: Program): Began {
  return { at: clock.monotonic(), feed: feedEnd(store), ledger: ledgerEnd(store) }
}

/** One call of `-p`: in a session that this process drives, or follows (follow.ts). */
export interface Call {
  program: Program
  row: SessionRow
  options: PrintOptions
  began: Began
  out: Output
}

export interface HostedCall extends Call {
  hosted: Hosted
}

/** Prompts, answers and controls come while the work goes on; each time it rests, a result is said. */
async function converseByLines(call: HostedCall, lines: AsyncIterable<string>): Promise<ExitCode> {
  const { hosted, options, program } = call
  const over = new AbortController()
  let exit: ExitCode = Exit.done
  let mistakes = 0
  const reading = (async () => {
    let number = 0
    for await (const line of lines) {
      number++
      try {
        await obeyLine({ ...call, permissionPrompts: options.permissionPrompts }, parseLine(line, number))
      } catch (error) {
        if (!(error instanceof UserError))
          program.log.error("a line of input failed", { error, session: hosted.row.id })
        mistakes++
        await writeErr(`meanwhile: ${stripControl(messageOf(error), { keepNewlines: true })}\n`)
      }
    }
    await hosted.approvals.close()
  })().finally(() => over.abort("end of input"))
  const either = AbortSignal.any([over.signal, options.signal])
  for (;;) {
    // Something waits, or nothing more will come.
    const woken = await hosted.woken(either).then(
      () => true,
      () => false,
    )
    hosted.lost.throwIfAborted()
    if (!woken) break
    exit = await say(call, await work(call, "more"))
    if (options.signal.aborted) break
  }
  await reading
  await hosted.stopAll(options.signal.aborted ? "user" : "program")
  await call.out.flush()
  if (options.signal.aborted) return Exit.interrupted
  return exit === Exit.done && mistakes > 0 ? Exit.usage : exit
}

export async function say(call: Call, rest: Rest): Promise<ExitCode> {
  const { options, out } = call
  await out.flush()
  if (options.output === "text") await sayText(rest)
  if (options.output === "json") await writeOut(`${JSON.stringify(resultLine(call, rest))}\n`)
  if (options.output === "stream-json") await out.say([resultLine(call, rest)])
  return rest.exit
}

/** Where what is to be answered began, in the rows: the number of the message before it, and the ledger's end. */
export interface Since {
  message: number
  ledger: number
}

/** Works until it rests. After the last of it nothing may live on: services, what `--wait` cut off, all after Ctrl+C. */
export async function work(call: HostedCall, which: "last" | "more", from?: Since): Promise<Rest> {
  const { program, hosted, options, began } = call
  const { signal, steps, waitMs } = options
  const { message, ledger } = from ?? { message: hosted.lastMessage(), ledger: ledgerEnd(program.store) }
  const end = await hosted.converse({ signal, steps, patienceMs: waitMs }).catch((error) => {
    if (signal.aborted) return { type: "interrupted" as const }
    throw error
  })
  const ends = which === "last" || signal.aborted || end.type === "cut-off"
  const stopped = ends ? await hosted.stopAll(signal.aborted ? "user" : "program") : []
  const since = { call: began.ledger, rest: ledger }
  const ending = endingOf(program.store, { rootId: hosted.row.id, end, stopped, since })
  return { ...ending, reply: hosted.lastReply(message) }
}

async function sayText({ type, reply, message }: Rest): Promise<void> {
  if (reply && type !== "failed") await writeOut(`${stripControl(reply, { keepNewlines: true }).trimEnd()}\n`)
  if (message) await writeErr(`meanwhile: ${stripControl(message, { keepNewlines: true })}\n`)
}

function resultLine({ program, row, began }: Call, { type, reply, message, steps, turns }: Rest): Line {
  const { store, clock } = program
  const rootId = row.id
  const part = { rootId, since: began.ledger, turns }
  return {
    type: "result",
    subtype: subtypes[type],
    is_error: type !== "done",
    result: reply ?? "",
    ...(message ? { error: message } : {}),
    session_id: rootId,
    uuid: `result:${feedEnd(store)}`,
    num_turns: steps,
    duration_ms: Math.round(clock.monotonic() - began.at),
    duration_api_ms: requestMs(store, part),
    ...totalsOf(store, part),
    session_usage: totalsOf(store, { rootId, since: 0 }),
    tasks: tasksOf(program, rootId),
  }
}

function tasksOf(program: Program, rootId: string) {
  return program.listTasks({ rootId }).map(({ task, run }) => ({
    task_id: task.id,
    run_id: run.id,
    task_type: task.kind,
    description: task.description,
    status: run.state,
    is_backgrounded: run.background === 1,
  }))
}
