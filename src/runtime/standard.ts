// Standard input and output without `process.stdin` and `process.stdout`, which cost 8 ms to load.
import { fstatSync } from "node:fs"
import { isatty } from "node:tty"

/** Writes all of the text, waiting for a slow reader; rejects with EPIPE when the reader has gone. */
export async function writeOut(text: string): Promise<void> {
  await Bun.write(Bun.stdout, text)
}

export async function writeErr(text: string): Promise<void> {
  await Bun.write(Bun.stderr, text)
}

export function isTerminal(fd: 0 | 1 | 2): boolean {
  return isatty(fd)
}

/** Whether standard input may hold text: a pipe, a socket or a file, and not a terminal or /dev/null. */
export function hasInput(): boolean {
  try {
    const stat = fstatSync(0)
    return stat.isFIFO() || stat.isSocket() || stat.isFile()
  } catch {
    // Closed: there is nothing to read.
    return false
  }
}

/**
 * All of standard input, at most `maxBytes`. With `firstByteMs`, undefined when nothing came in that time and nothing
 * ended it: many programs leave a pipe open that they never write to.
 */
export async function readIn({
  maxBytes,
  firstByteMs,
}: {
  maxBytes: number
  firstByteMs?: number
}): Promise<string | undefined> {
  const reader = Bun.stdin.stream().getReader()
  const chunks: Uint8Array[] = []
  let size = 0
  let next = reader.read()
  if (firstByteMs !== undefined) {
    const first = await Promise.race([next, Bun.sleep(firstByteMs)])
    if (!first) return undefined
  }
  for (;;) {
    const { done, value } = await next
    if (done) return new TextDecoder().decode(Buffer.concat(chunks))
    size += value.length
    if (size > maxBytes) throw new RangeError(`standard input has more than ${maxBytes / 1024 / 1024} MiB`)
    chunks.push(value)
    next = reader.read()
  }
}

/**
 * The lines of standard input as they come, without their ends. A line that is longer than `maxBytes` is cut there, so
 * that it can be refused without being held. Ends with the input, or when the signal is aborted.
 */
export function linesIn(how: { maxBytes: number; signal: AbortSignal }): AsyncGenerator<string> {
  return linesOf(Bun.stdin.stream(), how)
}

/** As `linesIn`, of a file. */
export function linesInFile(path: string, how: { maxBytes: number; signal: AbortSignal }): AsyncGenerator<string> {
  return linesOf(Bun.file(path).stream(), how)
}

async function* linesOf(
  stream: ReadableStream<Uint8Array>,
  { maxBytes, signal }: { maxBytes: number; signal: AbortSignal },
): AsyncGenerator<string> {
  const reader = stream.getReader()
  const stop = () => void reader.cancel().catch(() => undefined) // it has ended by itself
  signal.addEventListener("abort", stop, { once: true })
  const decoder = new TextDecoder()
  const line = new Line(maxBytes)
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (signal.aborted) return
      const [first = "", ...others] = (done ? decoder.decode() : decoder.decode(value, { stream: true })).split("\n")
      line.add(first)
      for (const piece of others) {
        yield line.take()
        line.add(piece)
      }
      if (!done) continue
      const last = line.take()
      if (last) yield last
      return
    }
  } finally {
    signal.removeEventListener("abort", stop)
  }
}

/** A line that grows, kept in pieces: joining them for each would take the square of its length. */
class Line {
  #pieces: string[] = []
  #length = 0
  constructor(readonly max: number) {}

  /** What is more than one beyond the limit is not kept. */
  add(piece: string): void {
    const room = this.max + 1 - this.#length
    if (room <= 0) return
    this.#pieces.push(piece.slice(0, room))
    this.#length += Math.min(piece.length, room)
  }

  take(): string {
    const line = this.#pieces.join("")
    this.#pieces = []
    this.#length = 0
    return line
  }
}
