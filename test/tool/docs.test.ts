// docs/tools.md says what there is: every tool has its section, every parameter is named, every example is a right call.
import { expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { type ToolboxParts, toolbox, toolNames } from "../../src/session/toolbox.ts"
import type { SessionRow } from "../../src/store/rows.ts"
import { parseInput, toolSpecs } from "../../src/tool/registry.ts"

const page = readFileSync(join(import.meta.dir, "../../docs/tools.md"), "utf8")
const sections = new Map(
  page
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.split("\n", 1)[0]!, section] as const),
)

/** Tools that are never run: what they would work with is not there. */
const parts = { agents: [], search: { files: {}, env: {} }, web: { allowPrivate: [], proxy: "refuse" }, clock: {} }
const tools = toolbox({ tools: JSON.stringify(toolNames) } as SessionRow, parts as unknown as ToolboxParts)

test("every tool has a section, and every section a tool", () => {
  expect([...sections.keys()].sort()).toEqual([...toolNames].sort())
  expect(tools.map(({ name }) => name)).toEqual([...toolNames])
})

for (const [index, spec] of toolSpecs(tools).entries())
  test(`${spec.name} is described with its parameters, and its examples are calls of it`, () => {
    const section = sections.get(spec.name) ?? ""
    for (const name of Object.keys((spec.schema.properties ?? {}) as object)) expect(section).toContain(`\`${name}\``)
    const examples = [...section.matchAll(/```json\n(.*?)\n```/gs)].map((match) => match[1]!)
    expect(examples.length).toBeGreaterThan(0)
    for (const example of examples) {
      const input = JSON.parse(example) as object
      // Nothing is mended, and nothing is left out as unknown.
      expect(parseInput(tools[index]!, input)).toEqual(input)
    }
  })
