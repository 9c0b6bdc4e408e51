// Caps as people write them.
import { expect, test } from "bun:test"
import { readCaps } from "../../../src/ui/view/caps-input.ts"

const caps = (text: string) => {
  const read = readCaps(text)
  return read.type === "caps" ? read.caps : read.message
}

test("costs, tokens, steps and times are read in the ways that people write them", () => {
  expect(caps("$2.50, 200k tokens, 40 steps, 30 min")).toEqual({
    costUsd: 2.5,
    tokens: 200_000,
    steps: 40,
    minutes: 30,
  })
  expect(caps("2 usd; 1.5M tok")).toEqual({ costUsd: 2, tokens: 1_500_000 })
  expect(caps("1 step")).toEqual({ steps: 1 })
  expect(caps("2 h")).toEqual({ minutes: 120 })
  expect(caps("90 s")).toEqual({ minutes: 1.5 })
  expect(caps("20,000 tokens and $.5")).toEqual({ tokens: 20_000, costUsd: 0.5 })
})

test("what is no cap is said, with an example; nothing is guessed", () => {
  for (const text of ["", "five", "40", "-3 steps", "$0", "$1 $2", "10 k steps", "$1, $2", "NaN tokens", "1e9 steps"])
    expect(caps(text)).toContain("Write it like $2.50")
})
