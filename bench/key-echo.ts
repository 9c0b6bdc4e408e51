// How long a typed character takes to come back through a pseudo-terminal: of the program under test, and of `cat` in
// raw mode as the floor. The time runs from writing the byte to the arrival of the bytes that show it; nothing is drawn
// meanwhile. A model server belongs in another process: its work would count as the program's.
import { openTerminal, type Place, type Terminal, type TerminalOptions } from "../testing/terminal.ts"
import { percentile } from "./measure.ts"

export interface KeyEcho {
  p50: number
  p99: number
  most: number
  /** Milliseconds, in the order of typing. */
  samples: readonly number[]
}

export interface KeyEchoOptions {
  /** At most 600: each character is another one, so that no redraw of an earlier one counts. */
  samples?: number
  /** Milliseconds between an echo and the next key: from half of it to one and a half, so as to meet no one's rhythm. */
  everyMs?: number
  /** Pressed after each so many characters to empty the line; none for a program that keeps no line. */
  clear?: { key: string; after: number }
}

/** Narrow letters that no text in English and no code has: Latin Extended-A and -B, Greek, Cyrillic. */
const LETTERS = [...range(0x100, 0x17f), ...range(0x180, 0x1bf), ...range(0x1cd, 0x24f), ...range(0x3b1, 0x3c9)]
  .concat(range(0x410, 0x4ff))
  .map((code) => String.fromCodePoint(code))
  .filter((letter) => /^\p{L}$/u.test(letter) && Bun.stringWidth(letter) === 1)
const SLOWEST_MS = 5000
/** Time for the program to empty its line before the next key. */
const CLEARED_MS = 40

/** Types into a program that shows what is typed. Throws when a character does not come back within 5 s. */
export async function keyEcho(
  terminal: Terminal,
  { samples: count = 300, everyMs = 30, clear }: KeyEchoOptions = {},
): Promise<KeyEcho> {
  if (count > LETTERS.length) throw new Error(`at most ${LETTERS.length} samples: there are no more letters`)
  const random = sequence()
  const samples = await terminal.withoutDrawing(async () => {
    const times: number[] = []
    for (const [i, letter] of LETTERS.slice(0, count).entries()) {
      times.push(await echoMs(terminal, letter))
      if (clear && (i + 1) % clear.after === 0) {
        terminal.press(clear.key)
        await Bun.sleep(CLEARED_MS)
      }
      await Bun.sleep(everyMs * (0.5 + random()))
    }
    return times
  })
  return { p50: percentile(samples, 0.5), p99: percentile(samples, 0.99), most: Math.max(...samples), samples }
}

/** What `CSI ? 1049 h` begins: the alternate screen. */
const ALTERNATE = "\x1b[?1049h"

/**
 * Milliseconds from the start of a program to the echo of a key: it is pressed as soon as the program has written
 * `ready` and takes the keys for itself.
 */
export async function firstKeyMs(place: Place, options: TerminalOptions & { ready?: string }): Promise<number> {
  await using terminal = await openTerminal(place, options)
  const { promise, resolve } = Promise.withResolvers<void>()
  let written = ""
  const look = () => {
    if (!terminal.echoes() && written.includes(options.ready ?? ALTERNATE)) resolve()
  }
  using _ = terminal.listen((bytes) => {
    written += Buffer.from(bytes).toString("latin1")
    look()
  })
  // The terminal may learn only after the bytes that the keys are the program's.
  using __ = terminal.watch(look)
  const ended = terminal.exited.then((code) => {
    throw new Error(`the program ended with ${code} before it took a key\n${terminal.print()}`)
  })
  await Promise.race([promise, ended])
  const typed = performance.now() - terminal.startedAt
  return typed + (await echoMs(terminal, "ż"))
}

/** The floor: what the two pseudo-terminal ends, the scheduler and this process need. */
export async function rawCatEcho(place: Place, options: Omit<KeyEchoOptions, "clear"> = {}): Promise<KeyEcho> {
  const command = ["sh", "-c", "stty raw -echo; printf ready; exec cat"]
  await using terminal = await openTerminal(place, { command })
  await terminal.shows("ready")
  return await keyEcho(terminal, options)
}

async function echoMs(terminal: Terminal, letter: string): Promise<number> {
  const wanted = Buffer.from(letter)
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  let tail = Buffer.alloc(0)
  using _ = terminal.listen((bytes) => {
    const arrived = performance.now()
    const seen = Buffer.concat([tail, bytes])
    if (seen.includes(wanted)) resolve(arrived)
    // A character may come in two pieces.
    tail = seen.subarray(-(wanted.length - 1))
  })
  const timer = setTimeout(
    () => reject(new Error(`${letter} did not come back within ${SLOWEST_MS} ms\n${terminal.print()}`)),
    SLOWEST_MS,
  )
  const typed = performance.now()
  terminal.type(letter)
  try {
    return (await promise) - typed
  } finally {
    clearTimeout(timer)
  }
}

/** The same numbers from 0 to 1 in each run. */
function sequence(): () => number {
  let state = 42
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
    return state / 2 ** 32
  }
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i)
}
