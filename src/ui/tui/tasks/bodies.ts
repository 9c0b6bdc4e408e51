// The bodies of the inspector that are text: laid out once for a width and a state, and scrolled.
import { type Component, ScrollView, wrapTextWithAnsi } from "@earendil-works/pi-tui"
import type { Line, Target } from "../line.ts"
import { Rows } from "../rows.ts"
import type { Theme } from "../theme.ts"

export function scrolled(child: Component, theme: () => Theme, follow: "end" | "none" = "none"): ScrollView {
  return new ScrollView(child, {
    follow,
    primary: true,
    scrollbar: "auto",
    scrollbarTrackStyle: (text) => theme().faint(text),
    scrollbarThumbStyle: (text) => theme().dim(text),
  })
}

/** Lines that are made anew when `state` is another one, the width, or the theme. */
export function keptRows(
  { theme, state, make }: { theme(): Theme; state(): unknown; make(width: number): readonly Line[] },
  onTarget?: (target: Target) => void,
): Rows {
  let kept: { width: number; theme: Theme; state: unknown; lines: readonly Line[] } | undefined
  return new Rows((width) => {
    const now = { width, theme: theme(), state: state() }
    const isSame = kept && kept.width === width && kept.theme === now.theme && kept.state === now.state
    if (!kept || !isSame) kept = { ...now, lines: make(width) }
    return kept.lines
  }, onTarget)
}

export function textLines(text: string, width: number): Line[] {
  return text
    .replaceAll("\t", "  ")
    .split("\n")
    .flatMap((line) => wrapTextWithAnsi(line, Math.max(10, width - 4)))
    .map((line) => ({ text: `   ${line}` }))
}
