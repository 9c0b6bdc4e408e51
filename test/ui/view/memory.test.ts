import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { memorySections, type Version } from "../../../src/session/memory/memory.ts"
import { changesOf, currencyOf, memoryView } from "../../../src/ui/view/memory.ts"
import { processorMs, temporaryStore } from "../../../testing/harness.ts"
import { seed, seedSession } from "../../../testing/seed.ts"

function version(lines: readonly string[] | undefined, number = 1): Version {
  return { version: number, coversSeq: 0, sections: lines ? { status: { lines } } : {}, madeBy: "model", at: 0 }
}

describe("what a version changed", () => {
  test("is told section by section, in the order of the lines", () => {
    expect(changesOf(version(["a", "x", "c"], 2), version(["a", "b", "c"]))).toEqual([
      {
        section: memorySections[0]!.title,
        lines: [
          { sign: "-", text: "b" },
          { sign: "+", text: "x" },
        ],
      },
    ])
    expect(changesOf(version(["a"]), undefined)[0]!.lines).toEqual([{ sign: "+", text: "a" }])
    expect(changesOf(version(["a"], 2), version(["a"]))).toEqual([])
  })

  test("makes the one from the other", () => {
    const lines = fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 12 })
    fc.assert(
      fc.property(lines, lines, (old, now) => {
        const changed = changesOf(version(now, 2), version(old))[0]?.lines ?? []
        const count = (list: readonly string[], text: string) => list.filter((one) => one === text).length
        for (const text of ["a", "b", "c", "d"]) {
          const added = changed.filter((one) => one.text === text && one.sign === "+").length
          const gone = changed.filter((one) => one.text === text && one.sign === "-").length
          expect(count(old, text) + added - gone).toBe(count(now, text))
        }
      }),
    )
  })

  test("is known at once for sections of thousands of lines", () => {
    const many = Array.from({ length: 20_000 }, (_, n) => `line ${n}`)
    const took = processorMs(() => {
      expect(changesOf(version([...many, "new"], 2), version(many))[0]!.lines).toEqual([{ sign: "+", text: "new" }])
    })
    expect(took).toBeLessThan(1000)
  })
})

test("how current it is counts the messages behind what is covered", async () => {
  using it = await temporaryStore()
  const now = () => currencyOf(memoryView(it.store, "s"))
  const say = (seq: number) =>
    it.store.write((tx) => seed(tx, "message", { id: `m${seq}`, session_id: "s", seq, role: "user", content: "[]" }))
  const cover = (number: number, covers: number) =>
    it.store.write((tx) =>
      seed(tx, "memory", { session_id: "s", version: number, covers_seq: covers, sections: "{}", made_by: "model" }),
    )
  await it.store.write((tx) => seedSession(tx, { id: "s" }))
  expect(now()).toBe("nothing was said yet")
  await say(1)
  expect(now()).toBe("covers none of 1 message yet")
  await cover(1, 1)
  expect(now()).toBe("covers all 1 message")
  await say(2)
  expect(now()).toBe("covers all but the last message")
  await say(3)
  expect(now()).toBe("covers all but the last 2 messages")
  await cover(2, 3)
  const asked = { id: "l", root_id: "s", session_id: "s", purpose: "memory", state: "open" }
  await it.store.write((tx) => seed(tx, "ledger", asked))
  expect(now()).toBe("covers all 3 messages, being updated")
})
