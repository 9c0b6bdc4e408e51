import { expect, test } from "bun:test"
import { type Line, rankDefinitions, surveyOf } from "../../../src/model/scout/rank.ts"
import { termsOf } from "../../../src/model/scout/words.ts"

function linesOf(files: Record<string, string>): Line[] {
  return Object.entries(files).flatMap(([path, text]) =>
    text.split("\n").map((row, index) => ({ path, line: index + 1, text: row })),
  )
}

/** Symbols as `path symbol`, best first; every term is equally rare. */
function ranked(files: Record<string, string>, subject: { names?: string[]; words?: string[] }): string[] {
  const asked = { names: subject.names ?? [], words: subject.words ?? [] }
  const terms = termsOf(asked)
  const found = rankDefinitions(linesOf(files), { ...asked, terms }, { rarity: terms.map(() => 1), files: new Map() })
  return found.map((one) => `${one.path} ${one.symbol}`)
}

test("a name that holds the words stands before a body that mentions them", () => {
  const files = { "a.ts": "function other() {\n  retry()\n}\nfunction retryRequest() {\n}" }
  expect(ranked(files, { words: ["retry", "request"] })).toEqual(["a.ts retryRequest", "a.ts other"])
})

test("the comment above a definition counts for it, and for no other", () => {
  const files = { "a.ts": "/** Wakes the owner. */\nfunction settle() {\n}\nfunction plain() {\n}" }
  expect(ranked(files, { words: ["wake"] })).toEqual(["a.ts settle"])
})

test("source stands before tests, tests before what was generated", () => {
  const code = "function parseHeader() {"
  const files = { "dist/a.js": code, "test/a.js": code, "src/a.js": code }
  expect(ranked(files, { words: ["parse", "header"] }).map((one) => one.split("/")[0])).toEqual(["src", "test", "dist"])
})

test("the exact name stands before names that hold it, exported before local, function before type", () => {
  const files = { "a.ts": "function startServerNow() {\n}\nfunction startServer() {\n}" }
  expect(ranked(files, { names: ["startServer"] })[0]).toBe("a.ts startServer")
  const others = { "a.ts": "interface Cache {\n}", "b.ts": "class Cache {\n}", "c.ts": "export class Cache {\n}" }
  expect(ranked(others, { words: ["cache"] })).toEqual(["c.ts Cache", "b.ts Cache", "a.ts Cache"])
})

test("overloads of one name in one file are one definition", () => {
  const files = {
    "a.ts": "export function read(a: string): A\nexport function read(a: number): B\nexport function read(a: any) {",
  }
  expect(ranked(files, { words: ["read"] })).toEqual(["a.ts read"])
})

test("a rare word in a short file beats a common word in a long one", () => {
  const terms = termsOf({ names: [], words: ["lease", "session"] })
  const sizes = new Map([
    ["a.ts", 1000],
    ["b.ts", 50],
    ["c.ts", 50],
    ["d.ts", 50],
  ])
  const session = new Map([
    ["a.ts", 30],
    ["c.ts", 1],
    ["d.ts", 1],
  ])
  const survey = surveyOf(terms, sizes, [new Map([["b.ts", 2]]), session])
  expect([...survey.files.keys()][0]).toBe("b.ts")
})

test("a file whose size is not known is ranked all the same", () => {
  const terms = termsOf({ names: [], words: ["lease"] })
  expect([...surveyOf(terms, new Map(), [new Map([["z.ts", 1]])]).files.keys()]).toEqual(["z.ts"])
})
