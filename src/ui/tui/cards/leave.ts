// Leaving while something runs: what becomes of it is the user's to say.
import { stripControl } from "../../../base/escape.ts"
import { oneLine, plural } from "../../../base/text.ts"
import type { Elsewhere } from "../../view/elsewhere.ts"
import { isLive, type TaskItem } from "../../view/task-item.ts"
import { taskLine } from "../conversation/task-line.ts"
import type { Stage } from "../pane.ts"
import { ChoiceCard } from "./choice.ts"

export type Leaving = "keep" | "pause" | "stop"

export interface AtWork {
  /** Whether something of the conversation in front would be cut off. */
  here(): boolean
  elsewhere(): readonly Elsewhere[]
}

export function leaveCard(
  stage: Stage,
  { here, elsewhere }: AtWork,
  done: (how: Leaving | "stay" | "exit") => void,
): ChoiceCard {
  const live = () => (here() ? stage.view.board.items.filter(isLive) : [])
  const isTurnOpen = () => here() && stage.view.activity().type !== "idle"
  return new ChoiceCard({
    isOpen: () => {
      const isBusy = here() || elsewhere().length > 0
      // What there was to decide about has come to its end meanwhile.
      if (!isBusy) done("exit")
      return isBusy
    },
    theme: stage.theme,
    title: () => {
      const others = elsewhere()
      const tasks = [...live(), ...others.flatMap((other) => other.tasks)]
      return titleOf(tasks, { isAtWork: isTurnOpen() || others.some((other) => other.isTurnOpen) })
    },
    details: (width) => {
      const theme = stage.theme()
      const line = (item: TaskItem) => taskLine(item, { width, theme, now: stage.now() })
      const others = elsewhere().flatMap(({ name, isTurnOpen: isOpen, tasks }) => [
        theme.dim(`In ${oneLine(stripControl(name), width - 40)}${isOpen ? ", where a turn is not over" : ""}:`),
        ...tasks.map(line),
      ])
      return [...live().map(line), ...others]
    },
    choices: [
      {
        letter: "k",
        label: "keep working",
        about: "it goes on without this terminal; meanwhile -c comes back",
        chosen: () => done("keep"),
      },
      {
        letter: "p",
        label: "pause",
        about: "everything stands still until you come back",
        chosen: () => done("pause"),
      },
      { letter: "s", label: "stop", about: "what was not finished is lost", chosen: () => done("stop") },
    ],
    cancelled: () => done("stay"),
  })
}

function titleOf(live: readonly TaskItem[], { isAtWork }: { isAtWork: boolean }): string {
  if (live.length === 0) return "The turn is not over. What shall become of it?"
  const still = `${plural(live.length, "task")} still ${live.length === 1 ? "runs" : "run"}`
  return `${still}${isAtWork ? ", and the turn is not over" : ""}. What shall become of ${live.length === 1 && !isAtWork ? "it" : "them"}?`
}

/** Ctrl+X Ctrl+K: asked once, with the list. */
export function stopAllCard(stage: Stage, done: (really: boolean) => void): ChoiceCard {
  const live = () => stage.view.board.items.filter((item) => isLive(item) && item.isBackground)
  return new ChoiceCard({
    theme: stage.theme,
    title: () => `Stop ${plural(live().length, "background task")}?`,
    isOpen: () => live().length > 0,
    details: (width) => live().map((item) => taskLine(item, { width, theme: stage.theme(), now: stage.now() })),
    choices: [
      { letter: "y", label: "yes, stop them", chosen: () => done(true) },
      { letter: "n", label: "no", chosen: () => done(false) },
    ],
    cancelled: () => done(false),
  })
}
