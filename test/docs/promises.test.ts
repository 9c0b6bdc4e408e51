// docs/promises.md says what comes of each event, and names the test that shows it. The tests are not run here: this looks
// whether they are there under that name, and whether each cell has one or says plainly that it has none.
import { describe, expect, test } from "bun:test"
import { existsSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"

const ROOT = resolve(import.meta.dir, "../..")
const page = readFileSync(join(ROOT, "docs/promises.md"), "utf8")

interface Reference {
  label: string
  file: string
  name: string
}

const references: Reference[] = [...page.matchAll(/^\[\^([\w-]+)\]: `([^`]+)`: "(.+)"$/gm)].map((found) => ({
  label: found[1]!,
  file: found[2]!,
  name: found[3]!,
}))

/** The names of a file's tests as they are written: `test("…"`, and behind `test.each(…)(` and the like. */
function namesIn(source: string): string[] {
  const begins = /(?:\btest(?:\.\w+)?|\))\(\s*(["`])((?:\\.|(?!\1)[^\\\n])*)\1\s*,\s*(?:async\b|\(|\w+\s*=>)/g
  const code = source.replace(/^\s*(?:\/\/|\/?\*).*$/gm, "")
  return [...code.matchAll(begins)].map((found) => found[2]!)
}

/** What changes from case to case: `…` on the page; `${…}`, `%s` and `$name` in a test's name. */
function fits(name: string, written: string): boolean {
  const parts = (text: string, hole: RegExp) => text.split(hole).join("\u0000")
  return parts(name, /…/) === parts(written.replaceAll("\\`", "`"), /\$\{[^}]*\}|%[sdijop]/)
}

/** The tables' cells, without the first column and the heads. */
const cells = page
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| ---") && !line.startsWith("| What happens"))
  .flatMap((line) => {
    const [event, ...rest] = line.slice(2, -2).split(" | ")
    return rest.map((cell, column) => ({ event: event!, column: column + 1, cell }))
  })

describe("docs/promises.md", () => {
  test("each test that it names exists", () => {
    expect(references.length).toBeGreaterThan(50)
    const missing = references.filter(({ file, name }) => {
      const path = join(ROOT, file)
      return !existsSync(path) || !namesIn(readFileSync(path, "utf8")).some((written) => fits(name, written))
    })
    expect(missing.map(({ label, file, name }) => `[^${label}] ${file}: "${name}"`)).toEqual([])
  })

  test("each footnote is used and defined once", () => {
    const used = new Set([...page.matchAll(/\[\^([\w-]+)\](?!:)/g)].map((found) => found[1]!))
    const defined = references.map(({ label }) => label)
    expect([...page.matchAll(/^\[\^/gm)]).toHaveLength(references.length)
    expect(defined.toSorted()).toEqual([...used].sort())
  })

  test("each cell names a test, or says that there is none", () => {
    expect(cells.length).toBeGreaterThan(180)
    const bare = cells.filter(({ cell }) => !/\[\^|untested|not promised|^–/.test(cell))
    expect(bare.map(({ event, column, cell }) => `${event}, column ${column}: ${cell}`)).toEqual([])
  })

  test("each row has a cell for each column", () => {
    const rows = page.split("\n").filter((line) => line.startsWith("| "))
    const widths = [...new Set(rows.map((line) => line.split(" | ").length))]
    expect(widths.sort()).toEqual([6, 7])
  })
})

test("a name that is not there is found out, and a comment is no test", () => {
  const source = '// test("gone", async\ntest("here", async () => {})\ntest.each([1])("with %s in it", (n) => {})\n'
  expect(namesIn(source)).toEqual(["here", "with %s in it"])
  expect([fits("here", "here"), fits("her", "here"), fits("with … in it", "with %s in it")]).toEqual([
    true,
    false,
    true,
  ])
})
