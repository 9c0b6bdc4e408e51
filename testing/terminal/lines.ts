// Box-drawing and block characters as shapes: as glyphs of whatever font there is they leave gaps between lines.

export interface Box {
  x: number
  y: number
  width: number
  height: number
}

/** `line`: from side to side of the cell, so that neighbours join; `fill`: an area, with the share that is covered. */
export type Shape =
  | { type: "line"; y: number; from: number; to: number }
  | { type: "stroke"; path: string }
  | { type: "fill"; path: string; opacity: number }

/** Which of a cell's four sides a line reaches from its middle. */
const ARMS: Record<string, string> = {
  "─": "lr",
  "━": "lr",
  "╌": "lr",
  "┄": "lr",
  "│": "ud",
  "┃": "ud",
  "╎": "ud",
  "┆": "ud",
  "┌": "rd",
  "┐": "ld",
  "└": "ru",
  "┘": "lu",
  "├": "udr",
  "┤": "udl",
  "┬": "lrd",
  "┴": "lru",
  "┼": "lrud",
  "╴": "l",
  "╵": "u",
  "╶": "r",
  "╷": "d",
}

/** Rounded corners: the side where the arc begins and the one where it ends. */
const ARCS: Record<string, string> = { "╭": "dr", "╮": "dl", "╰": "ur", "╯": "ul" }

const EIGHTHS = { up: "▁▂▃▄▅▆▇█", left: "▏▎▍▌▋▊▉█" } as const
const SHADES: Record<string, number> = { "░": 0.25, "▒": 0.5, "▓": 0.75 }

/** Undefined for all other characters. */
export function shapeOf(character: string, box: Box): Shape | undefined {
  const arms = ARMS[character]
  if (arms === "lr") return { type: "line", y: box.y + box.height / 2, from: box.x, to: box.x + box.width }
  if (arms === "ud") return { type: "stroke", path: `M${edge("u", box)}v${short(box.height)}` }
  if (arms) return { type: "stroke", path: [...arms].map((side) => `M${middle(box)}L${edge(side, box)}`).join("") }
  const arc = ARCS[character]
  if (arc) return { type: "stroke", path: `M${edge(arc[0]!, box)}Q${middle(box)} ${edge(arc[1]!, box)}` }
  const shade = SHADES[character]
  if (shade !== undefined) return area(box, shade)
  if (character === "▀") return area({ ...box, height: box.height / 2 })
  if (character === "▐") return area({ ...box, x: box.x + box.width / 2, width: box.width / 2 })
  const up = EIGHTHS.up.indexOf(character) + 1
  if (up > 0) return area({ ...box, y: box.y + box.height * (1 - up / 8), height: (box.height * up) / 8 })
  const left = EIGHTHS.left.indexOf(character) + 1
  if (left > 0) return area({ ...box, width: (box.width * left) / 8 })
  return undefined
}

/** At most two decimals. */
export function short(value: number): string {
  return String(Math.round(value * 100) / 100)
}

function area({ x, y, width, height }: Box, opacity = 1): Shape {
  return { type: "fill", path: `M${short(x)} ${short(y)}h${short(width)}v${short(height)}h${short(-width)}z`, opacity }
}

function middle({ x, y, width, height }: Box): string {
  return `${short(x + width / 2)} ${short(y + height / 2)}`
}

function edge(side: string, { x, y, width, height }: Box): string {
  if (side === "u") return `${short(x + width / 2)} ${short(y)}`
  if (side === "d") return `${short(x + width / 2)} ${short(y + height)}`
  if (side === "l") return `${short(x)} ${short(y + height / 2)}`
  return `${short(x + width)} ${short(y + height / 2)}`
}
