// Screens as text for people: in a frame, and two side by side with what differs.

export interface Boxed {
  title: string
  lines: readonly string[]
  columns: number
}

export function boxed({ title, lines, columns }: Boxed): string {
  const head = title === "" ? "" : ` ${title} `
  return [
    `╭${head}${"─".repeat(Math.max(0, columns - Bun.stringWidth(head)))}╮`,
    ...lines.map((line) => `│${padded(line, columns)}│`),
    `╰${"─".repeat(columns)}╯`,
  ].join("\n")
}

/** Both texts, line by line; a line that differs has a `≠` between its two sides. */
export function sideBySide(expected: string, actual: string): string {
  const [left, right] = [expected.split("\n"), actual.split("\n")]
  const width = Math.max(8, ...left.map((line) => Bun.stringWidth(line)))
  const count = Math.max(left.length, right.length)
  const rows = Array.from({ length: count }, (_, y) => {
    const [a = "", b = ""] = [left[y], right[y]]
    return `${padded(a, width)} ${a === b ? " " : "≠"} ${b}`.trimEnd()
  })
  return [`${padded("expected", width)}   shown`, ...rows].join("\n")
}

export function padded(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - Bun.stringWidth(text)))
}
