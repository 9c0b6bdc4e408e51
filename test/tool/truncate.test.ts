import { expect, test } from "bun:test"
import { RESULT_CHARS, truncate } from "../../src/tool/truncate.ts"

test("what fits stays as it is, terminal sequences included, but for NUL", () => {
  expect(truncate("a\x1b[31mb\r\n")).toBe("a\x1b[31mb\r\n")
  expect(truncate("a\0b")).toBe("ab")
})

test("what is too long keeps head and tail at whole lines, and says how much is missing", () => {
  const lines = Array.from({ length: 10_000 }, (_, index) => `line ${index}`)
  const text = truncate(lines.join("\n"))
  expect(text.length).toBeLessThanOrEqual(RESULT_CHARS)
  const shown = text.split("\n")
  expect(shown[0]).toBe("line 0")
  expect(shown.at(-1)).toBe("line 9999")
  expect(shown.filter((line) => !/^line \d+$/.test(line))).toEqual([
    expect.stringMatching(/^… [\d,]+ characters left out …$/),
  ])
})

test("one endless line is cut within, and no character is split", () => {
  const text = truncate("😀".repeat(50_000), { maxChars: 1001 })
  expect(text.length).toBeLessThanOrEqual(1001)
  expect(text.isWellFormed()).toBe(true)
})
