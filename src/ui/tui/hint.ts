// Keys as people write them.
import type { Action } from "./keys/actions.ts"
import type { Keys } from "./keys/keys.ts"

const SHORT: Readonly<Record<string, string>> = { escape: "esc", pageUp: "pgup", pageDown: "pgdn", delete: "del" }

/** A key as people write it. */
export function shown(key: string): string {
  return key
    .split(" ")
    .map((stroke) =>
      stroke
        .split("+")
        .map((part) => SHORT[part] ?? part)
        .join("+"),
    )
    .join(" ")
}

/** For hints: "esc". */
export function hintOf(keys: Keys, action: Action): string {
  return shown(keys.hint(action) ?? "")
}
