// `meanwhile tasks --follow`: a table that is kept up to date in its place, or, where nobody looks at a terminal, a line
// for each change. A task that ends stays, with how it ended.
import { systemClock } from "../base/clock.ts"
import { Exit, type ExitCode } from "../base/error.ts"
import { oneLine } from "../base/text.ts"
import { isTerminal, writeOut } from "../runtime/standard.ts"
import { undriven } from "../session/driven.ts"
import { healthOfTasks } from "../session/health.ts"
import { changes } from "../store/changes.ts"
import type { Store } from "../store/store.ts"
import { listTasks, type TaskView, taskView } from "../task/find.ts"
import { isTerminal as isSettled } from "../task/task.ts"
import { Block } from "../ui/print/block.ts"
import { table } from "./table.ts"
import { doingOf, stateOf, type TaskNow, taskJson, taskTable, timeOf, whatOf, withDrivers } from "./task-view.ts"

/** The times in the table go on, and a host that dies rings no bell. */
const TICK_MS = 1000

export interface Following {
  /** Those that had ended before, too. */
  all: boolean
  json: boolean
  signal: AbortSignal
}

/** Follows until the signal is aborted. */
export async function followTasks(store: Store, { all, json, signal }: Following): Promise<ExitCode> {
  const followed = new Map<string, TaskView>()
  for (const view of listTasks(store, { live: !all })) followed.set(view.task.id, view)
  const isTable = isTerminal(1) && !json
  const show = isTable ? inPlace() : inLines(json)
  for await (const _ of changes(store, systemClock, { signal, atLeastMs: TICK_MS })) {
    const live = new Map(listTasks(store, { live: true }).map((view) => [view.task.id, view]))
    // What has settled does not change any more, unless it runs anew: then it is among the live ones.
    for (const [id, { run }] of followed) if (!isSettled(run.state) && !live.has(id)) update(store, followed, id)
    for (const [id, view] of live) followed.set(id, view)
    const views = [...followed.values()]
    await show(
      withDrivers(views, { lost: undriven(store, views), health: healthOfTasks(store, views, systemClock.now()) }),
    )
  }
  // Below the table stands the ^C that the terminal has shown.
  if (isTable) await writeOut("\n")
  return Exit.interrupted
}

function update(store: Store, followed: Map<string, TaskView>, id: string): void {
  const view = taskView(store, id)
  if (view) followed.set(id, view)
  else followed.delete(id)
}

type Show = (tasks: readonly TaskNow[]) => Promise<void>

function inPlace(): Show {
  let writing = Promise.resolve()
  const block = new Block((text) => {
    writing = writing.then(() => writeOut(text))
  })
  return async (tasks) => {
    const { columns = 80, rows = 24 } = process.stdout
    block.draw(tableLines(tasks, { columns, rows, now: systemClock.now() }))
    await writing
  }
}

/** At most so many lines that the terminal need not scroll, or they could not be drawn over. The newest are shown. */
export function tableLines(
  tasks: readonly TaskNow[],
  { columns, rows, now }: { columns: number; rows: number; now: number },
): string[] {
  if (tasks.length === 0) return ["Nothing runs. What starts is shown here; Ctrl+C ends this."]
  const room = Math.max(1, rows - 3)
  const shown = tasks.length > room ? tasks.slice(tasks.length - room) : tasks
  const { columns: titles, rows: cells } = taskTable(shown, now)
  const lines = table(titles, cells, columns - 1)
    .trimEnd()
    .split("\n")
  const hidden = tasks.length - shown.length
  return hidden > 0 ? [...lines, `… and ${hidden} older`] : lines
}

function inLines(json: boolean): Show {
  const known = new Map<string, string>()
  return async (tasks) => {
    const now = systemClock.now()
    const changed = tasks.filter((task) => {
      // Text is for a log: how far a command's output has grown is no event there.
      const seen = JSON.stringify(json ? taskJson(task) : [stateOf(task), task.run.background, task.run.activity])
      const isNew = known.get(task.run.id) !== seen
      known.set(task.run.id, seen)
      return isNew
    })
    if (changed.length > 0)
      await writeOut(changed.map((task) => `${json ? jsonLine(task, now) : line(task, now)}\n`).join(""))
  }
}

function jsonLine(task: TaskNow, now: number): string {
  return JSON.stringify({ at: now, ...taskJson(task) })
}

function line(task: TaskNow, now: number): string {
  const doing = doingOf(task)
  const said = [`${stateOf(task)}  ${whatOf(task)}  ${timeOf(task, now)}`, ...(doing ? [doing] : [])].join(" · ")
  return `${new Date(now).toLocaleTimeString("sv-SE")} ${task.task.id} ${oneLine(said, 200)}`
}
