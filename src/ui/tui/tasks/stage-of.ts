// The stage as a card sees it that asks for something in a task's own conversation, which may be another one.
import type { Stage } from "../pane.ts"
import type { Tree } from "./tree.ts"

export function stageOf(stage: Stage, { view, control, isOwn }: Pick<Tree, "view" | "control" | "isOwn">): Stage {
  if (isOwn) return stage
  return {
    program: stage.program,
    viewer: stage.viewer,
    view,
    keys: stage.keys,
    theme: () => stage.theme(),
    now: () => stage.now(),
    get rows() {
      return stage.rows
    },
    get columns() {
      return stage.columns
    },
    get flash() {
      return stage.flash
    },
    requestRender: () => stage.requestRender(),
    say: (text, tone) => stage.say(text, tone),
    open: (pane) => stage.open(pane),
    back: () => stage.back(),
    copy: (text) => stage.copy(text),
    control,
  }
}
