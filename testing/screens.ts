// Screens that a person would look at, kept as text files beside the tests: `expectScreen` holds the terminal against
// one. `UPDATE_SCREENS=1` writes them anew; look at what changed before it is committed.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"
import { boxed, sideBySide } from "./terminal/box.ts"
import type { Style, Terminal } from "./terminal.ts"

export interface ScreenCheck {
  /** Replaces what differs from run to run in a line: times, ids, folders. See `masked`. */
  mask?: (line: string) => string
  /** Whether colours and weights belong to the screen. `starts`: where each begins, for texts whose length differs. */
  styles?: boolean | "starts"
  /** Where the files are. */
  folder?: string
  /** How long the screen may take to become the expected one. */
  limitMs?: number
}

const root = resolve(import.meta.dir, "..")
const FOLDER = join(root, "test/ui/tui/__screens__")

/** Resolves once the terminal looks like the file `name.txt`; fails with both side by side. */
export async function expectScreen(terminal: Terminal, name: string, check: ScreenCheck = {}): Promise<void> {
  const file = join(check.folder ?? FOLDER, `${name}.txt`)
  if (process.env.UPDATE_SCREENS === "1") {
    // A screen on which something always moves is written as it is then: its mask takes care of that.
    await terminal.settled(150, { limitMs: 1500 }).catch(() => undefined)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, screenText(terminal, check))
    return
  }
  const path = relative(root, file)
  const shown = () => screenText(terminal, check)
  if (!existsSync(file)) throw new Error(`there is no ${path}: UPDATE_SCREENS=1 writes it\n${shown()}`)
  const expected = readFileSync(file, "utf8")
  try {
    await terminal.shows(() => shown() === expected, { limitMs: check.limitMs ?? 3000 })
  } catch {
    throw new Error(
      `the screen is not that of ${path} (UPDATE_SCREENS=1 if it should be as it is)\n${sideBySide(expected, shown())}`,
    )
  }
}

/** The screen as its file has it. */
export function screenText(terminal: Terminal, { mask = (line) => line, styles = false }: ScreenCheck = {}): string {
  const { columns, rows } = terminal.size()
  const { x, y, shown } = terminal.cursor()
  const head = [
    `${columns}×${rows}`,
    terminal.isAlternate() ? "alternate" : "normal",
    terminal.theme(),
    shown ? `cursor ${x},${y}` : "no cursor",
  ]
  const lines = terminal.lines().map(mask)
  const text = `${head.join(" · ")}\n${boxed({ title: "", lines, columns })}\n`
  return styles ? text + styleLayer(terminal, styles) : text
}

/**
 * A mask that puts one text for all that fits a pattern. A gap of two blanks or more beside it gives or takes the
 * difference, so that columns stay where they are, be they set to the left or to the right.
 */
export function masked(...patterns: readonly (readonly [pattern: RegExp, by: string])[]): (line: string) => string {
  return (line) => patterns.reduce((text, [pattern, by]) => replaceInPlace(text, pattern, by), line)
}

/** 7 s, 1:07, 2 min 3 s, 350 ms. */
export const DURATIONS = [/\b\d+:\d\d(?::\d\d)?\b|\b\d+(?:\.\d+)? (?:ms|s|min|h)(?: \d+ (?:s|min))?\b/, "0 s"] as const

/** The turning mark of what runs. */
export const SPINNER = [/[◐◓◑◒]/, "◐"] as const

function replaceInPlace(line: string, pattern: RegExp, by: string): string {
  const wanted = new RegExp(pattern.source, `${pattern.flags.replace(/[gy]/g, "")}g`)
  let before = ""
  let rest = line
  for (let match = wanted.exec(rest); match && match[0] !== ""; match = wanted.exec(rest)) {
    const head = before + rest.slice(0, match.index)
    const tail = rest.slice(match.index + match[0].length)
    const longer = Bun.stringWidth(match[0]) - Bun.stringWidth(by)
    const lead = head.length - head.trimEnd().length
    const trail = tail.length - tail.trimStart().length
    // Between two gaps nobody knows which of them was the fixed one: the first becomes two blanks.
    const moved = lead >= 2 ? (trail >= 2 ? lead - 2 : -longer) : 0
    before = head.slice(0, Math.min(head.length, head.length - moved)) + " ".repeat(Math.max(0, -moved)) + by
    rest = shifted(tail, longer + moved)
    wanted.lastIndex = 0
  }
  return before + rest
}

/** Widens the first gap of two blanks or more by so many, or narrows it. */
function shifted(text: string, by: number): string {
  return text.replace(/ {2,}/, (gap) => " ".repeat(Math.max(1, gap.length + by)))
}

/** A letter in the place of each cell that has a style, and what the letters mean. */
function styleLayer(terminal: Terminal, marks: true | "starts"): string {
  const letters = new Map<string, string>()
  const rows = terminal.styledText().map((runs) => {
    let row = ""
    for (const run of runs) {
      const style = styleName(run)
      if (style === "") continue
      if (!letters.has(style)) letters.set(style, LETTERS[letters.size % LETTERS.length]!)
      row = row.padEnd(run.x) + letters.get(style)!.repeat(marks === "starts" ? 1 : run.width)
    }
    return `│${row}`
  })
  const meanings = [...letters].map(([style, letter]) => `${letter} ${style}`)
  return `${["styles", ...rows, ...meanings].join("\n")}\n`
}

const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/** `bold dim #rrggbb on 4`; empty for the default. */
export function styleName(style: Style): string {
  const words: string[] = []
  if (style.bold) words.push("bold")
  if (style.dim) words.push("dim")
  if (style.italic) words.push("italic")
  if (style.underline) words.push("underline")
  if (style.strikethrough) words.push("struck")
  if (style.inverse) words.push("inverse")
  if (style.foreground !== "default") words.push(String(style.foreground))
  if (style.background !== "default") words.push(`on ${style.background}`)
  return words.join(" ")
}
