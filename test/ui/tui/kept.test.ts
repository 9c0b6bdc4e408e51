import { expect, test } from "bun:test"
import { Kept } from "../../../src/ui/tui/kept.ts"

test("what was made of the same things is not made again; of other ones, or of fewer, it is", () => {
  const kept = new Kept<number>()
  let made = 0
  const of = (...things: unknown[]) => kept.of(things, () => ++made)
  const items = [1]
  expect([of(items, "a"), of(items, "a")]).toEqual([1, 1])
  expect([of([1], "a"), of(items, "a"), of(items), of(items)]).toEqual([2, 3, 4, 4])
})
