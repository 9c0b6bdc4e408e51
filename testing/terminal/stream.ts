// The bytes that a program writes, counted as they come and cut where a frame is whole: what lies between the begin and
// the end of a synchronized update is not to be seen before its end, in a terminal as on the test's screen.

const BEGIN = Buffer.from("\x1b[?2026h")
const END = Buffer.from("\x1b[?2026l")
const CLEAR = Buffer.from("\x1b[2J")
/** Terminals show an update that does not end; the shortest limit of those in use is about this long. */
const LONGEST_UPDATE_MS = 150

export interface Chunk {
  /** Milliseconds since the terminal was opened. */
  atMs: number
  bytes: Uint8Array
}

/** One synchronized update. */
export interface Frame {
  atMs: number
  bytes: number
}

export interface Written {
  bytes: number
  frames: readonly Frame[]
  /** `CSI 2 J`: the whole screen cleared. */
  fullRepaints: number
  ms: number
}

/** A place in what was written. */
export interface Mark {
  readonly chunks: number
  readonly frames: number
  readonly fullRepaints: number
  readonly bytes: number
  readonly atMs: number
}

export class ByteStream {
  readonly chunks: Chunk[] = []
  readonly #frames: Frame[] = []
  readonly #started = performance.now()
  readonly #show: (bytes: Uint8Array) => void
  #bytes = 0
  #fullRepaints = 0
  #tail = Buffer.alloc(0)
  /** An update that has begun; else a few bytes that may be the start of its mark. */
  #held = Buffer.alloc(0)
  #inUpdate: { atMs: number; bytes: number; timer: NodeJS.Timeout } | undefined

  /** `show` is given what a terminal would draw now. */
  constructor(show: (bytes: Uint8Array) => void) {
    this.#show = show
  }

  add(bytes: Uint8Array): void {
    const copy = Buffer.from(bytes)
    this.chunks.push({ atMs: this.now(), bytes: copy })
    this.#bytes += copy.length
    const seen = Buffer.concat([this.#tail, copy])
    this.#fullRepaints += occurrences(seen, CLEAR)
    this.#tail = seen.subarray(Math.max(0, seen.length - CLEAR.length + 1))
    this.#gate(Buffer.concat([this.#held, copy]))
  }

  /** Shows what is held back: nothing more will come. */
  end(): void {
    if (this.#inUpdate) clearTimeout(this.#inUpdate.timer)
    this.#inUpdate = undefined
    const rest = this.#held
    this.#held = Buffer.alloc(0)
    if (rest.length > 0) this.#show(rest)
  }

  now(): number {
    return performance.now() - this.#started
  }

  mark(): Mark {
    const { chunks } = this
    return {
      chunks: chunks.length,
      frames: this.#frames.length,
      fullRepaints: this.#fullRepaints,
      bytes: this.#bytes,
      atMs: this.now(),
    }
  }

  since(mark: Mark | undefined): Written {
    return {
      bytes: this.#bytes - (mark?.bytes ?? 0),
      frames: this.#frames.slice(mark?.frames ?? 0),
      fullRepaints: this.#fullRepaints - (mark?.fullRepaints ?? 0),
      ms: this.now() - (mark?.atMs ?? 0),
    }
  }

  #gate(pending: Buffer): void {
    let rest = pending
    let ready = 0
    while (true) {
      const update = this.#inUpdate
      if (update) {
        const end = rest.indexOf(END, ready)
        if (end < 0) break
        clearTimeout(update.timer)
        this.#inUpdate = undefined
        this.#frames.push({ atMs: update.atMs, bytes: end + END.length - update.bytes })
        this.#show(rest.subarray(0, end + END.length))
        rest = rest.subarray(end + END.length)
        ready = 0
        continue
      }
      const begin = rest.indexOf(BEGIN)
      if (begin < 0) break
      if (begin > 0) this.#show(rest.subarray(0, begin))
      rest = rest.subarray(begin)
      ready = BEGIN.length
      // `bytes`: how many bytes before the update lie in the buffer.
      this.#inUpdate = { atMs: this.now(), bytes: 0, timer: setTimeout(() => this.#late(), LONGEST_UPDATE_MS) }
      this.#inUpdate.timer.unref()
    }
    if (this.#inUpdate) {
      this.#held = Buffer.from(rest)
      return
    }
    const partial = partialLength(rest, BEGIN)
    if (rest.length > partial) this.#show(rest.subarray(0, rest.length - partial))
    this.#held = Buffer.from(rest.subarray(rest.length - partial))
  }

  /** The update takes too long: what there is of it is shown; it counts as one frame when it ends. */
  #late(): void {
    const update = this.#inUpdate
    if (!update) return
    const shown = this.#held
    // Its last bytes may be the start of the end's mark.
    const partial = partialLength(shown, END)
    update.bytes -= shown.length - partial
    this.#held = Buffer.from(shown.subarray(shown.length - partial))
    if (shown.length > partial) this.#show(shown.subarray(0, shown.length - partial))
    update.timer = setTimeout(() => this.#late(), LONGEST_UPDATE_MS)
    update.timer.unref()
  }
}

function occurrences(bytes: Buffer, wanted: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(wanted); at >= 0; at = bytes.indexOf(wanted, at + wanted.length)) count++
  return count
}

/** How many of the last bytes are the beginning of `mark`, without being the whole of it. */
function partialLength(bytes: Buffer, mark: Buffer): number {
  for (let length = Math.min(bytes.length, mark.length - 1); length > 0; length--)
    if (bytes.subarray(bytes.length - length).equals(mark.subarray(0, length))) return length
  return 0
}
