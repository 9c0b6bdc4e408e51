// The conversation that a task belongs to, as a screen of tasks needs it: the one on the stage, or another one that is
// only looked at. What somebody wants of it goes through its own inbox.
import type { Control, Refusal } from "../../../program.ts"
import { feedEnd } from "../../../store/feed.ts"
import type { SessionRow } from "../../../store/rows.ts"
import { TreeView } from "../../view/tree-view.ts"
import type { Stage } from "../pane.ts"
import { NOBODY } from "./other-sessions.ts"

export interface Tree {
  readonly view: TreeView
  readonly isOwn: boolean
  readonly name: string
  isDriven(): boolean
  /** Has its host do something; what can't be done is said. */
  control(control: Control): void
  close(): void
}

export function ownTree(stage: Stage): Tree {
  return {
    view: stage.view,
    isOwn: true,
    get name() {
      return stage.view.session.name ?? "this session"
    },
    isDriven: () => stage.viewer.isHosted(),
    control: (control) => stage.control(control),
    close: () => {},
  }
}

/** Between two looks at its rows. */
const REFRESH_MS = 33
const TICK_MS = 1000

/** Follows another conversation until it is closed. */
export function otherTree(stage: Stage, row: SessionRow, changed: () => void): Tree {
  const { program } = stage
  const end = new AbortController()
  const { signal } = end
  // Before its rows are read: what changes meanwhile is then told twice, not never.
  const since = feedEnd(program.store)
  const viewer = program.view(row)
  const isDriven = () => viewer.isHosted()
  const view = new TreeView({ reader: program.store, rootId: row.id, isDriven, now: stage.now, looksAt: viewer.lookAt })
  const follow = async () => {
    for await (const feed of viewer.follow({ since, signal })) {
      if (signal.aborted) return
      view.refresh(feed, viewer.drafts())
      for (const { kind, data } of feed)
        if (kind === "refused") stage.say((JSON.parse(data ?? "{}") as Refusal).message, "error")
      changed()
      await program.clock.sleep(REFRESH_MS, signal).catch(() => undefined)
    }
  }
  const failed = (error: unknown) => {
    program.log.error("following another session failed", { error, session: row.id })
    stage.say(`That session can't be followed: ${error instanceof Error ? error.message : error}`, "error")
  }
  follow().catch(failed)
  const ticking = setInterval(() => {
    view.tick()
    changed()
  }, TICK_MS)
  return {
    view,
    isOwn: false,
    name: row.name ?? row.id.slice(0, 8),
    isDriven,
    control: (control) => {
      viewer.control(control).catch(failed)
      if (!isDriven()) stage.say(NOBODY, "error")
    },
    close: () => {
      clearInterval(ticking)
      end.abort()
    },
  }
}
