// The quick reader of plain heads must never differ from the YAML library.
import { expect, test } from "bun:test"
import fc from "fast-check"
import { parse } from "yaml"
import { parsePlain } from "../../src/agent/frontmatter.ts"

test("plain heads are read without the library", () => {
  expect(
    parsePlain(
      "name: explore\ndescription: Finds things, e.g. in code (and says where).\ntools: Read, Bash(git log:*)",
    ),
  ).toEqual({
    name: "explore",
    description: "Finds things, e.g. in code (and says where).",
    tools: "Read, Bash(git log:*)",
  })
})

test("anything that YAML interprets is left to the library", () => {
  const heads = [
    "a: b: c",
    "a: b #c",
    "a: b:",
    "a: yes",
    "a: True",
    "a: null",
    "a: 1",
    "a: 'b'",
    "a: [b]",
    "a: |",
    "a: b\n  c",
    "a: b\na: c",
    "a:",
    "",
    "a: é",
  ]
  expect(heads.map(parsePlain)).toEqual(heads.map(() => undefined))
})

test("what is read is what the library reads", () => {
  const words = fc.array(
    fc.constantFrom(
      "a",
      "Z",
      "null",
      "true",
      "No",
      " ",
      ":",
      "#",
      "-",
      "[",
      "}",
      "'",
      '"',
      "&",
      "*",
      "!",
      "|",
      "%",
      "@",
      "`",
      ",",
      "?",
      "<<",
      "1",
      "~",
      "\\",
      ".",
    ),
    { minLength: 1, maxLength: 8 },
  )
  const line = fc
    .tuple(fc.constantFrom("a", "B-c", "null", "true", "x_1"), fc.constantFrom(": ", ":", ":  "), words)
    .map(([key, colon, value]) => key + colon + value.join(""))
  const agrees = (head: string) => {
    const plain = parsePlain(head)
    if (plain) expect(plain).toEqual(parse(head))
  }
  fc.assert(
    fc.property(
      fc.array(line, { minLength: 1, maxLength: 3 }).map((all) => all.join("\n")),
      agrees,
    ),
    { numRuns: 20_000 },
  )
})
