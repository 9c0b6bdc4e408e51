// `meanwhile tasks`: what runs, everywhere, from any terminal. It reads rows; a stop is a row for whoever drives the task.
import { systemClock } from "../base/clock.ts"
import { Exit, type ExitCode, UserError } from "../base/error.ts"
import { stripControl } from "../base/escape.ts"
import { randomIds } from "../base/ids.ts"
import { oneLine, plural, stopwatch, tokens, usd } from "../base/text.ts"
import { readRange, spoolSize } from "../exec/spool.ts"
import { openData } from "../program.ts"
import { isTerminal, writeOut } from "../runtime/standard.ts"
import { stopFromOutside } from "../session/stop-outside.ts"
import type { Store } from "../store/store.ts"
import { findTask, listTasks, type TaskView } from "../task/find.ts"
import { isTerminal as isSettled } from "../task/task.ts"
import type { Command, TasksAction } from "./command.ts"
import { table } from "./table.ts"

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
      return list(store, action)
    case "show":
      return show(findTask(store, action.id), action)
    case "output":
      return output(findTask(store, action.id))
    case "stop":
      return stop(store, action.ids)
    case "pause":
    case "resume":
    case "wait":
      throw new UserError("not-yet", `tasks ${action.type} is not available yet.`, Exit.usage)
    default:
      return action satisfies never
  }
}

async function list(store: Store, { all, json }: { all: boolean; json: boolean }): Promise<ExitCode> {
  const views = listTasks(store, { live: !all })
  if (json) {
    await writeOut(`${JSON.stringify(views.map(asJson))}\n`)
    return Exit.done
  }
  if (views.length === 0) {
    await writeOut(all ? "No tasks yet.\n" : "Nothing runs. (meanwhile tasks --all lists what has ended.)\n")
    return Exit.done
  }
  const now = systemClock.now()
  const columns = [
    { title: "ID" },
    { title: "STATE" },
    { title: "WHAT" },
    { title: "TIME", right: true },
    { title: "TOKENS", right: true },
    { title: "COST", right: true },
    { title: "NOW" },
  ]
  const rows = views.map((view) => [
    view.task.id,
    view.run.state,
    whatOf(view),
    stopwatch((view.run.ended_at ?? now) - (view.run.started_at ?? view.run.created_at)),
    ...figures(view),
    doingOf(view),
  ])
  await writeOut(table(columns, rows, isTerminal(1) ? process.stdout.columns : undefined))
  return Exit.done
}

function whatOf({ task }: TaskView): string {
  const what = oneLine(task.description, 50)
  return task.kind === "agent" ? `${(JSON.parse(task.input) as { agent: string }).agent}  ${what}` : `$ ${what}`
}

function figures({ task, tokens: used, costNanos }: TaskView): [string, string] {
  if (task.kind !== "agent") return ["–", "–"]
  return [tokens(used), costNanos === null ? "?" : usd(costNanos)]
}

function doingOf({ run }: TaskView): string {
  if (!isSettled(run.state)) return run.activity ?? lastLine(run.tail)
  if (run.state === "completed") return firstLine(run.result ?? "")
  return run.reason ?? ""
}

function lastLine(text: string): string {
  return stripControl(text, { keepNewlines: true }).trimEnd().split("\n").at(-1) ?? ""
}

function firstLine(text: string): string {
  return stripControl(text, { keepNewlines: true }).trimStart().split("\n", 1)[0] ?? ""
}

function asJson({ task, run, tokens: used, costNanos }: TaskView) {
  return {
    task_id: task.id,
    run_id: run.id,
    session_id: task.root_id,
    parent_task_id: task.parent_task_id,
    task_type: task.kind,
    description: task.description,
    input: JSON.parse(task.input),
    status: run.state,
    is_backgrounded: run.background === 1,
    is_service: run.service === 1,
    reason: run.reason,
    exit_code: run.exit_code,
    result: run.result,
    output_file: run.spool,
    output_bytes: run.bytes,
    usage: { total_tokens: used, tool_uses: run.tool_uses, cost_usd: costNanos === null ? null : costNanos / 1e9 },
    created_at: task.created_at,
    started_at: run.started_at,
    ended_at: run.ended_at,
  }
}

async function show(view: TaskView, { json }: { json: boolean }): Promise<ExitCode> {
  if (json) {
    await writeOut(`${JSON.stringify(asJson(view))}\n`)
    return Exit.done
  }
  const { task, run } = view
  const now = systemClock.now()
  const input = JSON.parse(task.input) as { agent?: string; prompt?: string; command?: string; cwd?: string }
  const [used, cost] = figures(view)
  const lines = [
    `${task.id}  ${whatOf(view)}`,
    `state    ${run.state}${run.service ? " (service)" : ""}${run.reason ? `: ${run.reason}` : ""}${run.exit_code === null ? "" : `, exit code ${run.exit_code}`}`,
    `time     ${stopwatch((run.ended_at ?? now) - (run.started_at ?? run.created_at))}`,
    ...(task.kind === "agent" ? [`used     ${used} tokens, ${cost}, ${plural(run.tool_uses, "tool call")}`] : []),
    `session  ${task.root_id}`,
    ...(input.cwd ? [`folder   ${input.cwd}`] : []),
    ...(run.spool ? [`output   ${run.spool} (${run.bytes} bytes)`] : []),
    "",
    input.command ?? input.prompt ?? "",
    ...(run.result && task.kind === "agent" ? ["", "result:", run.result] : []),
    ...(run.spool && run.tail ? ["", "last output:", run.tail] : []),
  ]
  await writeOut(`${stripControl(lines.join("\n"), { keepNewlines: true }).trimEnd()}\n`)
  return Exit.done
}

/** How much of a spool is read at a time. */
const PAGE = 256 * 1024

async function output({ run }: TaskView): Promise<ExitCode> {
  if (!run.spool) {
    await writeOut(run.result ? `${stripControl(run.result, { keepNewlines: true })}\n` : "")
    return Exit.done
  }
  const size = await spoolSize(run.spool)
  // A file or another program gets the bytes as they are; a terminal gets nothing that it would act on.
  const clean = (text: string) => (isTerminal(1) ? stripControl(text, { keepNewlines: true, keepColours: true }) : text)
  for (let offset = 0; offset < size; offset += PAGE) await writeOut(clean(await readRange(run.spool, offset, PAGE)))
  return Exit.done
}

async function stop(store: Store, ids: readonly string[]): Promise<ExitCode> {
  const views = ids.map((id) => findTask(store, id))
  const ended = await stopFromOutside(store, views, { clock: systemClock, ids: randomIds })
  for (const { task, run } of ended) await writeOut(`${task.id}  ${run.state}\n`)
  return ended.every(({ run }) => isSettled(run.state)) ? Exit.done : Exit.failed
}
