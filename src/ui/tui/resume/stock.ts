// The sessions that the screen is about, read again when something was written, and the search that is brought up to
// date while it is open.
import { messageOf } from "../../../base/error.ts"
import { grouped, type ListedSession, readSessions } from "../../view/session-list.ts"
import { Facts } from "./facts.ts"
import type { ResumeStage } from "./resume-stage.ts"

/** So often it is looked whether something was written; less often where reading the list takes long. */
const LOOK_MS = 1000
const LOOK_SHARE = 20
/** More can be searched by then. */
const SEARCHABLE_MS = 500

export interface StockParts {
  stage: ResumeStage
  /** The list is another one than it was before. */
  changed(before: readonly ListedSession[]): void
  /** More can be searched than before. */
  searchable(): void
}

export class Stock {
  readonly facts: Facts
  readonly #parts: StockParts
  readonly #end = new AbortController()
  readonly #timer: ReturnType<typeof setInterval>
  #items: readonly ListedSession[] = []
  #isAll = false
  #isIndexing = false
  #version = ""
  #readMs = 0
  #readAt = 0

  constructor(parts: StockParts) {
    this.#parts = parts
    const { stage } = parts
    this.facts = new Facts({
      reader: stage.program.store,
      isHosted: (id) => stage.program.isHosted(id),
      requestRender: () => stage.requestRender(),
    })
    this.#read()
    this.#timer = setInterval(() => this.#look(), LOOK_MS)
    this.#makeSearchable()
  }

  get items(): readonly ListedSession[] {
    return this.#items
  }

  /** Those of all projects, and not of this one only. */
  get isAll(): boolean {
    return this.#isAll
  }

  get project(): string | undefined {
    return this.#isAll ? undefined : this.#parts.stage.program.project
  }

  /** Another one whenever the list was read again. */
  get version(): string {
    return this.#version
  }

  toggleAll(): void {
    this.#isAll = !this.#isAll
    this.read()
  }

  read(): void {
    if (this.#end.signal.aborted) return
    const before = this.#items
    this.#read()
    this.#parts.changed(before)
    this.#parts.stage.requestRender()
  }

  close(): void {
    clearInterval(this.#timer)
    this.#end.abort()
  }

  #read(): void {
    const started = performance.now()
    this.#items = grouped(readSessions(this.#parts.stage.program.store, { project: this.project }))
    this.facts.look()
    this.#version = this.#versionNow()
    this.#readAt = performance.now()
    this.#readMs = this.#readAt - started
  }

  /** Here or by another process; marks that turn go on turning. */
  #look(): void {
    const isNew = this.#versionNow() !== this.#version
    if (isNew && performance.now() - this.#readAt > this.#readMs * LOOK_SHARE) {
      this.read()
      this.#makeSearchable()
    } else this.#parts.stage.requestRender()
  }

  /** Another one whenever something was written (sqlite.org, pragma.html and c3ref/total_changes.html). */
  #versionNow(): string {
    const { store } = this.#parts.stage.program
    const other = store.one<{ data_version: number }>("PRAGMA data_version")?.data_version
    return `${other}:${store.one<{ n: number }>("SELECT total_changes() AS n")?.n}`
  }

  #makeSearchable(): void {
    if (this.#isIndexing) return
    this.#isIndexing = true
    const { stage, searchable } = this.#parts
    const { signal } = this.#end
    const again = setInterval(searchable, SEARCHABLE_MS)
    stage.program
      .indexMessages(signal)
      .catch((error: unknown) => {
        if (signal.aborted) return
        stage.program.log.error("messages could not be made searchable", { error })
        stage.say(`Not all messages can be searched: ${messageOf(error)}`, "error")
      })
      .finally(() => {
        clearInterval(again)
        this.#isIndexing = false
        if (!signal.aborted) searchable()
      })
  }
}
