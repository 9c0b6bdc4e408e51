import { expect, test } from "bun:test"
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { addSetting } from "../../src/base/settings-edit.ts"
import { temporaryFolder } from "../../testing/harness.ts"

const entry = { section: "providers", name: "ollama", value: { kind: "k", baseURL: "http://127.0.0.1:11434/v1" } }
const LINE = '"ollama": { "kind": "k", "baseURL": "http://127.0.0.1:11434/v1" }'

/** What becomes of a file with that text. */
function added(text: string): string {
  using place = temporaryFolder()
  const path = join(place.path, "settings.json")
  writeFileSync(path, text)
  addSetting(path, entry)
  return readFileSync(path, "utf8")
}

test("an entry is added, and every other character stays as it is", () => {
  const before = '{\n    "model": "x",\n    "odd": [1,2,   3], "more": "}{"\n}\n'
  expect(added(before)).toBe(`{\n    "providers": {\n        ${LINE}\n    },${before.slice(1)}`)
})

test.each([
  ["an empty section", '{\n\t"providers": {},\n\t"z": 1\n}', `{\n\t"providers": {\n\t\t${LINE}\n\t},\n\t"z": 1\n}`],
  [
    "a section with entries",
    '{\n  "providers": {\n    "a": { "b": "}" }\n  }\n}\n',
    `{\n  "providers": {\n    ${LINE},\n    "a": { "b": "}" }\n  }\n}\n`,
  ],
  ["an empty file", "", `{\n  "providers": {\n    ${LINE}\n  }\n}\n`],
  ["an empty object", "{ }", `{\n  "providers": {\n    ${LINE}\n  }\n}`],
  [
    "such a key further in, and as a text",
    '{"x":{"providers":{}},"y":"providers","providers":{"a":1}}',
    `{"x":{"providers":{}},"y":"providers","providers":{\n    ${LINE},\n    "a":1}}`,
  ],
])("%s", (_, before, after) => {
  expect(added(before)).toBe(after)
  expect(() => JSON.parse(after)).not.toThrow()
})

test.each([
  ["a mistake in the JSON", '{"a": 1,}', ':1:9: a "," before "}" is not allowed'],
  ["something else than an object", "[1]", "must hold an object"],
  ["another kind of section", '{"providers": []}', "providers must be an object"],
  ["an entry of that name", '{"providers": {"ollama": {}}}', "providers.ollama is there already"],
])("%s is refused, and the file stays as it is", (_, before, message) => {
  using place = temporaryFolder()
  const path = join(place.path, "settings.json")
  writeFileSync(path, before)
  expect(() => addSetting(path, entry)).toThrow(message)
  expect(readFileSync(path, "utf8")).toBe(before)
  expect(readdirSync(place.path)).toEqual(["settings.json"])
})

test("a file that is not there is made, readable by its owner alone", () => {
  using place = temporaryFolder()
  const path = join(place.path, "new/settings.json")
  addSetting(path, entry)
  expect(JSON.parse(readFileSync(path, "utf8"))).toEqual({ providers: { ollama: entry.value } })
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(readdirSync(join(place.path, "new"))).toEqual(["settings.json"])
})

test("a link stays a link, and the file's mode stays what it was", () => {
  using place = temporaryFolder()
  mkdirSync(join(place.path, "dotfiles"))
  const real = join(place.path, "dotfiles/settings.json")
  const link = join(place.path, "settings.json")
  writeFileSync(real, "{}")
  chmodSync(real, 0o640)
  symlinkSync(real, link)
  addSetting(link, entry)
  expect(lstatSync(link).isSymbolicLink()).toBeTrue()
  expect(readFileSync(real, "utf8")).toContain("ollama")
  expect(statSync(real).mode & 0o777).toBe(0o640)
})
