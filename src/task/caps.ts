// Caps: what a task, a session or a call may use, with everything below it. A step reserves the most that it may cost
// before it is asked for, so that agents that work side by side can't go over a cap together. Pure.
import { duration, plural, tokens, usd } from "../base/text.ts"

export interface Caps {
  costNanos?: number
  /** Of all kinds, in and out. */
  tokens?: number
  steps?: number
  /** Of time at work. */
  ms?: number
}

export type CapName = keyof Caps

const NAMES: readonly CapName[] = ["costNanos", "tokens", "steps", "ms"]

/** As people write them. */
export interface WrittenCaps {
  costUsd?: number | undefined
  tokens?: number | undefined
  steps?: number | undefined
  minutes?: number | undefined
}

export function capsOf({ costUsd, tokens, steps, minutes }: WrittenCaps): Caps {
  return tightest({
    ...(costUsd !== undefined && { costNanos: costUsd * 1e9 }),
    ...(tokens !== undefined && { tokens }),
    ...(steps !== undefined && { steps }),
    ...(minutes !== undefined && { ms: minutes * 60_000 }),
  })
}

/** Of several that hold for the same, the lowest of each kind. */
export function tightest(...all: readonly (Caps | undefined)[]): Caps {
  const caps: Caps = {}
  for (const name of NAMES) {
    const limits = all.flatMap((one) => one?.[name] ?? [])
    if (limits.length > 0) caps[name] = Math.min(...limits)
  }
  return caps
}

export function hasCaps(caps: Caps): boolean {
  return NAMES.some((name) => caps[name] !== undefined)
}

/** What was used so far; `open`: reserved by steps under way. */
export interface Spent extends Required<Caps> {
  open: { costNanos: number; tokens: number }
}

/** The most that the next step may use. `cost`: undefined when no price is known. */
export interface Most {
  inputTokens: number
  outputTokens: number
  cost: { inputNanos: number; outputNanosPerToken: number } | undefined
}

export type Verdict =
  /** `outputTokens`: no more than this fits. `near`: caps of which 80 % are used. */
  | { type: "granted"; outputTokens: number; near: CapName[] }
  /** It would fit, if steps under way use less than they may: ask again when one has ended. */
  | { type: "busy" }
  | { type: "reached"; cap: CapName; text: string }
  /** There is a cap on cost, and nobody knows what the step costs. */
  | { type: "unpriced" }

/** An answer that may have fewer tokens is not worth the request. */
const LEAST_OUTPUT = 1_024
const NEAR = 0.8

export function judge(caps: Caps, spent: Spent, most: Most): Verdict {
  if (caps.steps !== undefined && spent.steps >= caps.steps) return reached(caps, spent, "steps")
  if (caps.ms !== undefined && spent.ms >= caps.ms) return reached(caps, spent, "ms")
  const least = Math.min(LEAST_OUTPUT, most.outputTokens)
  let outputTokens = most.outputTokens
  let isBusy = false
  if (caps.tokens !== undefined) {
    const left = caps.tokens - spent.tokens - most.inputTokens
    if (left < least) return reached(caps, spent, "tokens")
    isBusy ||= left - spent.open.tokens < least
    outputTokens = Math.min(outputTokens, left - spent.open.tokens)
  }
  if (caps.costNanos !== undefined) {
    if (!most.cost) return { type: "unpriced" }
    const { inputNanos, outputNanosPerToken } = most.cost
    const left = caps.costNanos - spent.costNanos - inputNanos
    if (left < least * outputNanosPerToken || left < 0) return reached(caps, spent, "costNanos")
    const free = left - spent.open.costNanos
    isBusy ||= free < least * outputNanosPerToken
    if (outputNanosPerToken > 0) outputTokens = Math.min(outputTokens, Math.floor(free / outputNanosPerToken))
  }
  if (isBusy) return { type: "busy" }
  const near = NAMES.filter((name) => caps[name] !== undefined && spent[name] >= caps[name] * NEAR)
  return { type: "granted", outputTokens, near }
}

function reached(caps: Caps, spent: Spent, cap: CapName): Verdict {
  return { type: "reached", cap, text: `${amount(cap, caps[cap]!)} (used: ${amount(cap, spent[cap])})` }
}

/** "$0.50", "12.4k tokens", "20 steps", "5 min". */
export function amount(cap: CapName, value: number): string {
  switch (cap) {
    case "costNanos":
      return usd(value)
    case "tokens":
      return `${tokens(value)} tokens`
    case "steps":
      return plural(value, "step")
    case "ms":
      return duration(value)
    default:
      return cap satisfies never
  }
}
