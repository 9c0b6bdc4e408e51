// A text with a cursor, as a value: every edit makes a new one, so that undo and history only keep what was. Columns
// are UTF-16 units, and the cursor is always between two graphemes.

export interface Spot {
  readonly line: number
  readonly col: number
}

export interface Text extends Spot {
  readonly lines: readonly string[]
}

export const EMPTY: Text = { lines: [""], line: 0, col: 0 }

/** The cursor is at the end. */
export function textOf(content: string): Text {
  return endOf({ ...EMPTY, lines: content.split("\n") })
}

export function contentOf(text: Text): string {
  return text.lines.join("\n")
}

export function isEmpty(text: Text): boolean {
  return text.lines.length === 1 && text.lines[0] === ""
}

export function moved(text: Text, spot: Spot): Text {
  return { lines: text.lines, line: spot.line, col: spot.col }
}

export function endOf(text: Text): Text {
  const line = text.lines.length - 1
  return moved(text, { line, col: text.lines[line]!.length })
}

export function inserted(text: Text, added: string): Text {
  const line = text.lines[text.line]!
  const [before, after] = [line.slice(0, text.col), line.slice(text.col)]
  const pieces = (before + added).split("\n")
  const last = pieces.length - 1
  const col = pieces[last]!.length
  const lines = [...text.lines.slice(0, text.line), ...pieces, ...text.lines.slice(text.line + 1)]
  lines[text.line + last] += after
  return { lines, line: text.line + last, col }
}

/** Without what is between the cursor and `spot`, in either order; the cursor is where it was. */
export function removed(text: Text, spot: Spot): Text {
  const [from, to] = ordered(text, spot)
  const joined = text.lines[from.line]!.slice(0, from.col) + text.lines[to.line]!.slice(to.col)
  const lines = [...text.lines.slice(0, from.line), joined, ...text.lines.slice(to.line + 1)]
  return { lines, line: from.line, col: from.col }
}

export function between(text: Text, spot: Spot): string {
  const [from, to] = ordered(text, spot)
  if (from.line === to.line) return text.lines[from.line]!.slice(from.col, to.col)
  const inner = text.lines.slice(from.line + 1, to.line)
  return [text.lines[from.line]!.slice(from.col), ...inner, text.lines[to.line]!.slice(0, to.col)].join("\n")
}

function ordered(a: Spot, b: Spot): [Spot, Spot] {
  return a.line < b.line || (a.line === b.line && a.col <= b.col) ? [a, b] : [b, a]
}
