// "While you were away": what somebody who comes back sees first.
import { duration, tokens, usd } from "../../../base/text.ts"
import type { Away } from "../../view/away.ts"
import { clip, type Line } from "../line.ts"
import type { Theme } from "../theme.ts"
import { taskLine } from "./task-line.ts"

const SHOWN = 8

export function awayLines(
  away: Away,
  { width, theme, now, requests }: { width: number; theme: Theme; now: number; requests: number },
): Line[] {
  const cost = away.costNanos === null ? "$?" : usd(away.costNanos)
  const facts = [
    ...(away.tokens > 0 ? [`${tokens(away.tokens)} tok`, cost] : []),
    ...(requests > 0 ? [theme.warn(`${requests} ${requests === 1 ? "needs" : "need"} you`)] : []),
  ]
  const hidden = away.ended.length - SHOWN
  return [
    { text: "" },
    { text: clip(`   ${theme.bold(`While you were away`)} ${theme.dim(`(${duration(away.since)})`)}`, width) },
    ...away.ended.slice(-SHOWN).map((item) => ({
      text: clip(`   ${taskLine(item, { width: width - 4, theme, now })}`, width),
      target: { type: "task", id: item.id } as const,
    })),
    ...(hidden > 0 ? [{ text: theme.dim(`     and ${hidden} more`), target: { type: "tasks" } as const }] : []),
    ...(facts.length > 0 ? [{ text: clip(`   ${facts.join(theme.dim(" · "))}`, width) }] : []),
  ]
}
