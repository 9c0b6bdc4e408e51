import { expect, test } from "bun:test"
import { compileGlob, escapeGlob, hasGlob } from "../../src/base/glob.ts"
import { processorMs } from "../../testing/harness.ts"

test.each([
  ["*.ts", "a.ts", true],
  ["*.ts", ".ts", true],
  ["*.ts", "a/b.ts", false],
  ["**/*.ts", "a.ts", true],
  ["**/*.ts", "a/b/c.ts", true],
  ["src/**", "src/a/b", true],
  ["src/**", "src", false],
  ["src/**/x", "src/x", true],
  ["src/**/x", "src/a/b/x", true],
  ["**/a/**/b", "a/b", true],
  ["**/a/**/b", "x/a/y/z/b", true],
  ["**/a/**/b", "x/b/a", false],
  ["**", "a/b", true],
  ["a**b", "axxb", true],
  ["a**b", "a/b", false],
  ["a?c", "abc", true],
  ["a?c", "a/c", false],
  ["a?c", "a😀c", true],
  ["[ab]x", "bx", true],
  ["[!ab]x", "bx", false],
  ["[^ab]x", "cx", true],
  ["[a-c]x", "bx", true],
  ["[a-c]x", "dx", false],
  ["[]a]x", "]x", true],
  ["[a-]x", "-x", true],
  ["[abc", "[abc", true],
  ["*.{ts,tsx}", "a.tsx", true],
  ["*.{ts,tsx}", "a.js", false],
  ["{a,b/{c,d}}/x", "b/d/x", true],
  ["{a,b/{c,d}}/x", "b/x", false],
  ["{a,}b", "b", true],
  ["{a}", "{a}", true],
  ["{a", "{a", true],
  ["a,b", "a,b", true],
  ["\\*", "*", true],
  ["\\*", "a", false],
  ["\\{a,b\\}", "{a,b}", true],
  ["a.c", "abc", false],
  ["a+(b)", "a+(b)", true],
  ["e\u0301", "\u00e9", true],
  ["a\nb", "a\nb", true],
  ["*b", "a\nb", true],
  ["", "", true],
  ["A", "a", false],
])("%j on %j: %p", (pattern, path, expected) => {
  expect(compileGlob(pattern).matches(path)).toBe(expected)
})

test("case can be ignored", () => {
  expect(compileGlob("SRC/*.Ts", { case: "ignore" }).matches("src/A.tS")).toBe(true)
})

test("a folder that matches can stand for what is in it", () => {
  const glob = compileGlob("a/*", { folders: "contents" })
  expect(["a/b", "a/b/c/d", "a", "x/a/b"].map((path) => glob.matches(path))).toEqual([true, true, false, false])
})

test.each(["a*b", "[x]", "{a,b}", "a\\b", "!a", "?", "plain", "**/x"])("%j escaped matches itself alone", (text) => {
  expect(compileGlob(escapeGlob(text)).matches(text)).toBe(true)
  expect(hasGlob(escapeGlob(text))).toBe(false)
})

test("a pattern made to be slow is not", () => {
  const took = processorMs(() => {
    expect(compileGlob(`${"*a".repeat(50)}b`).matches("a".repeat(5000))).toBe(false)
    expect(compileGlob(`${"**/a/".repeat(50)}b`).matches("a/".repeat(2000))).toBe(false)
  })
  // Backtracking over every star would take longer than the universe has.
  expect(took).toBeLessThan(2000)
})

test("too many alternatives are refused instead of filling the memory", () => {
  expect(() => compileGlob("{a,b}".repeat(30))).toThrow("alternatives")
})
