// What the foot of a screen is made of: hints of its keys.
import type { Action } from "./keys/actions.ts"
import type { Keys } from "./keys/keys.ts"

/** An action's key for a hint; "–" when it has none. */
export function hinter(keys: Keys): (action: Action) => string {
  return (action) => keys.hint(action) ?? "–"
}

/** One line of as many hints as fit, the first ones first. */
export function fitting(hints: readonly string[], width: number): string {
  let line = ""
  for (const hint of hints) {
    const next = line === "" ? hint : `${line} · ${hint}`
    if (next.length > width - 3) break
    line = next
  }
  return line
}
