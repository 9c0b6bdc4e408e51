// Markdown as lines: no blank line too many, and nothing behind a line's end that a selection would copy.
import { expect, test } from "bun:test"
import { stripVTControlCharacters } from "node:util"
import { Highlighter } from "../../../../src/ui/tui/conversation/highlight.ts"
import { markdownLines, StreamingMarkdown } from "../../../../src/ui/tui/conversation/markdown.ts"
import { createTheme } from "../../../../src/ui/tui/theme.ts"

const speech = {
  width: 30,
  theme: createTheme("dark", { hasColour: true }),
  highlighter: new Highlighter(() => undefined),
}

const TEXT = "Look:\n\n```ts\nx = 1\n\n\ny = 2\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\nplain\n```"

test("one blank line stands around code, and blank lines within it stay", () => {
  const lines = markdownLines(TEXT, speech).map(stripVTControlCharacters)
  expect(lines).toEqual([
    "Look:",
    "",
    "ts",
    "  x = 1",
    "",
    "",
    "  y = 2",
    "",
    "┌───┬───┐",
    "│ a │ b │",
    "├───┼───┤",
    "│ 1 │ 2 │",
    "└───┴───┘",
    "",
    "  plain",
  ])
})

test("a text that grows has at its end the lines of the whole", () => {
  const growing = new StreamingMarkdown()
  for (let end = 1; end < TEXT.length; end += 3) growing.lines(TEXT.slice(0, end), speech)
  expect(growing.lines(TEXT, speech)).toEqual(markdownLines(TEXT, speech))
})
