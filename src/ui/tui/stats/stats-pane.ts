// /stats: what was used by day and by model, and how it was worked. The sums are read when it opens, when the span
// changes, and now and then while something runs.

import { type Component, ScrollView, VStack } from "@earendil-works/pi-tui"
import { messageOf } from "../../../base/error.ts"
import { displayPath } from "../../../base/paths.ts"
import { type Habits, localDay, type Stats, usageHabits, usageStats } from "../../../session/stats.ts"
import {
  dayRows,
  habitFacts,
  heatMap,
  modelRows,
  nextRange,
  RANGE_DAYS,
  RANGE_WORDS,
  type StatsRange,
  statsNotes,
  statsRanges,
  usedFacts,
} from "../../view/stats.ts"
import { hintOf } from "../hint.ts"
import type { Action, KeyContext } from "../keys/actions.ts"
import { ends, type Line } from "../line.ts"
import type { Pane, Stage } from "../pane.ts"
import { Rows } from "../rows.ts"
import { actOnPage } from "../screens/reading.ts"
import { Tabs } from "../tasks/tabs.ts"
import { cardSvg, cardText } from "./card.ts"
import { COURSE, modelLines } from "./model-lines.ts"
import { overviewLines } from "./overview-lines.ts"
import type { SharedImage } from "./share-image.ts"

export interface StatsParts {
  /** Makes an image of it for others: in the clipboard, or in a file. */
  shareImage(card: { name: string; svg: string }): Promise<SharedImage>
}

const RANGE_NAMES: Readonly<Record<StatsRange, string>> = { "7d": "7 d", "30d": "30 d", all: "all" }
const AGAIN_MS = 5000

interface Figures {
  stats: Stats
  habits: Habits
  now: number
}

export class StatsPane implements Pane {
  readonly contexts: readonly KeyContext[] = ["stats", "list", "conversation"]
  readonly layout: Component
  readonly focus = null
  readonly #stage: Stage
  readonly #parts: StatsParts
  readonly #tabs: Tabs<"overview" | "models">
  readonly #scroll: ScrollView
  #range: StatsRange = "30d"
  #figures: Figures
  #isStale = false
  #isSharing = false

  constructor(stage: Stage, parts: StatsParts) {
    this.#stage = stage
    this.#parts = parts
    this.#figures = this.#read()
    this.#tabs = new Tabs({
      theme: () => stage.theme(),
      tabs: () => [
        { name: "overview", label: "Overview" },
        { name: "models", label: "Models" },
      ],
      open: "overview",
      changed: () => {
        this.#scroll.scrollToStart()
        stage.requestRender()
      },
    })
    this.#scroll = new ScrollView(new Rows((width) => this.#lines(width)), { primary: true, scrollbar: "auto" })
    this.layout = new VStack([
      { component: new Rows((width) => [this.#head(width)]), basis: "auto", shrink: 0 },
      { component: this.#tabs, basis: "auto", shrink: 0 },
      { component: this.#scroll, basis: 0, grow: 1, minSize: 1 },
      { component: new Rows((width) => this.#foot(width)), basis: "auto", shrink: 0 },
    ])
  }

  act(action: Action): boolean {
    switch (action) {
      case "stats.nextTab":
        this.#tabs.turn(1)
        return true
      case "stats.previousTab":
        this.#tabs.turn(-1)
        return true
      case "stats.range":
        this.#range = nextRange(this.#range)
        this.#figures = this.#read()
        this.#scroll.scrollToStart()
        return true
      case "stats.copy":
        void this.#share()
        return true
      default:
        return actOnPage(action, { scroll: this.#scroll, back: () => this.#stage.back() })
    }
  }

  changed(): void {
    this.#isStale = true
  }

  ticked(): void {
    if (!this.#isStale || this.#stage.now() - this.#figures.now < AGAIN_MS) return
    this.#figures = this.#read()
  }

  #read(): Figures {
    this.#isStale = false
    const now = this.#stage.now()
    const { store } = this.#stage.program
    return {
      stats: usageStats(store, { now, days: RANGE_DAYS[this.#range] }),
      habits: usageHabits(store, { now }),
      now,
    }
  }

  #head(width: number): Line {
    const theme = this.#stage.theme()
    const ranges = statsRanges.map((range) =>
      range === this.#range ? theme.inverse(` ${RANGE_NAMES[range]} `) : theme.dim(` ${RANGE_NAMES[range]} `),
    )
    return { text: ` ${ends(theme.bold("Usage"), `${ranges.join("")} ${theme.dim("esc back")} `, width - 1)}` }
  }

  #lines(width: number): Line[] {
    const { stats, habits, now } = this.#figures
    const theme = this.#stage.theme()
    const notes = statsNotes(stats.totals)
    const lines =
      this.#tabs.open === "overview"
        ? overviewLines(
            {
              heat: heatMap(habits, { now }),
              used: usedFacts(stats),
              habits: habitFacts(stats, habits),
              days: dayRows(stats),
              notes,
            },
            { width, theme },
          )
        : modelLines(modelRows(stats, { now, most: COURSE }), { width, theme, notes })
    return lines.map((text) => ({ text }))
  }

  #foot(width: number): Line[] {
    const { keys } = this.#stage
    const theme = this.#stage.theme()
    const { flash } = this.#stage
    const hints = [
      `${hintOf(keys, "stats.nextTab")} ${this.#tabs.open === "overview" ? "models" : "overview"}`,
      `${hintOf(keys, "stats.range")} range`,
      `${hintOf(keys, "stats.copy")} copy`,
    ].join(" · ")
    return [{ text: theme.faint("─".repeat(width)) }, { text: ` ${ends(flash ?? theme.dim(hints), "", width - 1)}` }]
  }

  /** As an image where the clipboard takes one; else as text, and the image as a file. */
  async #share(): Promise<void> {
    if (this.#isSharing) return
    this.#isSharing = true
    const { stats, habits, now } = this.#figures
    const card = { title: titleOf(stats, this.#range, now), stats, habits, now }
    try {
      const shared = await this.#parts.shareImage({ name: `usage-${this.#range}`, svg: cardSvg(card) })
      if (shared.type === "clipboard") {
        this.#stage.say("Copied as an image.")
        return
      }
      this.#stage.copy(cardText(card))
      this.#stage.say(`Copied as text. As an image: ${displayPath(shared.path)}`)
    } catch (error) {
      this.#stage.copy(cardText(card))
      this.#stage.say(`Copied as text. The image could not be written: ${messageOf(error)}`)
    } finally {
      this.#isSharing = false
    }
  }
}

function titleOf(stats: Stats, range: StatsRange, now: number): string {
  const span = stats.from === undefined ? "" : `, ${localDay(stats.from)} to ${localDay(now)}`
  return `${RANGE_WORDS[range]}${span}`
}
