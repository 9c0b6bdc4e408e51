// What a rewind would do, and has done, in lines.
import { visible } from "../../../base/escape.ts"
import { plural } from "../../../base/text.ts"
import type { Other, Plan, Point, Rewound, Step, What } from "../../../program.ts"
import { ago } from "../../view/session-list.ts"
import type { Theme } from "../theme.ts"

/** "5 min ago · 3 files +12 −4": what has been done since. */
export function aboutPoint({ at, since }: Point, now: number): string {
  const { files, added, removed, gaps } = since
  const lines = added + removed > 0 ? ` +${added} −${removed}` : ""
  const known = files.length > 0 ? [`${plural(files.length, "file")}${lines} since`] : []
  const unknown = gaps.length > 0 ? ["some changes not kept"] : []
  const all = [...known, ...unknown]
  return [ago(at, now), ...(all.length > 0 ? all : ["no files since"])].join(" · ")
}

export function planLines(
  { plan, gaps, isBusy }: { plan: Plan; gaps: readonly string[]; isBusy: string | undefined },
  theme: Theme,
): string[] {
  const { takes, others, lost } = plan
  if (takes.length + others.length + lost.length + gaps.length === 0) return [theme.dim("Files are as they were then.")]
  return [
    ...(isBusy === undefined ? [] : [theme.warn(`Files: ${isBusy}`)]),
    ...takes.map((step) => stepLine(step, theme)),
    ...others.map((step) => `${stepLine(step, theme)} ${theme.warn(alsoBy(step))}`),
    ...lost.map(({ path, why }) => theme.dim(`stays as it is   ${visible(path)}: ${why}`)),
    ...gaps.map((why) => theme.dim(`What some commands changed was not kept: ${why}`)),
  ]
}

function alsoBy({ isSure }: Other): string {
  return isSure ? "changed by somebody else too" : "perhaps changed by somebody else too"
}

function stepLine({ path, target, now, added, removed }: Step, theme: Theme): string {
  const does = target.kind === "absent" ? "is removed" : now.kind === "absent" ? "comes back" : "changes back"
  const lines = added + removed > 0 ? theme.dim(` +${added} −${removed}`) : ""
  return `${theme.dim(does.padEnd(13))} ${visible(path)}${lines}`
}

export function restoredWords({ done, left }: Rewound, what: What): string {
  const where = what === "files" ? "" : "You are back before that prompt. "
  const files = what === "conversation" ? "" : `${plural(done.length, "file")} taken back.`
  const rest = left.length === 0 ? "" : ` Left as they are: ${left.map(({ path }) => visible(path)).join(", ")}.`
  return `${where}${files}${rest}`.trim()
}
