// A screen as an SVG picture of a window: real text in the reader's own monospaced font, held to the grid whatever the
// font is; lines and blocks as shapes. No script and no outside file, so that it shows where pages embed it.
import type { Terminal } from "../terminal.ts"
import { type Cell, type Style, sameStyle } from "./cells.ts"
import { shapeOf, short } from "./lines.ts"
import { paint } from "./palette.ts"
import { THEME_COLOURS, type Theme } from "./screen.ts"

export interface Picture {
  cells: readonly (readonly Cell[])[]
  theme: Theme
  /** In the window's frame. */
  title: string
  cursor?: { x: number; y: number } | undefined
}

const FONT = "ui-monospace,SFMono-Regular,'SF Mono',Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace"
const CELL = { width: 8.4, height: 19 }
const FONT_SIZE = 14
/** From a line's top to the line that letters stand on. */
const BASELINE = 14
const MARGIN = { x: 16, top: 48, bottom: 16 }
/** What every monospaced font has, in its own width. */
const ORDINARY = /^[\x20-\x7e\u00a0-\u024f\u2010-\u203a]+$/
const FRAME: Record<Theme, { bar: string; line: string; title: string; dot: string }> = {
  dark: { bar: "#1f2229", line: "#3a3f48", title: "#9aa2ad", dot: "#4a505b" },
  light: { bar: "#f3f4f6", line: "#d0d7de", title: "#656d76", dot: "#c8ced6" },
}

/** What the terminal shows now. */
export function pictureOf(terminal: Terminal, title: string): Picture {
  const { x, y, shown } = terminal.cursor()
  return { cells: terminal.cells(), theme: terminal.theme(), title, cursor: shown ? { x, y } : undefined }
}

