// The headless interface: one prompt, the turn, the background work it started, and the last reply. A reader of rows.
import { Exit, type ExitCode, messageOf, UserError } from "../../base/error.ts"
import { stripControl } from "../../base/escape.ts"
import { version } from "../../base/version.ts"
import type { Hosted, Program } from "../../program.ts"
import { isTerminal, writeErr, writeOut } from "../../runtime/standard.ts"
import { feedAfter, feedEnd } from "../../store/feed.ts"
import type { RunRow, TaskRow } from "../../store/rows.ts"
import { Block } from "./block.ts"
import { type Ending, endingOf, subtypes } from "./ending.ts"
import { parseLine, type Request } from "./input.ts"
import { type Line, linesOf } from "./lines.ts"
import { eventLine, liveBlock } from "./progress.ts"
import { ledgerEnd, totalsOf } from "./totals.ts"

export interface PrintOptions {
  /** One prompt, or lines of `--input-format stream-json`. */
  input: { type: "prompt"; text: string } | { type: "lines"; lines: AsyncIterable<string> }
  output: "text" | "json" | "stream-json"
  waitMs: number
  /** Most steps of the root session in this call. */
  steps: number
  verbose: boolean
  /** Aborted by Ctrl+C and by a reader that has gone. */
  signal: AbortSignal
}

/** Where a call began, in the rows: its totals are what came after. */
interface Began {
  at: number
  feed: number
  ledger: number
}

/** Runs one headless call to its end, with nothing left running, and resolves to its exit code. */
export async function print(program: Program, hosted: Hosted, options: PrintOptions): Promise<ExitCode> {
  const began = { at: program.clock.now(), feed: feedEnd(program.store), ledger: ledgerEnd(program.store) }
  const out = output(program, hosted, { ...options, since: began.feed })
  const call: Call = { program, hosted, options, began, out }
  try {
    if (options.input.type === "lines") return await converseByLines(call, options.input.lines)
    await hosted.prompt([{ type: "text", text: options.input.text }])
    return await say(call, await work(call, "last"))
  } finally {
    out.close()
  }
}

interface Call {
  program: Program
  hosted: Hosted
  options: PrintOptions
  began: Began
  out: Output
}

