// The other conversations' tasks while somebody looks at them: read again when something was written, or when a process
// may have died, and acted on through each one's own inbox.
import type { Control } from "../../../program.ts"
import type { SessionRow } from "../../../store/rows.ts"
import { AllTasks } from "../../view/all-tasks.ts"
import type { Request } from "../../view/requests.ts"
import { isLive } from "../../view/task-item.ts"
import type { TaskGroup } from "../../view/task-list.ts"
import type { Stage } from "../pane.ts"

const LOOK_MS = 1000

export class OtherSessions {
  readonly #stage: Stage
  readonly #all: AllTasks
  readonly #timer: NodeJS.Timeout
  #groups: readonly TaskGroup[]
  #version: number | undefined

  constructor(stage: Stage) {
    this.#stage = stage
    this.#all = new AllTasks({
      reader: stage.program.store,
      except: stage.view.session.id,
      isDriven: (rootId) => this.#isHosted(rootId),
      now: () => stage.now(),
    })
    this.#version = this.#dataVersion()
    this.#groups = this.#all.look()
    this.#timer = setInterval(() => this.#look(), LOOK_MS)
  }

  get groups(): readonly TaskGroup[] {
    return this.#groups
  }

  get requests(): readonly Request[] {
    return this.#all.requests
  }

  close(): void {
    clearInterval(this.#timer)
  }

  /** Undefined when it was removed meanwhile. */
  session({ rootId }: TaskGroup): SessionRow | undefined {
    return this.#stage.program.store.one<SessionRow>("SELECT * FROM session WHERE id = :rootId", { rootId })
  }

  control(group: TaskGroup, control: Control): void {
    const { program } = this.#stage
    const session = this.session(group)
    if (!session) {
      this.#stage.say("That session was removed.", "error")
      return
    }
    program
      .view(session)
      .control(control)
      .catch((error: unknown) => {
        program.log.error("a control could not be stored", { error, session: session.id })
        this.#stage.say(`That could not be stored: ${error instanceof Error ? error.message : error}`, "error")
      })
    if (!group.isDriven) this.#stage.say(NOBODY, "error")
  }

  #look(): void {
    const version = this.#dataVersion()
    // Live ones are looked at in any case: that a process has died is written nowhere.
    if (version === this.#version && !this.#groups.some(({ items }) => items.some(isLive))) return
    this.#version = version
    this.#groups = this.#all.look()
    this.#stage.requestRender()
  }

  /** Another one whenever another connection has written (sqlite.org, pragma.html). */
  #dataVersion(): number | undefined {
    return this.#stage.program.store.one<{ data_version: number }>("PRAGMA data_version")?.data_version
  }

  #isHosted(rootId: string): boolean {
    const row = this.#stage.program.store.one<SessionRow>("SELECT * FROM session WHERE id = :rootId", { rootId })
    return row !== undefined && this.#stage.program.view(row).isHosted()
  }
}

/** Said of what is asked for in a conversation that no process drives. */
export const NOBODY = "Nobody drives that session: it is done as soon as somebody opens it."
