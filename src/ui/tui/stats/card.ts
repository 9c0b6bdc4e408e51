// The card of /stats for others: the year and the figures, without names of sessions or folders. As text, and as an image.
import type { Habits, Stats } from "../../../session/stats.ts"
import { type Fact, HEAT_WEEKS, type HeatLevel, habitFacts, heatMap, usedFacts } from "../../view/stats.ts"
import { monthLine, SHADES } from "./heat-lines.ts"

export interface CardParts {
  /** The span in words. */
  title: string
  stats: Stats
  habits: Habits
  now: number
}

const NAME = "meanwhile"
const FACT = 20
const COLUMN = 46

/** For places where text is set with a fixed width. No colours. */
export function cardText({ title, stats, habits, now }: CardParts): string {
  const heat = heatMap(habits, { now })
  const shade = (level: HeatLevel | undefined) => (level === undefined ? " " : SHADES[level])
  const rows = Array.from({ length: 7 }, (_, day) => heat.weeks.map((week) => shade(week[day])).join(""))
  const { left, right } = facts(stats, habits)
  const fact = (one: Fact | undefined) => (one ? `${one.name.padEnd(FACT)}${one.value}` : "")
  const lines = left.map((one, at) => `${fact(one).padEnd(COLUMN)}${fact(right[at])}`.trimEnd())
  return `${[`${NAME} · ${title}`, "", monthLine(heat, { first: 0, cell: 1 }), ...rows.map((row) => row.trimEnd()), "", ...lines].join("\n")}\n`
}

function facts(stats: Stats, habits: Habits): { left: Fact[]; right: Fact[] } {
  return { left: usedFacts(stats), right: habitFacts(stats, habits) }
}

const SIZE = { width: 1000, margin: 44, cell: 17, square: 14, line: 30 } as const
const COLOURS = {
  back: "#14161b",
  text: "#e8eaf0",
  dim: "#8d94a5",
  accent: "#83aaf5",
  heat: ["#23262e", "#0f4f2a", "#137a3a", "#23a94f", "#5ee07f"],
} as const
const FONT = "ui-sans-serif, 'Segoe UI', 'Helvetica Neue', 'Noto Sans', 'DejaVu Sans', Arial, sans-serif"

/** An SVG (W3C, version 1.1) that stands by itself. */
export function cardSvg({ title, stats, habits, now }: CardParts): string {
  const heat = heatMap(habits, { now })
  const { width, margin, cell, square, line } = SIZE
  const top = 124
  const left = margin + (width - 2 * margin - HEAT_WEEKS * cell) / 2
  const squares = heat.weeks.flatMap((week, column) =>
    week.flatMap((level, row) =>
      level === undefined
        ? []
        : `<rect x="${left + column * cell}" y="${top + row * cell}" width="${square}" height="${square}" rx="3" fill="${COLOURS.heat[level]}"/>`,
    ),
  )
  const months = heat.months
    // One that begins in the last weeks would stand out over the edge.
    .filter(({ week }) => week <= HEAT_WEEKS - 2)
    .map(({ week, name }) => text(name, { x: left + week * cell, y: top - 10, size: 13, fill: COLOURS.dim }))
  const below = top + 7 * cell + 48
  const columns = facts(stats, habits)
  const shown = [columns.left, columns.right].flatMap((list, column) =>
    list.flatMap(({ name, value }, at) => {
      const x = margin + column * (width / 2 - margin + 10)
      const y = below + at * line
      return [
        text(name, { x, y, size: 17, fill: COLOURS.dim }),
        text(value, { x: x + 170, y, size: 17, fill: COLOURS.text, weight: 600 }),
      ]
    }),
  )
  const height = below + Math.max(columns.left.length, columns.right.length) * line + 14
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${FONT}">`,
    `<rect width="${width}" height="${height}" rx="16" fill="${COLOURS.back}"/>`,
    text(NAME, { x: margin, y: 62, size: 26, fill: COLOURS.accent, weight: 700 }),
    text(title, { x: width - margin, y: 62, size: 19, fill: COLOURS.dim, anchor: "end" }),
    ...months,
    ...squares,
    ...shown,
    "</svg>",
    "",
  ].join("\n")
}

interface TextPlace {
  x: number
  y: number
  size: number
  fill: string
  weight?: number
  anchor?: "start" | "end"
}

function text(content: string, { x, y, size, fill, weight = 400, anchor = "start" }: TextPlace): string {
  return `<text x="${x}" y="${y}" font-size="${size}" font-weight="${weight}" text-anchor="${anchor}" fill="${fill}">${escaped(content)}</text>`
}

/** What XML 1.0 has no place for is left out. */
function escaped(content: string): string {
  return content
    .replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "")
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/>/g, "&gt;")
}
