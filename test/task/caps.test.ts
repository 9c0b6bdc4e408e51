import { describe, expect, test } from "bun:test"
import { capsOf, judge, type Most, type Spent, tightest } from "../../src/task/caps.ts"

const nothing: Spent = { costNanos: 0, tokens: 0, steps: 0, ms: 0, open: { costNanos: 0, tokens: 0 } }
/** A thousand tokens in for 1 cent; each token out costs a thousandth of a cent. */
const most: Most = { inputTokens: 1_000, outputTokens: 20_000, cost: { inputNanos: 1e7, outputNanosPerToken: 1e4 } }

describe("a step under caps", () => {
  test("without a cap it may say all it can", () => {
    expect(judge({}, nothing, most)).toEqual({ type: "granted", outputTokens: 20_000, near: [] })
  })

  test("its answer is as long as what is left can pay", () => {
    // 6 cents: one for the input, five for 5,000 tokens.
    expect(judge({ costNanos: 6e7 }, nothing, most)).toMatchObject({ type: "granted", outputTokens: 5_000 })
    expect(judge({ tokens: 4_000 }, nothing, most)).toMatchObject({ type: "granted", outputTokens: 3_000 })
    expect(judge({ tokens: 4_000, costNanos: 3e7 }, nothing, most)).toMatchObject({ outputTokens: 2_000 })
  })

  test("it is over the cap when not even a short answer fits", () => {
    expect(judge({ costNanos: 2e7 }, nothing, most)).toMatchObject({ type: "reached", cap: "costNanos" })
    expect(judge({ tokens: 2_023 }, nothing, most)).toMatchObject({ type: "reached", cap: "tokens" })
    expect(judge({ tokens: 2_024 }, nothing, most)).toMatchObject({ type: "granted", outputTokens: 1_024 })
    expect(judge({ tokens: 5_000 }, { ...nothing, tokens: 4_500 }, most)).toMatchObject({
      type: "reached",
      text: "5.0k tokens (used: 4.5k tokens)",
    })
  })

  test("what others have reserved is waited for, not taken for spent", () => {
    const spent = { ...nothing, open: { costNanos: 5e7, tokens: 0 } }
    expect(judge({ costNanos: 6e7 }, spent, most)).toEqual({ type: "busy" })
    expect(judge({ costNanos: 9e7 }, spent, most)).toMatchObject({ type: "granted", outputTokens: 3_000 })
    expect(judge({ tokens: 9_000 }, { ...nothing, open: { costNanos: 0, tokens: 8_000 } }, most)).toEqual({
      type: "busy",
    })
  })

  test("steps and time are counted as they are", () => {
    expect(judge({ steps: 3 }, { ...nothing, steps: 2 }, most).type).toBe("granted")
    expect(judge({ steps: 3 }, { ...nothing, steps: 3 }, most)).toMatchObject({
      cap: "steps",
      text: "3 steps (used: 3 steps)",
    })
    expect(judge({ ms: 60_000 }, { ...nothing, ms: 60_000 }, most)).toMatchObject({ type: "reached", cap: "ms" })
  })

  test("a cap on cost can't count what has no price; other caps can", () => {
    const unpriced = { ...most, cost: undefined }
    expect(judge({ costNanos: 1e9 }, nothing, unpriced)).toEqual({ type: "unpriced" })
    expect(judge({ tokens: 1e6, steps: 5 }, nothing, unpriced).type).toBe("granted")
  })

  test("what is free is never over a cap on cost", () => {
    const free = { ...most, cost: { inputNanos: 0, outputNanosPerToken: 0 } }
    expect(judge({ costNanos: 1 }, nothing, free)).toMatchObject({ type: "granted", outputTokens: 20_000 })
  })

  test("at four fifths a cap is near", () => {
    expect(judge({ steps: 10, tokens: 1e6 }, { ...nothing, steps: 8 }, most)).toMatchObject({ near: ["steps"] })
    expect(judge({ steps: 10 }, { ...nothing, steps: 7 }, most)).toMatchObject({ near: [] })
  })

  test("of several caps the lowest of each kind holds", () => {
    expect(tightest({ steps: 5, tokens: 100 }, undefined, { steps: 3 })).toEqual({ steps: 3, tokens: 100 })
    expect(capsOf({ costUsd: 0.5, minutes: 2 })).toEqual({ costNanos: 5e8, ms: 120_000 })
  })
})
