// Money in columns: rounded so that the parts of a sum, as they are shown, add up to the sum, as it is shown.
import { usd } from "../../base/text.ts"

const CENT = 10_000_000

/**
 * The parts of a sum as dollars. Each is rounded up or down so that all cents together are those of the rounded sum: the
 * cents that are left over go to the parts that lost most. None is off by more than a cent.
 */
export function addingUp(nanos: readonly number[]): string[] {
  const floors = nanos.map((part) => Math.floor(part / CENT))
  const total = Math.round(nanos.reduce((sum, part) => sum + part, 0) / CENT)
  const left = total - floors.reduce((sum, part) => sum + part, 0)
  const lost = nanos.map((part, at) => ({ at, rest: part - floors[at]! * CENT })).sort((a, b) => b.rest - a.rest)
  const up = new Set(lost.slice(0, left).map(({ at }) => at))
  return nanos.map((part, at) => {
    const cents = floors[at]! + (up.has(at) ? 1 : 0)
    return cents === 0 ? usd(part > 0 ? 1 : 0) : usd(cents * CENT)
  })
}

/** What is known of an amount: ≈ where a part of it is a guess, "?" where a price is not known. */
export interface Known {
  costNanos: number
  /** Requests whose price nobody knows. */
  unpriced: number
  /** Requests of which it is a guess what they used. */
  estimated: number
}

/** `text`: the amount, where it was rounded with others. */
export function costText({ costNanos, unpriced, estimated }: Known, text = usd(costNanos)): string {
  const known = `${estimated > 0 ? "≈" : ""}${text}`
  if (unpriced === 0) return known
  return costNanos === 0 ? "?" : `${known} + ?`
}

/** One text for each part of a sum. */
export function costTexts(parts: readonly Known[]): string[] {
  const texts = addingUp(parts.map(({ costNanos }) => costNanos))
  return parts.map((part, at) => costText(part, texts[at]))
}
