// The keys at the foot of the screen of sessions: as many as fit; all of them are in the screen of keys.
import { fitting, hinter } from "../foot.ts"
import type { Keys } from "../keys/keys.ts"

export interface Hints {
  keys: Keys
  mode: "list" | "search" | "rename" | "delete" | "forks"
  isAll: boolean
  width: number
}

export function resumeHints({ keys, mode, isAll, width }: Hints): string {
  const key = hinter(keys)
  switch (mode) {
    case "list":
      return fitting(
        [
          "↵ open",
          `${key("resume.search")} search`,
          `${key("resume.preview")} preview`,
          `${key("resume.rename")} rename`,
          `${key("resume.forks")} forks`,
          `${key("resume.all")} ${isAll ? "this project" : "all projects"}`,
          `${key("resume.delete")} delete`,
          "esc back",
        ],
        width,
      )
    case "search":
      return fitting(["↵ open there", "↑↓ choose", "esc sessions"], width)
    case "rename":
      return "↵ rename · esc keep"
    case "delete":
      return "y delete · n keep"
    case "forks":
      return fitting(["↵ open", `${key("resume.preview")} preview`, "esc sessions"], width)
    default:
      return mode satisfies never
  }
}
