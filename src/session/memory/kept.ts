// The sections that a model, rules or the user wrote, as a version's row holds them, line by line. A line of the user's
// stays: only the user changes it. What the user took out does not come back either.
import type { KeptSection } from "./sections.ts"

/** A line of the program's, or one of the user's. */
export type Line = string | { user: string }

export interface Kept {
  lines: readonly Line[]
  /** Lines of the program's that the user took out or rewrote, the newest last. */
  removed?: readonly string[]
}

export type KeptSections = Partial<Record<KeptSection, Kept>>

/** So many of the lines that were taken out are remembered. */
const REMOVED_LINES = 40

export function textOfLine(line: Line): string {
  return typeof line === "string" ? line : line.user
}

export function isUsers(line: Line): line is { user: string } {
  return typeof line !== "string"
}

export function textOfKept(kept: Kept | undefined): string {
  return kept?.lines.map(textOfLine).join("\n") ?? ""
}

/**
 * The program's lines anew, with the user's at their places: each behind the line that it stood behind, if that is left.
 * The user's stay in their order: where the lines that they stand behind come in another one, what is left of the old
 * lines keeps the order that it had.
 */
export function withProgramLines(kept: Kept | undefined, fresh: readonly string[]): Kept {
  const old = kept?.lines ?? []
  const taken = new Set([...(kept?.removed ?? []), ...old.filter(isUsers).map(({ user }) => user)].map(essence))
  const own = distinct(fresh).filter((line) => !taken.has(essence(line)))
  const known = new Set(own)
  const first: Line[] = []
  const behind = new Map<string, Line[]>()
  let place = first
  for (const line of old) {
    if (isUsers(line)) place.push(line)
    else if (known.has(line)) {
      place = behind.get(line) ?? []
      behind.set(line, place)
    }
  }
  const held = [...behind].flatMap(([line, users]) => (users.length > 0 ? [line] : []))
  const inOrder = isInOrder(held, own) ? own : inOrderOf(programLines(kept), own)
  return { ...kept, lines: [...first, ...inOrder.flatMap((line) => [line, ...(behind.get(line) ?? [])])] }
}

/** At the end, and without the program's oldest lines where it would have too many. */
export function withLinesAdded(kept: Kept | undefined, added: readonly string[], most: number): Kept {
  const own = (kept?.lines ?? []).filter((line) => typeof line === "string")
  return withProgramLines(kept, [...own, ...added].slice(-most))
}

/**
 * What the user saved: `text`, made from `base`. Lines that are as the program wrote them stay the program's; all others
 * are the user's from here on. `now`: the section as it has become since `base`; what was added to it stays, by a model
 * or by the user at another place.
 */
export function edited({ base, now, text }: { base: Kept | undefined; now: Kept | undefined; text: string }): Kept {
  const before = programLines(base)
  const unclaimed = [...before]
  const lines = text
    .replace(/\r\n?/g, "\n")
    .replace(/^\s*\n/, "")
    .trimEnd()
    .split("\n")
    .map((line): Line => {
      const at = unclaimed.indexOf(line)
      if (at < 0) return { user: line.trimEnd() }
      unclaimed.splice(at, 1)
      return line
    })
  const shown = lines.length === 1 && textOfLine(lines[0]!) === "" ? [] : lines
  // Who changes nothing does not bring back what has gone since.
  if (textOfKept({ lines: shown }) === textOfKept(base)) return now ?? { lines: [] }
  const known = new Set([...(base?.lines ?? []), ...shown].map(textOfLine))
  const since = (now?.lines ?? []).filter((line) => !known.has(textOfLine(line)))
  const gone = unclaimed.filter((line) => line.trim() !== "")
  const removed = [...(now?.removed ?? []), ...gone].slice(-REMOVED_LINES)
  return { lines: [...shown, ...since], ...(removed.length > 0 && { removed }) }
}

function isInOrder(some: readonly string[], all: readonly string[]): boolean {
  const places = some.map((line) => all.indexOf(line))
  return places.every((place, i) => i === 0 || place > places[i - 1]!)
}

/** What is left of the old lines, in their order, each with the new ones that came behind it. */
function inOrderOf(old: readonly string[], fresh: readonly string[]): string[] {
  const known = new Set(old)
  const first: string[] = []
  const groups = new Map<string, string[]>()
  let group = first
  for (const line of fresh) {
    if (known.has(line)) {
      group = []
      groups.set(line, group)
    }
    group.push(line)
  }
  return [...first, ...old.flatMap((line) => groups.get(line) ?? [])]
}

function programLines(kept: Kept | undefined): string[] {
  return (kept?.lines ?? []).filter((line) => typeof line === "string")
}

/** A line without what a model may change when it repeats it. */
function essence(line: string): string {
  return line
    .replace(/^\s*(?:[-*•]\s+)?/, "")
    .trim()
    .toLowerCase()
}

function distinct(lines: readonly string[]): string[] {
  return [...new Set(lines)]
}
