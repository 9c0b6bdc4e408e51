// The marks that stand before a task, the same everywhere.
import type { Look, TaskItem } from "../view/task-item.ts"
import type { Paint, Theme } from "./theme.ts"

const MARKS: Readonly<Record<Look, string>> = {
  running: "◐",
  waiting: "◌",
  asking: "▲",
  queued: "○",
  paused: "‖",
  service: "◉",
  done: "✓",
  failed: "✗",
  stopped: "■",
  lost: "?",
}

/** One turn takes so many seconds. */
const SPIN = ["◐", "◓", "◑", "◒"]

export function markOf(item: Pick<TaskItem, "look">, now: number): string {
  return item.look === "running" ? spinner(now) : MARKS[item.look]
}

export function spinner(now: number): string {
  return SPIN[Math.floor(now / 1000) % SPIN.length]!
}

export function paintOf(look: Look, theme: Theme): Paint {
  switch (look) {
    case "running":
    case "service":
      return theme.running
    case "asking":
      return theme.warn
    case "done":
      return theme.ok
    case "failed":
    case "lost":
      return theme.error
    case "waiting":
    case "queued":
    case "paused":
    case "stopped":
      return theme.dim
    default:
      return look satisfies never
  }
}

/** What a person would call it: an agent by its definition and what it is for, a command by itself. */
export function nameOf(item: Pick<TaskItem, "kind" | "agent" | "title" | "command">): string {
  if (item.kind === "agent") return `${item.agent ?? "agent"}  ${item.title}`
  return `$ ${item.title}`
}
