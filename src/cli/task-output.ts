// `meanwhile tasks output [--follow]`: what a task wrote, and with --follow what it writes until it has ended.
import { systemClock } from "../base/clock.ts"
import { Exit, type ExitCode } from "../base/error.ts"
import { stripControl } from "../base/escape.ts"
import { operatingSystem } from "../exec/os.ts"
import { readNew, readRange } from "../exec/spool.ts"
import { gapNote } from "../exec/spool-gap.ts"
import { isTerminal, writeErr, writeOut } from "../runtime/standard.ts"
import { Absence } from "../session/driven.ts"
import { changes, LOOK_MS } from "../store/changes.ts"
import type { RunRow } from "../store/rows.ts"
import type { Store } from "../store/store.ts"
import { type TaskView, taskView } from "../task/find.ts"
import { removedOutput } from "../task/output.ts"
import { isTerminal as isSettled } from "../task/task.ts"

/** How much of a spool is read at a time. */
const PAGE = 256 * 1024

export async function printOutput({ run }: TaskView): Promise<ExitCode> {
  const printer = printerOf(run)
  await printer.print()
  await printer.end(run)
  return Exit.done
}

/** Ends when the run has settled: then with 0, whatever became of it. 1 when that will never be seen. */
export async function followOutput(store: Store, view: TaskView, signal: AbortSignal): Promise<ExitCode> {
  const printer = printerOf(view.run)
  const absence = new Absence(store, systemClock)
  // A spool grows without a commit, so each look is one.
  for await (const _ of changes(store, systemClock, { signal, atLeastMs: LOOK_MS })) {
    const nobody = absence.lasts(view.task.root_id) && !(await commandLives(view.run))
    const now = taskView(store, view.task.id)
    const hasEnded = !now || now.run.id !== view.run.id || isSettled(now.run.state)
    // All that was written before the row said so is printed after it.
    await printer.print()
    if (!hasEnded && !nobody) continue
    await printer.end(now?.run ?? view.run)
    if (hasEnded) return Exit.done
    await writeErr(
      `meanwhile: nobody drives this task any more, so there is nothing to wait for. End it: meanwhile tasks stop ${view.task.id}\n`,
    )
    return Exit.failed
  }
  return Exit.interrupted
}

/** A command outlives its host, and goes on writing. */
async function commandLives({ pid, pid_started }: RunRow): Promise<boolean> {
  return pid !== null && (await operatingSystem.startTime(pid)) === pid_started
}

interface Printer {
  /** Prints what has come since the last time. */
  print(): Promise<void>
  /** Prints what is left. */
  end(run: RunRow): Promise<void>
}

function printerOf(run: RunRow): Printer {
  const { spool } = run
  const gone = removedOutput(run)
  if (gone) {
    const left = `${gone}\n${stripControl(run.tail, { keepNewlines: true, keepColours: true })}`
    return { print: async () => {}, end: () => writeOut(left.endsWith("\n") ? left : `${left}\n`) }
  }
  if (spool) return spoolPrinter(spool)
  const result = (run: RunRow) => (run.result ? `${stripControl(run.result, { keepNewlines: true })}\n` : "")
  return { print: async () => {}, end: (run) => writeOut(result(run)) }
}

function spoolPrinter(spool: string): Printer {
  // A file or another program gets the text as it is; a terminal gets nothing that it would act on. That is seen in
  // whole lines, so the beginning of one waits for its end, as long as it goes on growing.
  const isShown = isTerminal(1)
  const clean = (text: string) => (isShown ? stripControl(text, { keepNewlines: true, keepColours: true }) : text)
  let offset = 0
  let rest = ""
  let endsLine = true
  const print = async () => {
    for (let page = 0; ; page++) {
      const { text, next, gap } = await readNew(spool, { offset, length: PAGE })
      if (gap) {
        await flush()
        await writeOut(`${endsLine ? "" : "\n"}${gapNote(gap)}\n`)
      }
      if (next === offset) {
        if (page === 0) await flush()
        return
      }
      offset = next
      endsLine = text === "" ? endsLine || gap !== undefined : text.endsWith("\n")
      const lineEnd = isShown ? (rest + text).lastIndexOf("\n") + 1 : rest.length + text.length
      const whole = (rest + text).slice(0, lineEnd)
      rest = (rest + text).slice(lineEnd)
      await writeOut(clean(whole))
    }
  }
  const flush = async () => {
    if (rest) await writeOut(clean(rest))
    rest = ""
  }
  const end = async () => {
    // What is left is the beginning of a character that nobody finished.
    rest += await readRange(spool, offset, 8)
    await flush()
  }
  return { print, end }
}
