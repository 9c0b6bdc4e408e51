// `meanwhile tasks`: what runs, everywhere, from any terminal. It reads rows; a stop is a row for whoever drives the task.
import { systemClock } from "../base/clock.ts"
import { Exit, type ExitCode } from "../base/error.ts"
import { stripControl } from "../base/escape.ts"
import { randomIds } from "../base/ids.ts"
import { plural } from "../base/text.ts"
import { openData } from "../program.ts"
import { isTerminal, writeErr, writeOut } from "../runtime/standard.ts"
import { undriven } from "../session/driven.ts"
import { healthOfTasks } from "../session/health.ts"
import { type PauseAction, pauseFromOutside } from "../session/pause-outside.ts"
import { stopFromOutside } from "../session/stop-outside.ts"
import type { Store } from "../store/store.ts"
import { findTask, listTasks, type TaskView } from "../task/find.ts"
import { outputSize } from "../task/output.ts"
import { isTerminal as isSettled } from "../task/task.ts"
import type { Command, TasksAction } from "./command.ts"
import { followTasks } from "./follow-tasks.ts"
import { interruptible } from "./interrupt.ts"
import { table } from "./table.ts"
import { followOutput, printOutput } from "./task-output.ts"
import { figures, stateOf, type TaskNow, taskJson, taskTable, timeOf, whatOf, withDrivers } from "./task-view.ts"
import { waitForTasks } from "./wait-tasks.ts"

export async function tasksCommand({ action }: Extract<Command, { type: "tasks" }>): Promise<ExitCode> {
  const { store } = await openData(process.env)
  try {
    return await perform(store, action)
  } finally {
    store.close()
  }
}

async function perform(store: Store, action: TasksAction): Promise<ExitCode> {
  switch (action.type) {
    case "list":
      return action.follow ? follow(store, action) : list(store, action)
    case "show":
      return show(now(store, [findTask(store, action.id)])[0]!, action)
    case "output":
      return output(store, action)
    case "stop":
      return stop(store, action.ids)
    case "wait":
      return wait(store, action.ids)
    case "pause":
    case "resume":
      return pauseOrResume(store, action.type, action.ids)
    default:
      return action satisfies never
  }
}

function now(store: Store, views: readonly TaskView[]): TaskNow[] {
  return withDrivers(views, { lost: undriven(store, views), health: healthOfTasks(store, views, systemClock.now()) })
}

async function list(store: Store, { all, json }: { all: boolean; json: boolean }): Promise<ExitCode> {
  const tasks = now(store, listTasks(store, { live: !all }))
  if (json) {
    await writeOut(`${JSON.stringify(tasks.map(taskJson))}\n`)
    return Exit.done
  }
  if (tasks.length === 0) {
    await writeOut(all ? "No tasks yet.\n" : "Nothing runs. (meanwhile tasks --all lists what has ended.)\n")
    return Exit.done
  }
  const { columns, rows } = taskTable(tasks, systemClock.now())
  await writeOut(table(columns, rows, isTerminal(1) ? process.stdout.columns : undefined))
  const lost = tasks.filter((task) => task.isDriven === false).map(({ task }) => task.id)
  if (lost.length > 0) await writeErr(lostHint(lost))
  return Exit.done
}

function lostHint(ids: readonly string[]): string {
  const which = ids.length === 1 ? "one of these" : `${ids.length} of these`
  const few = ids.length <= 5 ? ids.join(" ") : `${ids.slice(0, 5).join(" ")} …`
  return `The program that drove ${which} has ended. To end what is left: meanwhile tasks stop ${few}\n`
}

async function follow(store: Store, { all, json }: { all: boolean; json: boolean }): Promise<ExitCode> {
  using interruption = interruptible()
  return await followTasks(store, { all, json, signal: interruption.signal })
}

async function output(store: Store, { id, follow }: { id: string; follow: boolean }): Promise<ExitCode> {
  const view = findTask(store, id)
  if (!follow) return printOutput(view)
  using interruption = interruptible()
  return await followOutput(store, view, interruption.signal)
}

async function wait(store: Store, ids: readonly string[]): Promise<ExitCode> {
  const views = ids.map((id) => findTask(store, id))
  using interruption = interruptible()
  return await waitForTasks(store, views, interruption.signal)
}

async function show(view: TaskNow, { json }: { json: boolean }): Promise<ExitCode> {
  if (json) {
    await writeOut(`${JSON.stringify(taskJson(view))}\n`)
    return Exit.done
  }
  const { task, run } = view
  const input = JSON.parse(task.input) as { agent?: string; prompt?: string; command?: string; cwd?: string }
  const [used, cost] = figures(view)
  const lines = [
    `${task.id}  ${whatOf(view)}`,
    `state    ${stateOf(view)}${run.service ? " (service)" : ""}${run.reason ? `: ${run.reason}` : ""}${run.exit_code === null ? "" : `, exit code ${run.exit_code}`}`,
    `time     ${timeOf(view, systemClock.now())}`,
    ...(task.kind === "agent" ? [`used     ${used} tokens, ${cost}, ${plural(run.tool_uses, "tool call")}`] : []),
    `session  ${task.root_id}`,
    ...(input.cwd ? [`folder   ${input.cwd}`] : []),
    ...(run.spool ? [`output   ${run.spool} (${outputSize(run)})`] : []),
    "",
    input.command ?? input.prompt ?? "",
    ...(run.result && task.kind === "agent" ? ["", "result:", run.result] : []),
    ...(run.spool && run.tail ? ["", "last output:", run.tail] : []),
  ]
  await writeOut(`${stripControl(lines.join("\n"), { keepNewlines: true }).trimEnd()}\n`)
  return Exit.done
}

async function stop(store: Store, ids: readonly string[]): Promise<ExitCode> {
  const views = ids.map((id) => findTask(store, id))
  const ended = await stopFromOutside(store, views, { clock: systemClock, ids: randomIds })
  for (const { task, run } of ended) await writeOut(`${task.id}  ${run.state}\n`)
  return ended.every(({ run }) => isSettled(run.state)) ? Exit.done : Exit.failed
}

async function pauseOrResume(store: Store, action: PauseAction, ids: readonly string[]): Promise<ExitCode> {
  const views = ids.map((id) => findTask(store, id))
  const changed = await pauseFromOutside(store, { action, views }, { clock: systemClock, ids: randomIds })
  for (const view of now(store, changed)) await writeOut(`${view.task.id}  ${stateOf(view)}\n`)
  return changed.every(({ isDone }) => isDone) ? Exit.done : Exit.failed
}