/** Prompts, answers and controls come while the work goes on; each time it rests, a result is said. */
async function converseByLines(call: Call, lines: AsyncIterable<string>): Promise<ExitCode> {
  const { hosted, options, program } = call
  const over = new AbortController()
  let exit: ExitCode = Exit.done
  let mistakes = 0
  const reading = (async () => {
    let number = 0
    for await (const line of lines) {
      number++
      try {
        await obeyLine(hosted, parseLine(line, number))
      } catch (error) {
        if (!(error instanceof UserError))
          program.log.error("a line of input failed", { error, session: hosted.row.id })
        mistakes++
        await writeErr(`meanwhile: ${messageOf(error)}\n`)
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

async function obeyLine(hosted: Hosted, request: Request | undefined): Promise<void> {
  switch (request?.type) {
    case undefined:
      return
    case "prompt":
      return hosted.prompt(request.content)
    case "answer":
      if (await hosted.approvals.answer(request.id, request)) return
      throw new UserError(
        "no-such-request",
        `There is no open request ${JSON.stringify(request.id)}: it was answered before, or withdrawn.`,
      )
    case "interrupt":
      return hosted.interrupt()
    case "background":
      await hosted.background()
      return
    case "stop_task":
      return hosted.stopTask(request.taskId)
    default:
      request satisfies never
  }
}

async function say({ program, hosted, options, began, out }: Call, ending: Ending): Promise<ExitCode> {
  await out.flush()
  if (options.output === "text") await sayText(hosted, ending)
  if (options.output !== "text") await writeOut(`${JSON.stringify(resultLine(program, hosted, { ending, began }))}\n`)
  return ending.exit
}

/** Works until it rests. After the last of it nothing may live on: services, what `--wait` cut off, all after Ctrl+C. */
async function work({ program, hosted, options, began }: Call, which: "last" | "more"): Promise<Ending> {
  const { signal, steps, waitMs } = options
  const end = await hosted.converse({ signal, steps, patienceMs: waitMs }).catch((error) => {
    if (signal.aborted) return { type: "interrupted" as const }
    throw error
  })
  const ends = which === "last" || signal.aborted || end.type === "cut-off"
  const stopped = ends ? await hosted.stopAll(signal.aborted ? "user" : "program") : []
  return endingOf(program.store, { rootId: hosted.row.id, end, stopped, since: began.ledger })
}

async function sayText(hosted: Hosted, ending: Ending): Promise<void> {
  const reply = hosted.lastReply()
  if (reply && ending.type !== "failed") await writeOut(`${stripControl(reply, { keepNewlines: true }).trimEnd()}\n`)
  if (ending.message) await writeErr(`meanwhile: ${stripControl(ending.message, { keepNewlines: true })}\n`)
}

function resultLine(program: Program, hosted: Hosted, { ending, began }: { ending: Ending; began: Began }): Line {
  const { store, clock } = program
  const rootId = hosted.row.id
  return {
    type: "result",
    subtype: subtypes[ending.type],
    is_error: ending.type !== "done",
    result: hosted.lastReply() ?? "",
    ...(ending.message ? { error: ending.message } : {}),
    session_id: rootId,
    num_turns: ending.steps,
    duration_ms: clock.now() - began.at,
    ...totalsOf(store, rootId, began.ledger),
    session_usage: totalsOf(store, rootId, 0),
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

interface Output {
  flush(): Promise<void>
  close(): void
}

/** Follows the feed and writes what the format asks for, in order, while the work goes on. */
function output(program: Program, hosted: Hosted, options: PrintOptions & { since: number }): Output {
  const rootId = hosted.row.id
  if (options.output === "stream-json")
    return follow(program, rootId, { since: options.since, show: stream(program, hosted) })
  if (options.output === "text" && (isTerminal(2) || options.verbose))
    return follow(program, rootId, { since: options.since, show: watch(program, rootId, options) })
  return { flush: async () => {}, close: () => {} }
}

interface Show {
  rows(rows: ReturnType<typeof feedAfter>): Promise<void>
  close?(): void
}

function follow(program: Program, rootId: string, { since, show }: { since: number; show: Show }): Output {
  let seq = since
  let working: Promise<void> = Promise.resolve()
  let due = false
  const pull = async () => {
    due = false
    const rows = feedAfter(program.store, rootId, seq)
    seq = rows.at(-1)?.seq ?? seq
    await show.rows(rows)
  }
  // Bells that ring while lines are being written are one more look, not a queue of looks.
  const look = () => {
    if (due) return
    due = true
    working = working.then(pull).catch((error) => program.log.error("writing the stream failed", { error }))
  }
  const bell = program.store.listen(`feed:${rootId}`, look)
  look()
  return {
    flush: async () => {
      look()
      await working
    },
    close: () => {
      bell[Symbol.dispose]()
      show.close?.()
    },
  }
}

function stream(program: Program, hosted: Hosted): Show {
  const { store } = program
  const rootId = hosted.row.id
  const parts = {
    reader: store,
    usageBelow: program.usageBelow,
    liveTasks: (): { task: TaskRow; run: RunRow }[] => program.listTasks({ rootId, live: true }),
  }
  let begun = false
  return {
    rows: async (rows) => {
      const lines = rows.flatMap((row) => linesOf(parts, row))
      if (!begun) lines.unshift(initLine(program, hosted))
      begun = true
      if (lines.length > 0) await writeOut(lines.map((line) => `${JSON.stringify(line)}\n`).join(""))
    },
  }
}

function initLine(program: Program, { row }: Hosted): Line {
  return {
    type: "system",
    subtype: "init",
    session_id: row.id,
    cwd: row.cwd,
    model: row.model,
    tools: JSON.parse(row.tools),
    agents: program.agents.agents.map((agent) => agent.name),
    mcp_servers: [],
    permissionMode: row.permission_mode,
    apiKeySource: program.apiKeySource(row.model),
    meanwhile_version: version,
  }
}

function watch(program: Program, rootId: string, { verbose }: PrintOptions): Show {
  const { store, clock } = program
  if (!isTerminal(2))
    return {
      rows: async (rows) => {
        const lines = rows.flatMap((row) => eventLine(store, row) ?? [])
        if (lines.length > 0) await writeErr(lines.map((line) => `${line}\n`).join(""))
      },
    }
  const block = new Block((text) => void writeErr(text))
  const draw = (above: string[]) => {
    const live = program.listTasks({ rootId, live: true })
    block.draw(liveBlock(live, { now: clock.now(), columns: process.stderr.columns || 80, rows: 10 }), above)
  }
  const ticking = setInterval(() => draw([]), 1000)
  return {
    rows: async (rows) =>
      draw(
        rows.flatMap((row) =>
          verbose || row.kind === "task_settled" || row.kind === "retry" ? (eventLine(store, row) ?? []) : [],
        ),
      ),
    close: () => {
      clearInterval(ticking)
      block.clear()
    },
  }
}
