// The permission modes in words for people.
import type { PermissionMode } from "../../base/permission-mode.ts"

const WORDS: Readonly<Record<PermissionMode, { word: string; means: string }>> = {
  default: { word: "default", means: "reading is free; what changes something is asked about" },
  acceptEdits: {
    word: "accept edits",
    means:
      "files in the working folder are edited without asking, but for those that decide what runs; commands are asked about",
  },
  plan: { word: "plan", means: "only reading; what would change something is refused" },
  bypassPermissions: { word: "bypass permissions", means: "nothing is asked about; only rules that deny hold" },
}

/** From the strictest to the freest. */
export const modesInOrder: readonly PermissionMode[] = ["plan", "default", "acceptEdits", "bypassPermissions"]

/** As it is stored; what this program does not know stays as it is. */
export function modeWord(mode: string): string {
  return isMode(mode) ? WORDS[mode].word : mode
}

export function modeMeaning(mode: PermissionMode): string {
  return WORDS[mode].means
}

/** What Shift+Tab leads to. Bypassing is in the round only for a session that was begun with it. */
export function nextMode(mode: string, { mayBypass }: { mayBypass: boolean }): PermissionMode {
  const round: readonly PermissionMode[] = mayBypass
    ? ["default", "acceptEdits", "plan", "bypassPermissions"]
    : ["default", "acceptEdits", "plan"]
  return round[(round.indexOf(mode as PermissionMode) + 1) % round.length]!
}

function isMode(mode: string): mode is PermissionMode {
  return Object.hasOwn(WORDS, mode)
}
