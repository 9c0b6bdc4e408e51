// Keeps the memory of the session that this process drives: looks at what has come since the last update, and updates
// when that is enough, behind whatever the user waits for. What fails is tried again later; nobody is ever told of it
// but the log.
import { messageOf } from "../../base/error.ts"
import type { Log } from "../../base/log.ts"
import { ModelError } from "../../model/model.ts"
import { publish } from "../../store/feed.ts"
import type { SessionRow, TurnRow } from "../../store/rows.ts"
import { type AsideParts, asideModel } from "../aside.ts"
import type { Refusal } from "../controls.ts"
import { lastSeq } from "../lineage.ts"
import { isAllowed } from "./allowance.ts"
import { sizeAfter, UPDATE_CHARS } from "./news.ts"
import { type Updated, updateMemory } from "./update.ts"
import { newestVersion } from "./versions.ts"

export interface MemoryPolicy {
  /** False: only when somebody asks for it. */
  updates: boolean
  /** How much it may cost, as a share of what the session itself used. */
  share: number
  /** `long`: only of a session that has become long, for a process that will soon be gone. */
  of: "every" | "long"
}

/** What a memory may cost where the settings say nothing. */
export const MEMORY_SHARE = 0.1

export interface MemoryKeeper extends Disposable {
  /** Takes in all that was said until now, however little is new. What can't be done is told in the feed. */
  update(): void
}

const NO_COMPACTION = { row: 0, focus: null }

/** With a focus, the sections are gone over even if nothing is new. */
interface Asked {
  by: "user" | "compaction"
  /** The last message of then: what is said while it is being done is no part of it. */
  upTo: number
  focus?: string
}

export interface KeeperParts extends AsideParts {
  log: Log
}

/** Between two looks. Bells ring for each change of a tree. */
const LOOK_MS = 250
/** Characters of new messages, some three or four to a token: in the middle of a turn, after it, and when nobody has said anything for a while. */
const DURING_TURN = 40_000
const AFTER_TURN = 16_000
const WHEN_IDLE = 2_000
const IDLE_MS = 60_000
/** Before that, what `-p` did is read again faster than it is summed up. */
const LONG = 200_000
/** After something went wrong; doubled each time. */
const REST_MS = 30_000
const LONGEST_REST_MS = 30 * 60_000

export function keepMemory(parts: KeeperParts, row: SessionRow, policy: MemoryPolicy): MemoryKeeper {
  const keeper = new Keeper(parts, row, policy)
  keeper.begin()
  return keeper
}

class Keeper implements MemoryKeeper {
  readonly #parts: KeeperParts
  readonly #row: SessionRow
  readonly #policy: MemoryPolicy
  readonly #end = new AbortController()
  #rung = Promise.withResolvers<void>()
  #bell: Disposable | undefined
  /** Somebody has asked for it. */
  #asked: Asked | undefined
  /** Compactions up to this row have been looked at. */
  #compacted = 0
  /** What is new since a version of the memory, counted as far as that message. */
  #size = { version: -1, upTo: 0, characters: 0 }
  #failures = 0
  /** By the monotonic clock: before that, only what is asked for. */
  #restsUntil = 0
  /** Models that this key has no access to. */
  readonly #refused = new Set<string>()

  constructor(parts: KeeperParts, row: SessionRow, policy: MemoryPolicy) {
    this.#parts = parts
    this.#row = row
    this.#policy = policy
  }

