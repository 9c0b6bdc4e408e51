import { expect, test } from "bun:test"
import { table } from "../../src/cli/table.ts"

const columns = [{ title: "NAME" }, { title: "N", right: true }, { title: "WHAT" }]

test("columns are aligned by what a terminal shows, wide characters too", () => {
  expect(
    table(columns, [
      ["日本", "1", "x"],
      ["ab", "12", "y"],
    ]),
  ).toBe("NAME   N  WHAT\n日本   1  x\nab    12  y\n")
})

test("a row is cut to the width, never within a character, and holds nothing that a terminal acts on", () => {
  const lines = table(
    columns,
    [
      ["👩‍💻👩‍💻👩‍💻👩‍💻👩‍💻", "1", "\x1b[31mred\nline"],
      ["a", "2", "日本語日本語"],
    ],
    16,
  )
    .trimEnd()
    .split("\n")
  for (const line of lines) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(16)
  expect(lines[1]).toBe("👩‍💻👩‍💻👩‍💻👩‍💻👩‍💻  1  …")
  expect(lines[2]).toEndWith("…")
  expect(lines.join()).not.toContain("\x1b")
})
