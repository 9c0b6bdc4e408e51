// However the bytes are cut into pieces on their way, the same frames are seen, none of them in halves.
import { expect, test } from "bun:test"
import { array, assert, constantFrom, integer, property } from "fast-check"
import { ByteStream } from "../../../testing/terminal/stream.ts"

const BEGIN = "\x1b[?2026h"
const END = "\x1b[?2026l"

test("frames and repaints do not depend on how the bytes were cut", () => {
  const part = constantFrom(
    "text",
    "\x1b[2J",
    `${BEGIN}frame${END}`,
    `${BEGIN}\x1b[2J\x1b[?20${END}`,
    "\x1b[?25h",
    "\x1b[?",
  )
  assert(
    property(array(part, { maxLength: 8 }), array(integer({ min: 1, max: 9 }), { minLength: 1 }), (parts, cuts) => {
      const bytes = Buffer.from(parts.join(""))
      const shown: Buffer[] = []
      const stream = new ByteStream((piece) => void shown.push(Buffer.from(piece)))
      for (let at = 0, i = 0; at < bytes.length; i++) {
        const size = cuts[i % cuts.length]!
        stream.add(bytes.subarray(at, at + size))
        at += size
      }
      stream.end()
      expect(Buffer.concat(shown).toString()).toBe(bytes.toString())
      const frames = parts.filter((one) => one.startsWith(BEGIN))
      const written = stream.since(undefined)
      expect(written.frames.map((frame) => frame.bytes)).toEqual(frames.map((frame) => frame.length))
      expect(written.fullRepaints).toBe(parts.filter((one) => one.includes("\x1b[2J")).length)
      expect(written.bytes).toBe(bytes.length)
      // Each frame came in one piece.
      for (const piece of shown.map(String).filter((piece) => piece.includes(BEGIN))) expect(piece).toContain(END)
    }),
  )
})
