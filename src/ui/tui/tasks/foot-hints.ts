// The keys at the foot of the panel and of the inspector: as many as fit; all of them are in the screen of keys.
import { isLive, type TaskItem } from "../../view/task-item.ts"
import { fitting, hinter } from "../foot.ts"
import type { Keys } from "../keys/keys.ts"

export interface PanelHints {
  keys: Keys
  mode: "list" | "filter" | "confirm" | "card"
  isFiltered: boolean
  width: number
}

export function panelHints({ keys, mode, isFiltered, width }: PanelHints): string {
  const key = hinter(keys)
  switch (mode) {
    case "filter":
      return "↵ keep the filter · ↑↓ choose · esc undo"
    case "confirm":
      return `y or ${key("tasks.stop")} stops all of it · n keeps it`
    case "card":
      return "esc back"
    case "list":
      return fitting(
        [
          "↵ or click inspect",
          `${key("tasks.foreground")} foreground`,
          `${key("tasks.pause")} pause`,
          `${key("tasks.stop")} stop`,
          `${key("tasks.message")} message`,
          `${key("tasks.diff")} diff`,
          isFiltered ? "esc all tasks" : `${key("tasks.filter")} filter`,
          `${key("tasks.allSessions")} all sessions`,
          `${key("tasks.copy")} copy id`,
        ],
        width,
      )
    default:
      return mode satisfies never
  }
}

export interface InspectorHints {
  keys: Keys
  mode: "plain" | "confirm" | "caps" | "find" | "card"
  item: TaskItem | undefined
  isAsking: boolean
  /** It shows an output. */
  hasOutput: boolean
  isSearching: boolean
  canForeground: boolean
  width: number
}

export function inspectorHints({ keys, mode, item, width, ...has }: InspectorHints): string {
  const key = hinter(keys)
  switch (mode) {
    case "card":
      return "esc back to the task"
    case "confirm":
      return `y or ${key("inspector.stop")} stops all of it · n keeps it`
    case "caps":
      return "↵ set · esc back · what was paused by a cap goes on"
    case "find":
      return "↵ find · esc back"
    case "plain": {
      const live = item !== undefined && isLive(item)
      return fitting(
        [
          ...(has.isAsking ? [`${key("inspector.answer")} answer`] : []),
          ...(item?.kind === "agent" ? ["↵ send"] : []),
          ...(has.isSearching
            ? [`${key("inspector.findEarlier")} earlier`, `${key("inspector.findLater")} later`]
            : []),
          ...(has.hasOutput ? [`${key("inspector.find")} find`] : []),
          `${key("inspector.nextTab")} next tab`,
          ...(live
            ? [
                `${key("inspector.stop")} stop`,
                `${key("inspector.pause")} ${item.state === "paused" ? "resume" : "pause"}`,
              ]
            : []),
          ...(live && has.canForeground ? [`${key("inspector.foreground")} foreground`] : []),
          ...(item?.kind === "agent" ? [`${key("inspector.cap")} caps`] : []),
          `${key("inspector.copy")} copy`,
          "esc back",
        ],
        width,
      )
    }
    default:
      return mode satisfies never
  }
}