export function svgOf({ cells, theme, title, cursor }: Picture): string {
  const columns = Math.max(0, ...cells.map((row) => row.length))
  const width = Math.ceil(columns * CELL.width + 2 * MARGIN.x)
  const height = MARGIN.top + cells.length * CELL.height + MARGIN.bottom
  const layers = new Layers(theme)
  for (const [y, row] of cells.entries()) drawRow(layers, row, y)
  const own = THEME_COLOURS[theme]
  const frame = FRAME[theme]
  const most = Math.max(0, columns - 24)
  const name = title.length > most ? `${title.slice(0, most)}…` : title
  const bar =
    cursor && `<rect x="${column(cursor.x)}" y="${top(cursor.y) + 1}" width="2" height="17" fill="${own.foreground}"/>`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>text{font:${FONT_SIZE}px ${FONT};fill:${own.foreground}}path{fill:none;stroke-width:1.2;stroke-linecap:square}.m{text-anchor:middle}${layers.css()}</style>`,
    `<rect x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="10" fill="${own.background}" stroke="${frame.line}"/>`,
    `<path d="M1 34V10.5A9.5 9.5 0 0 1 10.5 1H${width - 10.5}A9.5 9.5 0 0 1 ${width - 1} 10.5V34z" style="fill:${frame.bar}"/>`,
    `<path d="M1 34.5H${width - 1}" stroke="${frame.line}"/>`,
    ...[20, 38, 56].map((x) => `<circle cx="${x}" cy="17.5" r="5.5" fill="${frame.dot}"/>`),
    `<text class="m" x="${width / 2}" y="22" style="font-size:12.5px;fill:${frame.title}">${escaped(name)}</text>`,
    ...layers.parts(),
    ...(bar ? [bar] : []),
    "</svg>\n",
  ].join("\n")
}

/** What is drawn, back to front, with one class for each look. */
class Layers {
  readonly #theme: Theme
  readonly #classes = new Map<string, string>()
  readonly #backgrounds = new Map<string, string>()
  readonly #strokes = new Map<string, string>()
  readonly #fills = new Map<string, { colour: string; opacity: number; path: string }>()
  readonly #texts: string[] = []
  /** The line across cells that the next cell may lengthen. */
  #line: { colour: string; y: number; from: number; to: number } | undefined

  constructor(theme: Theme) {
    this.#theme = theme
  }

  /** One area for neighbours of one colour: between two the window would shine through. */
  backgrounds(row: readonly Cell[], y: number): void {
    for (let x = 0; x < row.length; ) {
      const { background } = paint(row[x]!, this.#theme)
      let end = x + 1
      while (end < row.length && paint(row[end]!, this.#theme).background === background) end++
      if (background) {
        const width = (end - x) * CELL.width
        const path = `M${column(x)} ${top(y)}h${short(width)}v${CELL.height}h${short(-width)}z`
        this.#backgrounds.set(background, (this.#backgrounds.get(background) ?? "") + path)
      }
      x = end
    }
  }

  /** Whether the character is one that is drawn as a shape. */
  shape(cell: Cell, x: number, y: number): boolean {
    const box = { x: MARGIN.x + x * CELL.width, y: top(y), width: CELL.width, height: CELL.height }
    const shape = shapeOf(cell.text, box)
    if (!shape) return false
    const colour = paint(cell, this.#theme).text
    if (shape.type === "line") {
      const line = this.#line
      const goesOn = line && line.colour === colour && line.y === shape.y && Math.abs(line.to - shape.from) < 0.01
      if (goesOn) line.to = shape.to
      if (!goesOn) {
        this.#endLine()
        this.#line = { colour, y: shape.y, from: shape.from, to: shape.to }
      }
      return true
    }
    if (shape.type === "stroke") {
      this.#stroke(colour, shape.path)
      return true
    }
    const key = `${colour} ${shape.opacity}`
    const fill = this.#fills.get(key) ?? { colour, opacity: shape.opacity, path: "" }
    this.#fills.set(key, { ...fill, path: fill.path + shape.path })
    return true
  }

  text(text: string, style: Style, at: { x: number; y: number; width: number }): void {
    const name = this.#className(style)
    const y = top(at.y) + BASELINE
    const ordinary = ORDINARY.test(text)
    // Other signs come from other fonts, of any width: they stand in the middle of their cells.
    const place = ordinary
      ? `x="${column(at.x)}" y="${y}" textLength="${short(at.width * CELL.width)}"`
      : `x="${column(at.x + at.width / 2)}" y="${y}"`
    const classes = [...(name ? [name] : []), ...(ordinary ? [] : ["m"])].join(" ")
    this.#texts.push(`<text ${place}${classes ? ` class="${classes}"` : ""}>${escaped(text)}</text>`)
  }

  css(): string {
    return [...this.#classes].map(([look, name]) => `.${name}{${look}}`).join("")
  }

  parts(): string[] {
    this.#endLine()
    return [
      ...[...this.#backgrounds].map(([colour, path]) => `<path d="${path}" style="fill:${colour}"/>`),
      ...[...this.#fills.values()].map(
        ({ colour, opacity, path }) =>
          `<path d="${path}" style="fill:${colour}"${opacity < 1 ? ` opacity="${opacity}"` : ""}/>`,
      ),
      ...[...this.#strokes].map(([colour, path]) => `<path d="${path}" stroke="${colour}"/>`),
      ...this.#texts,
    ]
  }

  #stroke(colour: string, path: string): void {
    this.#strokes.set(colour, (this.#strokes.get(colour) ?? "") + path)
  }

  #endLine(): void {
    const line = this.#line
    if (line) this.#stroke(line.colour, `M${short(line.from)} ${short(line.y)}H${short(line.to)}`)
    this.#line = undefined
  }

  /** Undefined for the look of all text. */
  #className(style: Style): string | undefined {
    const decorations = [...(style.underline ? ["underline"] : []), ...(style.strikethrough ? ["line-through"] : [])]
    const { text } = paint(style, this.#theme)
    const look = [
      ...(text === THEME_COLOURS[this.#theme].foreground ? [] : [`fill:${text}`]),
      ...(style.bold ? ["font-weight:600"] : []),
      ...(style.italic ? ["font-style:italic"] : []),
      ...(decorations.length > 0 ? [`text-decoration:${decorations.join(" ")}`] : []),
    ].join(";")
    if (look === "") return undefined
    const known = this.#classes.get(look)
    if (known) return known
    const name = `s${this.#classes.size}`
    this.#classes.set(look, name)
    return name
  }
}

/** Words of one look together, up to a wider gap: blanks need no bytes then, and each part begins in its column. */
function drawRow(layers: Layers, row: readonly Cell[], y: number): void {
  let part: { text: string; style: Cell; x: number; width: number } | undefined
  let blanks = 0
  const flush = () => {
    if (part) layers.text(part.text, part.style, { ...part, y })
    part = undefined
    blanks = 0
  }
  for (const [x, cell] of row.entries()) {
    if (cell.width === 0) continue
    if (cell.text === " " && !cell.underline && !cell.strikethrough) {
      blanks++
      continue
    }
    if (blanks > 1 || (part && !sameStyle(part.style, cell))) flush()
    if (layers.shape(cell, x, y)) {
      flush()
      continue
    }
    if (!ORDINARY.test(cell.text)) {
      flush()
      layers.text(cell.text, cell, { x, y, width: cell.width })
      continue
    }
    const gap = part ? " ".repeat(blanks) : ""
    part ??= { text: "", style: cell, x, width: 0 }
    part.text += gap + cell.text
    part.width += gap.length + cell.width
    blanks = 0
  }
  flush()
  layers.backgrounds(row, y)
}

function column(x: number): string {
  return short(MARGIN.x + x * CELL.width)
}

function top(y: number): number {
  return MARGIN.top + y * CELL.height
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`)
}
