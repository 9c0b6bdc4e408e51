// Texts whose characters are all of one column are measured and cut without the library, with the same result.
import { expect, test } from "bun:test"
import { truncateToWidth, visibleWidth } from "@earendil-works/pi-tui"
import fc from "fast-check"
import { clip, columnsOf } from "../../../src/ui/tui/line.ts"

const NARROW = [..."abcm[0;~ ·…‖─│○●◌◉◐◑◒◓▲■✓✗›", "\x1b[2m", "\x1b[38;5;246m", "\x1b[0m"]
const OTHER = ["世", "é", "e\u0301", "👍", "\u200b", "\x1b]8;;https://a.b\x07", "\x1b[2"]

const aText = fc
  .oneof(
    fc.array(fc.constantFrom(...NARROW), { maxLength: 20 }),
    fc.array(fc.constantFrom(...NARROW, ...OTHER), { maxLength: 20 }),
  )
  .map((pieces) => pieces.join(""))

test("a text has the columns that the library counts, and is cut where the library cuts it", () => {
  fc.assert(
    fc.property(aText, fc.integer({ min: 0, max: 24 }), (text, width) => {
      expect(columnsOf(text)).toBe(visibleWidth(text))
      expect(clip(text, width)).toBe(truncateToWidth(text, width, "…"))
    }),
    { numRuns: 2000 },
  )
})
