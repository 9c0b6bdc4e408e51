// Nothing that a terminal would act on may come through, whatever the text, and quickly.
import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { stripControl, visible } from "../../src/base/escape.ts"
import { processorMs } from "../../testing/harness.ts"

const lines = { keepNewlines: true }
const colours = { keepNewlines: true, keepColours: true }

/** What must not be left: controls but newline and tab, line and paragraph separators, bidirectional overrides. */
const ACTIVE = /[\0-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/

describe("stripControl removes", () => {
  const corpus: [what: string, text: string, left: string][] = [
    ["colours", "\x1b[1;31mred\x1b[0m", "red"],
    ["cursor movements", "a\x1b[2Jb\x1b[10;20Hc\x1b[?25l", "abc"],
    ["a private CSI with intermediates", "a\x1b[?1;2$pb", "ab"],
    ["an 8-bit CSI", "a\x9b31mb", "ab"],
    ["a title (OSC with BEL)", "a\x1b]0;evil\x07b", "ab"],
    ["a clipboard write (OSC 52 with ST)", "a\x1b]52;c;ZXZpbA==\x1b\\b", "ab"],
    ["an 8-bit OSC", "a\x9d0;evil\x9cb", "ab"],
    ["a hyperlink, but not its words", "\x1b]8;;http://evil\x1b\\words\x1b]8;;\x1b\\", "words"],
    ["a device control string", "a\x1bPq#0;2;0;0;0~~\nmore\x1b\\b", "ab"],
    ["an application command (kitty graphics)", "a\x1b_Gf=100;AAAA\x1b\\b", "ab"],
    ["a privacy message and a start of string", "a\x1b^x\x1b\\b\x1bXy\x1b\\c", "abc"],
    ["character set and reset escapes", "a\x1b(0b\x1bcc\x1b#8d\x1b7e", "abcde"],
    ["a CSI that the text ends in", "a\x1b[38;5", "a"],
    ["an escape at the very end", "a\x1b", "a"],
    ["bells, nulls and deletes", "a\x07b\0c\x7fd", "abcd"],
    ["bidirectional overrides and isolates", "a\u202eb\u2066c\u2069\u202cd", "abcd"],
    ["overstrikes of manual pages", "N\x08NA\x08AM\x08ME\x08E _\x08x", "NAME x"],
    ["tmux's wrapping of a sequence", "a\x1bPtmux;\x1b\x1b]52;c;eA==\x07\x1b\\b", "atmux;b"],
  ]
  for (const [what, text, left] of corpus) test(what, () => expect(stripControl(text, lines)).toBe(left))
})

describe("stripControl keeps", () => {
  test("plain text of any script as it is", () => {
    const text = "naïve 日本語 👩‍👩‍👧 עברית\n\ttabbed, a[1m] ]0;b"
    expect(stripControl(text, lines)).toBe(text)
  })
  test("what follows a control string that never ends", () => {
    expect(stripControl("a\x1b]0;title\nthe error is here", lines)).toBe("a0;title\nthe error is here")
    expect(stripControl("a\x1bPq\x1b[31mthe error", lines)).toBe("aqthe error")
  })
  test("what a carriage return would have hidden, on its own line", () => {
    expect(stripControl("rm -rf /\recho hello", lines)).toBe("rm -rf /\necho hello")
    expect(stripControl("dos\r\nlines\r\r\nhere", lines)).toBe("dos\nlines\nhere")
    expect(stripControl("a\vb\fc\x85d\u2028e", lines)).toBe("a\nb\nc\nd\ne")
  })
  test("what backspaces would have hidden", () => {
    expect(stripControl("rm -rf /\b\b\b\b\b\b\b\becho", lines)).toBe("rm -rf /echo")
    expect(stripControl("\u202e\bx", lines)).toBe("x")
  })
  test("one line when newlines are not asked for", () => {
    expect(stripControl("a\nb\tc\r\nd")).toBe("a b c d")
  })
  test("colours when they are asked for, and nothing else, ending with a reset", () => {
    expect(stripControl("\x1b[1mbold\x1b[2J\x1b]0;x\x07", colours)).toBe("\x1b[1mbold\x1b[0m")
    expect(stripControl("\x9b38;2;1;2;3mx\x1b[m", colours)).toBe("\x1b[38;2;1;2;3mx\x1b[m")
    expect(stripControl("\x1b[>4;2mx\x1b[?1mx", colours)).toBe("xx")
  })
})

/** Texts made mostly of what sequences are made of. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "\x1b",
        "\x1b[",
        "\x1b]",
        "\x1bP",
        "\x1b_",
        "\x1b\\",
        "\x9b",
        "\x9d",
        "\x90",
        "\x9c",
        "\x07",
        "\x18",
      ),
      fc.constantFrom(
        "\r",
        "\n",
        "\r\n",
        "\t",
        "\b",
        "_\b",
        "x\bx",
        "\u202e",
        "\u2028",
        "\0",
        "\x7f",
        "0;1",
        "m",
        "\x1b[31m",
      ),
      fc.string({ unit: "binary", maxLength: 5 }),
    ),
    { maxLength: 30 },
  )
  .map((parts) => parts.join(""))

describe("for any text", () => {
  test("nothing that acts is left", () => {
    fc.assert(
      fc.property(hostile, (text) => !ACTIVE.test(stripControl(text, lines))),
      { numRuns: 2000 },
    )
  })
  test("one line has no line ends at all", () => {
    fc.assert(
      fc.property(hostile, (text) => !/[\n\r\t]/.test(stripControl(text))),
      { numRuns: 1000 },
    )
  })
  test("with colours, only complete colour sequences are left, and the last one is a reset", () => {
    const onlyColours = (text: string) => {
      const left = stripControl(text, colours)
      const last = left.match(/\x1b\[[\d:;]*m/g)?.at(-1)
      return !ACTIVE.test(left.replace(/\x1b\[[\d:;]*m/g, "")) && (last === undefined || /^\x1b\[0*m$/.test(last))
    }
    fc.assert(fc.property(hostile, onlyColours), { numRuns: 2000 })
  })
  test("stripping again changes nothing", () => {
    const same = (text: string) =>
      [{}, lines, colours].every((options) => {
        const once = stripControl(text, options)
        return stripControl(once, options) === once
      })
    fc.assert(fc.property(hostile, same), { numRuns: 2000 })
  })
  test("a shown name has nothing invisible in it", () => {
    fc.assert(
      fc.property(hostile, (text) => !/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(visible(text))),
      { numRuns: 1000 },
    )
  })
})

test("time is linear in texts that are made to be slow", () => {
  const pieces = [
    "\x1b]",
    "\x1b[",
    "\x1bP",
    "\x1b]0;aaaaaaaa",
    "\x9d",
    "\x1b[;;;;",
    "\r",
    "a\b",
    "_\b",
    "\x1b(",
    "\x1bPa\x07",
    "\x1b[31m",
  ]
  const beginnings = ["\x1b]", "\x1bP", "\x1b[", "\x1b ", ""]
  const fillers = ["a", "0", ";", " ", "\x07", "\n"]
  const texts = [
    ...pieces.map((piece) => piece.repeat(1_000_000 / piece.length)),
    ...beginnings.flatMap((beginning) => fillers.map((filler) => beginning + filler.repeat(1_000_000))),
  ]
  for (const text of texts) {
    // Quadratic time would be minutes.
    expect(processorMs(() => stripControl(text, colours))).toBeLessThan(2000)
  }
})

test("names are shown with what is invisible in them", () => {
  expect(visible("a\nb\x1b[31m\x9b\u202e\u{e0041}é 日")).toBe("a\\nb\\x1b[31m\\x9b\\u202e\\u{e0041}é 日")
  expect(visible("lone \ud800 half")).toBe("lone \\ud800 half")
})