  begin(): void {
    const { store, log } = this.#parts
    this.#compacted = this.#newestCompaction().row
    this.#bell = store.listen(`feed:${this.#row.root_id}`, () => this.#rung.resolve())
    // What came before this process is looked at as well.
    this.#rung.resolve()
    this.#keep().catch((error) => {
      if (!this.#end.signal.aborted) log.warn("keeping the memory ended", { error })
    })
  }

  update(): void {
    this.#asked = { by: "user", upTo: lastSeq(this.#parts.store, this.#row.id) }
    this.#rung.resolve()
  }

  [Symbol.dispose](): void {
    this.#bell?.[Symbol.dispose]()
    this.#end.abort(new DOMException("The session is let go of.", "AbortError"))
  }

  async #keep(): Promise<void> {
    const { clock } = this.#parts
    const { signal } = this.#end
    for (let pauseMs = Number.POSITIVE_INFINITY; ; ) {
      await this.#rungOr(pauseMs)
      this.#rung = Promise.withResolvers()
      await clock.sleep(LOOK_MS, signal)
      pauseMs = await this.#look()
    }
  }

  /** Resolves when something has changed, or after that time. */
  async #rungOr(ms: number): Promise<void> {
    const { signal } = this.#end
    const woken = new AbortController()
    const either = AbortSignal.any([signal, woken.signal])
    const pause = Number.isFinite(ms)
      ? this.#parts.clock.sleep(ms, either)
      : new Promise<void>((_, reject) => either.addEventListener("abort", () => reject(either.reason), { once: true }))
    const rung = this.#rung.promise.then(() => woken.abort())
    await Promise.race([pause.catch(() => undefined), rung])
    woken.abort()
    signal.throwIfAborted()
  }

  /** Updates what is due. Returns after how long to look again though nothing has changed. */
  async #look(): Promise<number> {
    const { clock, log } = this.#parts
    const { id } = this.#row
    let asked: Asked | undefined
    try {
      this.#heedFocus()
      asked = this.#asked
      const restMs = this.#restsUntil - clock.monotonic()
      if (!asked && (!this.#policy.updates || restMs > 0))
        return this.#policy.updates ? restMs : Number.POSITIVE_INFINITY
      const dueMs = asked ? 0 : this.#dueIn()
      if (dueMs > 0) return dueMs
      const updated = await this.#update(asked)
      return await this.#after(updated, asked)
    } catch (error) {
      this.#end.signal.throwIfAborted()
      log.warn("the memory could not be updated", { error, session: id })
      return this.#givenUp(asked, `The memory could not be updated: ${messageOf(error)}`)
    }
  }

  /** What was asked for is not insisted on: whoever asks again, or has asked meanwhile, may find things better. */
  async #givenUp(asked: Asked | undefined, why: string): Promise<number> {
    const { store, clock } = this.#parts
    const { id } = this.#row
    if (this.#asked === asked) this.#asked = undefined
    if (asked?.by === "user")
      await store.write((tx) => {
        const data: Refusal = { action: "memory", message: why }
        publish(tx, clock, { rootId: id, sessionId: id, kind: "refused", ref: `memory:${id}`, data })
      })
    return this.#rest()
  }

  /** What the user wanted to be kept above all when the session was compacted is to be in the memory as well. */
  #heedFocus(): void {
    const { row, focus } = this.#newestCompaction()
    if (row === this.#compacted) return
    this.#compacted = row
    if (focus === null || !this.#policy.updates) return
    const { id } = this.#row
    this.#asked = { by: this.#asked?.by ?? "compaction", upTo: lastSeq(this.#parts.store, id), focus }
  }

  #newestCompaction(): { row: number; focus: string | null } {
    const sql = "SELECT rowid AS row, focus FROM compaction WHERE session_id = :id ORDER BY rowid DESC LIMIT 1"
    return this.#parts.store.one<{ row: number; focus: string | null }>(sql, { id: this.#row.id }) ?? NO_COMPACTION
  }

  async #after(updated: Updated | "no-share" | "no-model", asked: Asked | undefined): Promise<number> {
    switch (updated) {
      case "stored":
        this.#failures = 0
        this.#restsUntil = 0
        // There may be more; the focus was said.
        if (asked && this.#asked === asked) this.#asked = this.#leftOf(asked)
        return 0
      case "nothing-new":
        if (this.#asked === asked) this.#asked = undefined
        return Number.POSITIVE_INFINITY
      case "outdated":
        return 0
      case "bad-answer":
        this.#parts.log.warn("the model's answer is no update of the memory", { session: this.#row.id })
        return await this.#givenUp(
          asked,
          "What the model answered is no update of the memory. Nothing was changed; try again.",
        )
      case "no-room":
        return await this.#givenUp(asked, "A cap leaves no room for an update of the memory.")
      case "no-share":
      case "no-model":
        return this.#rest()
      default:
        return updated satisfies never
    }
  }

  /** What is still to be done of it after an update. */
  #leftOf({ by, upTo }: Asked): Asked | undefined {
    const { coversSeq } = newestVersion(this.#parts.store, this.#row.id)
    return coversSeq < upTo ? { by, upTo } : undefined
  }

  #rest(): number {
    const ms = Math.min(LONGEST_REST_MS, REST_MS * 2 ** this.#failures)
    this.#failures++
    this.#restsUntil = this.#parts.clock.monotonic() + ms
    return ms
  }

  async #update(asked: Asked | undefined): Promise<Updated | "no-share" | "no-model"> {
    const { models } = this.#parts
    const { model: own } = this.#row
    const isAsked = asked !== undefined
    const small = own === "scout" ? own : ((await asideModel({ models }, own)) ?? (isAsked ? own : undefined))
    if (small === undefined) return "no-model"
    const model = this.#refused.has(small) ? own : small
    const characters = Math.min(UPDATE_CHARS, this.#size.characters)
    const { share } = this.#policy
    if (!isAsked && !(await isAllowed(this.#parts, { row: this.#row, model, share, characters }))) return "no-share"
    try {
      return await updateMemory(this.#parts, { row: this.#row, model, focus: asked?.focus, signal: this.#end.signal })
    } catch (error) {
      const isClosed = error instanceof ModelError && (error.kind === "not-found" || error.kind === "auth")
      if (isClosed && model !== own) this.#refused.add(model)
      throw error
    }
  }

  /** In how many milliseconds what is new has to be taken in; 0: now. Never, where it is too little for itself. */
  #dueIn(): number {
    const characters = this.#measure()
    if (characters === 0) return Number.POSITIVE_INFINITY
    if (this.#policy.of === "long" && this.#row.model !== "scout")
      return characters >= LONG ? 0 : Number.POSITIVE_INFINITY
    const turn = this.#parts.store.one<TurnRow>(
      "SELECT * FROM turn WHERE session_id = :id ORDER BY started_at DESC LIMIT 1",
      { id: this.#row.id },
    )
    if (turn?.state === "open") return characters >= DURING_TURN ? 0 : Number.POSITIVE_INFINITY
    // By rules it costs nothing.
    if (this.#row.model === "scout" || characters >= AFTER_TURN) return 0
    if (characters < WHEN_IDLE) return Number.POSITIVE_INFINITY
    return Math.max(0, Math.min(IDLE_MS, (turn?.ended_at ?? 0) + IDLE_MS - this.#parts.clock.now()))
  }

  /** Characters of what the memory does not cover; a long backlog is counted in parts. */
  #measure(): number {
    const { store } = this.#parts
    const { id } = this.#row
    const newest = store.one<{ version: number; covers: number }>(
      "SELECT version, covers_seq AS covers FROM memory WHERE session_id = :id ORDER BY version DESC LIMIT 1",
      { id },
    ) ?? { version: 0, covers: 0 }
    if (newest.version !== this.#size.version)
      this.#size = { version: newest.version, upTo: newest.covers, characters: 0 }
    const more = sizeAfter(store, id, this.#size.upTo)
    this.#size.upTo = more.upTo
    this.#size.characters += more.characters
    return this.#size.characters
  }
}
