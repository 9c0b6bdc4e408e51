// What every answer to bad input must be: the right exit code, words that name the mistake and the way out, and nothing
// that only a programmer would want or that a terminal would act on.
import { expect, test } from "bun:test"
import { type Finished, type StartOptions, type Workbench, workbench } from "../../testing/headless.ts"
import type { ModelServer } from "../../testing/model-server.ts"

export interface Case {
  name: string
  args: readonly string[]
  exit: number
  /** On standard error, or in the result of a stream. */
  says: RegExp
  options?: StartOptions
  before?(bench: Workbench): void | Promise<void>
}

/** Something that a terminal would act on, in each of its forms: title, colour, 8-bit introducer, reordering. */
export const ACTS = "\x1b]0;owned\x07\x1b[31m\x9b2J\u202ered"

const STACK = /^\s+at /m
const CARELESS = /undefined|\[object |internal error|NaN/
/** Anything but text, newlines and tabs. */
const RAW = /[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/

/** What is wrong with a text that a person sees; empty when nothing is. */
export function flaws(text: string): string[] {
  const wrong = { stack: STACK, careless: CARELESS, raw: RAW }
  return Object.entries(wrong).flatMap(([name, pattern]) => (pattern.test(text) ? [`${name}: ${shown(text)}`] : []))
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 500))
}

/** An answer of the program to input that is bad, or to a listing with bad names in it. */
export function expectClear({ exit, stdout, stderr }: Finished, expected: { exit: number; says: RegExp }): void {
  expect({ exit, stderr, flaws: [...flaws(stdout), ...flaws(stderr)] }).toEqual({
    exit: expected.exit,
    stderr: expect.any(String),
    flaws: [],
  })
  expect(`${stderr}${stdout}`).toMatch(expected.says)
}

const AT_ONCE = 4
let running = 0
const waiting: (() => void)[] = []

/** At most four at a time: more would only take the processor from each other. */
export async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve))
  else running++
  try {
    return await work()
  } finally {
    const next = waiting.shift()
    if (next) next()
    else running--
  }
}

/** Most of a test's time may be waiting for its turn. */
export const PATIENCE_MS = 60_000

/** A test for each case, in a home of its own. */
export function testCases(cases: readonly Case[], server?: ModelServer): void {
  for (const { name, args, exit, says, options, before } of cases) {
    test.concurrent(
      name,
      () =>
        inTurn(async () => {
          await using bench = workbench(server)
          await before?.(bench)
          expectClear(await bench.run(args, options), { exit, says })
        }),
      PATIENCE_MS,
    )
  }
}
