// What the rows that are seen show besides their names. Figures are sums over a session's rows, and of a long one they
// take their time: what does not fit into a frame comes with the next one.

import type { Reader } from "../../../store/store.ts"
import {
  type Going,
  goingOn,
  type SessionItem,
  type SessionSize,
  type Standing,
  sizeOf,
  standingOf,
} from "../../view/session-list.ts"

/** For all figures of one frame. */
const FRAME_MS = 15
/** What may change without a new turn is read again after so long. */
const FRESH_MS = 1000

export interface FactsParts {
  reader: Reader
  isHosted(id: string): boolean
  requestRender(): void
}

export interface RowFacts {
  /** Undefined: it comes with the next frame. */
  size: SessionSize | undefined
  going: Going | undefined
  standing: Standing
}

export class Facts {
  readonly #parts: FactsParts
  readonly #sizes = new Map<string, { size: SessionSize; usedAt: number; at: number }>()
  readonly #hosted = new Map<string, { is: boolean; at: number }>()
  #going: ReadonlyMap<string, Going> = new Map()
  #spent = 0
  #isAsked = false

  constructor(parts: FactsParts) {
    this.#parts = parts
    this.look()
  }

  /** Something was written. */
  look(): void {
    this.#going = goingOn(this.#parts.reader)
  }

  beginFrame(): void {
    this.#spent = 0
  }

  of(item: Pick<SessionItem, "id" | "usedAt">): RowFacts {
    const going = this.#going.get(item.id)
    const size = this.#sizeOf(item, going !== undefined)
    const isTurnOpen = size?.isTurnOpen ?? false
    const isDriven = (isTurnOpen || going !== undefined) && this.#isHosted(item.id)
    return { size, going, standing: standingOf(going, { isTurnOpen, isDriven }) }
  }

  #sizeOf({ id, usedAt }: Pick<SessionItem, "id" | "usedAt">, isLive: boolean): SessionSize | undefined {
    const now = performance.now()
    const known = this.#sizes.get(id)
    const isFresh = known?.usedAt === usedAt && (now - known.at < FRESH_MS || !(isLive || known.size.isTurnOpen))
    if (known && (isFresh || this.#spent > FRAME_MS)) return known.size
    if (this.#spent > FRAME_MS) {
      this.#again()
      return undefined
    }
    const size = sizeOf(this.#parts.reader, id)
    this.#spent += performance.now() - now
    this.#sizes.set(id, { size, usedAt, at: now })
    return size
  }

  #again(): void {
    if (this.#isAsked) return
    this.#isAsked = true
    setImmediate(() => {
      this.#isAsked = false
      this.#parts.requestRender()
    })
  }

  #isHosted(id: string): boolean {
    const now = performance.now()
    const known = this.#hosted.get(id)
    if (known && now - known.at < FRESH_MS) return known.is
    const is = this.#parts.isHosted(id)
    this.#hosted.set(id, { is, at: now })
    return is
  }
}
