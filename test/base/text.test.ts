// Amounts and texts as a person reads them.
import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { duration, headTail, nearest, oneLine, plural, stopwatch, tokens, usd } from "../../src/base/text.ts"

describe("headTail", () => {
  test("leaves a text alone that fits", () => expect(headTail("abc", 3)).toBe("abc"))
  test("says how much is left out, and adds up", () => {
    const cut = headTail("x".repeat(10_000), 1000)
    const [, left] = /… ([\d,]+) characters left out …/.exec(cut)!
    expect(cut.match(/x/g)!.length + Number(left!.replaceAll(",", ""))).toBe(10_000)
    expect(cut.length).toBeGreaterThan(900)
  })
  test("cuts at line ends", () => {
    const text = Array.from({ length: 500 }, (_, index) => `line ${index}`).join("\n")
    const [head, , tail] = headTail(text, 400).split(/\n(… .* …)\n/)
    expect(text.startsWith(`${head}\n`)).toBe(true)
    expect(text.endsWith(`\n${tail}`)).toBe(true)
  })
  test("is never longer than asked and splits no character", () => {
    const short = (text: string, max: number) => {
      const cut = headTail(text, max)
      return cut.length <= max && (!text.isWellFormed() || cut.isWellFormed())
    }
    const text = fc.string({ unit: fc.constantFrom("😀", "a", "\n"), maxLength: 300 })
    fc.assert(fc.property(text, fc.integer({ min: 0, max: 200 }), short), { numRuns: 2000 })
  })
})

describe("oneLine", () => {
  test("joins lines, drops escapes and cuts with an ellipsis", () => {
    expect(oneLine("  two\n\n  lines\x1b[31m ", 40)).toBe("two lines")
    expect(oneLine("0123456789", 5)).toBe("0123…")
    expect(oneLine("ab 😀😀", 5)).toBe("ab…")
  })
  test("is never longer than asked", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary" }),
        fc.integer({ min: 1, max: 20 }),
        (text, max) => oneLine(text, max).length <= max,
      ),
    )
  })
})

test("durations", () => {
  const shown = [-5, 0, 999, 12_000, 59_999, 65_000, 3_599_999, 3_720_000, 97_200_000].map(duration)
  expect(shown).toEqual(["<1 s", "<1 s", "<1 s", "12 s", "59 s", "1 min 05 s", "59 min 59 s", "1 h 02 min", "1 d 03 h"])
  expect([0, 42_000, 725_000, 3_730_000].map(stopwatch)).toEqual(["0:00", "0:42", "12:05", "1:02:10"])
})

test("tokens", () => {
  expect([0, 842, 999, 1000, 12_449, 999_949, 999_950, 3_140_000].map(tokens)).toEqual(
    ["0", "842", "999", "1.0k", "12.4k", "999.9k", "1.0M", "3.1M"], //
  )
})

test("dollars", () => {
  expect([0, 1, 4_999_999, 5_000_000, 80_000_000, 995_000_000, 1_234_500_000_000].map(usd)).toEqual(
    ["$0.00", "<$0.01", "<$0.01", "$0.01", "$0.08", "$1.00", "$1,234.50"], //
  )
})

test("plurals", () => {
  expect([plural(0, "task"), plural(1, "task"), plural(1200, "task"), plural(2, "entry", "entries")]).toEqual(
    ["0 tasks", "1 task", "1,200 tasks", "2 entries"], //
  )
})

test("slips of the finger find the name that was meant", () => {
  const known = ["explore", "general-purpose", "main", "plan"]
  expect(nearest("explorer", known)).toEqual(["explore"])
  expect(nearest("Genral-purpose", known)).toEqual(["general-purpose"])
  expect(nearest("general", known)).toEqual(["general-purpose"])
  expect(nearest("genral", known)).toEqual(["general-purpose"])
  expect(nearest("zzz", known)).toEqual([])
  expect(nearest("z", known)).toEqual([])
  expect(nearest("", known)).toEqual([])
})
