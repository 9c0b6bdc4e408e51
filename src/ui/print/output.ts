// What is written while `-p` works: the lines of the headless stream, or what a person wants to see of the progress.
// It follows the feed; what else is to be said in the stream goes the same way, so that lines never mix.
import { version } from "../../base/version.ts"
import type { Program } from "../../program.ts"
import { isTerminal, writeErr, writeOut } from "../../runtime/standard.ts"
import { feedAfter } from "../../store/feed.ts"
import type { FeedRow, SessionRow } from "../../store/rows.ts"
import { Block } from "./block.ts"
import type { Line } from "./lines.ts"
import { eventLine, liveBlock } from "./progress.ts"
import { Stream } from "./stream.ts"

export interface Output {
  /** Whether lines can be said: the output is a stream of them. */
  readonly takesLines: boolean
  /** Says lines that no row stands for, in the stream's order. */
  say(lines: readonly Line[]): Promise<void>
  /** Resolves when all that has happened so far is written. */
  flush(): Promise<void>
  close(): void
}

export interface OutputOptions {
  output: "text" | "json" | "stream-json"
  verbose: boolean
  /** `control-requests`: to a client of Claude Code, as it knows them. */
  permissionPrompts: "own" | "control-requests"
  /** The feed's end before the call. */
  since: number
}

/** How long lines may be made at a stretch: whoever streams an answer or types a prompt is not kept waiting longer. */
const SLICE_MS = 5
/** So many rows are looked at before the clock is. */
const SLICE_ROWS = 8

interface Show {
  rows(rows: readonly FeedRow[]): Promise<void>
  /** When it wants to be called again though nothing has happened, in ms since 1970. */
  dueAt?(): number | undefined
  rest?(): Promise<void>
  close?(): void
}

export function openOutput(program: Program, row: SessionRow, options: OutputOptions): Output {
  const rootId = row.id
  const { since } = options
  if (options.output === "stream-json")
    return { ...follow(program, rootId, { since, show: stream(program, row, options) }), takesLines: true }
  if (options.output === "text" && (isTerminal(2) || options.verbose))
    return { ...follow(program, rootId, { since, show: watch(program, rootId, options) }), takesLines: false }
  return { takesLines: false, say: async () => {}, flush: async () => {}, close: () => {} }
}

function follow(
  program: Program,
  rootId: string,
  { since, show }: { since: number; show: Show },
): Omit<Output, "takesLines"> {
  const { store, clock, log } = program
  let seq = since
  let working: Promise<void> = Promise.resolve()
  let due = false
  let timer: ReturnType<typeof setTimeout> | undefined
  const pull = async () => {
    due = false
    const rows = feedAfter(store, rootId, seq)
    seq = rows.at(-1)?.seq ?? seq
    for (let at = 0; at === 0 || at < rows.length; ) at += await slice(rows, at)
    clearTimeout(timer)
    const dueAt = show.dueAt?.()
    if (dueAt !== undefined) timer = setTimeout(look, Math.max(0, dueAt - clock.monotonic()))
  }
  /** Shows rows from `at` on until its time is over; returns how many. */
  const slice = async (rows: readonly FeedRow[], at: number) => {
    const end = performance.now() + SLICE_MS
    let shown = 0
    do {
      await show.rows(rows.slice(at + shown, at + shown + SLICE_ROWS))
      shown += SLICE_ROWS
    } while (at + shown < rows.length && performance.now() < end)
    if (at + shown < rows.length) await new Promise((resolve) => setImmediate(resolve))
    return shown
  }
  const then = (act: () => Promise<void>) => {
    working = working.then(act).catch((error) => log.error("writing the stream failed", { error }))
    return working
  }
  // Bells that ring while lines are being written are one more look, not a queue of looks.
  const look = () => {
    if (due) return
    due = true
    void then(pull)
  }
  const bell = store.listen(`feed:${rootId}`, look)
  look()
  return {
    say: (lines) => then(() => write(lines)),
    flush: async () => {
      look()
      await then(async () => show.rest?.())
    },
    close: () => {
      clearTimeout(timer)
      bell[Symbol.dispose]()
      show.close?.()
    },
  }
}

async function write(lines: readonly Line[]): Promise<void> {
  if (lines.length > 0) await writeOut(lines.map((line) => `${JSON.stringify(line)}\n`).join(""))
}

function stream(program: Program, row: SessionRow, { permissionPrompts }: OutputOptions): Show {
  const { store, clock, usageBelow } = program
  const asks = permissionPrompts === "own" ? "permission_request" : "control_request"
  const paced = new Stream({ reader: store, usageBelow, asks, parentCalls: new Map() }, row.id)
  let begun = false
  return {
    rows: async (rows) => {
      const lines = paced.lines(rows, clock.monotonic())
      if (!begun) lines.unshift(initLine(program, row))
      begun = true
      await write(lines)
    },
    dueAt: () => paced.dueAt(),
    rest: () => write(paced.rest(clock.monotonic())),
  }
}

function initLine(program: Program, row: SessionRow): Line {
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

function watch(program: Program, rootId: string, { verbose }: OutputOptions): Show {
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
