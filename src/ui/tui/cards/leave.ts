// Leaving while something runs: what becomes of it is the user's to say.
import { plural } from "../../../base/text.ts"
import { isLive, type TaskItem } from "../../view/task-item.ts"
import { taskLine } from "../conversation/task-line.ts"
import type { Stage } from "../pane.ts"
import { ChoiceCard } from "./choice.ts"

export type Leaving = "keep" | "pause" | "stop"

export function leaveCard(stage: Stage, done: (how: Leaving | "stay" | "exit") => void): ChoiceCard {
  const live = () => stage.view.board.items.filter(isLive)
  return new ChoiceCard({
    isOpen: () => {
      const isBusy = live().length > 0 || stage.view.activity().type !== "idle"
      // What there was to decide about has come to its end meanwhile.
      if (!isBusy) done("exit")
      return isBusy
    },
    theme: stage.theme,
    title: () => titleOf(live(), stage.view.activity().type !== "idle"),
    details: (width) => live().map((item) => taskLine(item, { width, theme: stage.theme(), now: stage.now() })),
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

function titleOf(live: readonly TaskItem[], isAtWork: boolean): string {
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
