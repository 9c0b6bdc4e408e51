// A mistake in a hand-written file is found where it is.
import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { parseJson } from "../../src/base/json.ts"
import { processorMs } from "../../testing/harness.ts"

describe("the place and kind of a mistake", () => {
  const corpus: [text: string, place: string, message: string][] = [
    ["", "1:1", "expected a value, but the text ends"],
    ['{\n  "a": 1,\n}', "3:1", 'a "," before "}" is not allowed'],
    ["[1,\n]", "2:1", 'a "," before "]" is not allowed'],
    ['{\n  // why\n  "a": 1\n}', "2:3", "comments are not allowed in JSON"],
    ['{"a": 1 /* why */}', "1:9", "comments are not allowed in JSON"],
    ["{a: 1}", "1:2", "expected a key in double quotes"],
    ["{\"a\": 'b'}", "1:7", "text must be in double quotes"],
    ['{"a" 1}', "1:6", 'expected ":" after the key'],
    ['{"a": 1\n "b": 2}', "2:2", 'expected "," or "}"'],
    ['{"a": "b\n"}', "1:7", "this text does not end on its line, or has a wrong escape"],
    ['{"a": [1, 2}', "1:12", 'expected "," or "]"'],
    ['{"a": [1, 2]', "1:13", '"}" is missing at the end'],
    ["{} {}", "1:4", "nothing may follow the end of the value"],
    ["[01]", "1:2", "expected a value"],
    ["[True]", "1:2", "expected a value"],
  ]
  for (const [text, place, message] of corpus) {
    test(JSON.stringify(text), () => {
      const parsed = parseJson(text)
      if (parsed.type !== "mistake") throw new Error("no mistake was found")
      expect(`${parsed.line}:${parsed.column}`).toBe(place)
      expect(parsed.message).toBe(message)
    })
  }
})

test("a text with a mistake anywhere is never blamed on its length or depth", () => {
  const broken = fc
    .tuple(fc.json(), fc.nat(), fc.constantFrom("", ",", "}", "]", '"', "x", ":", "\\", "\n", "-", "0"))
    .map(([json, at, typed]) => {
      const place = at % (json.length + 1)
      return json.slice(0, place) + typed + json.slice(place + 1)
    })
  const found = (text: string) => {
    const parsed = parseJson(text)
    return parsed.type === "value" || (parsed.message !== "nested too deeply" && parsed.line >= 1 && parsed.column >= 1)
  }
  fc.assert(fc.property(broken, found), { numRuns: 5000 })
})

test("hostile texts are answered quickly and without a crash", () => {
  for (const text of [
    "[".repeat(1_000_000),
    '{"a":'.repeat(200_000),
    `["${"\\n".repeat(400_000)}" x]`,
    `[${" ".repeat(1_000_000)}`,
  ]) {
    expect(processorMs(() => expect(parseJson(text).type).toBe("mistake"))).toBeLessThan(2000)
  }
})
