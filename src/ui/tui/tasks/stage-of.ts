// The stage as a card sees it that asks for something in a task's own conversation, which may be another one.
import type { Stage } from "../pane.ts"
import type { Tree } from "./tree.ts"

/** All of the stage, but with what `tree` has in its place. */
export function stageOf(stage: Stage, tree: Pick<Tree, "view" | "control" | "isOwn">): Stage {
  if (tree.isOwn) return stage
  const own: Partial<Stage> = { view: tree.view, control: (control) => tree.control(control) }
  return new Proxy(stage, {
    get: (target, name) => {
      if (Object.hasOwn(own, name)) return Reflect.get(own, name)
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === "function" ? value.bind(target) : value
    },
  })
}
