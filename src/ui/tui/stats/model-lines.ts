// The second page of /stats: each model with its cost, its part of the whole, and how its use went.
import { stripControl } from "../../../base/escape.ts"
import { bar, type ModelRow, sparkline } from "../../view/stats.ts"
import { clip, ends } from "../line.ts"
import type { Theme } from "../theme.ts"

/** Most that a course takes of a line. */
export const COURSE = 52
const BAR = 30

export function modelLines(
  models: readonly ModelRow[],
  { width, theme, notes }: { width: number; theme: Theme; notes: readonly string[] },
): string[] {
  if (models.length === 0) return ["", theme.dim("  Nothing was asked of a model in this time.")]
  const room = Math.max(10, Math.min(76, width - 4))
  const lines = models.flatMap(({ model, cost, share, tokens, kinds, requests, part, course }) => [
    "",
    `  ${ends(theme.bold(clip(stripControl(model), room - 24)), `${theme.bold(cost)}  ${share.padStart(5)}`, room)}`,
    `  ${ends(theme.accent(bar(part, Math.min(BAR, room))), theme.dim(requests), room)}`,
    `  ${theme.dim(`${tokens} tokens: ${kinds}`)}`,
    ...(course.length > 1 ? [`  ${theme.running(sparkline(course))}`] : []),
  ])
  return [...lines, ...(notes.length > 0 ? ["", ...notes.map((note) => theme.dim(`  ${note}`))] : [])].map((line) =>
    clip(line, width),
  )
}
