import { expect, test } from "bun:test"
import { z } from "zod"
import { parseInput, toolSpecs } from "../../src/tool/registry.ts"
import { type Tool, ToolError, textOutput } from "../../src/tool/tool.ts"
import { Workspace } from "./workspace.ts"

function tool<I>(name: string, input: z.ZodType<I>): Tool<I> {
  return { name, description: "d", input, replay: "safe", readOnly: true, run: async () => textOutput("") }
}

const sample = tool(
  "Sample",
  z.object({
    pattern: z.string(),
    limit: z.number().int().positive().optional(),
    ratio: z.number().optional(),
    "-i": z.boolean().optional(),
    mode: z.enum(["content", "count"]).optional(),
    todos: z.array(z.object({ text: z.string(), state: z.enum(["open", "done"]) })).optional(),
  }),
)

function complaint(input: unknown, of: Tool = sample): string {
  try {
    parseInput(of, input)
  } catch (error) {
    if (error instanceof ToolError) return error.message
    throw error
  }
  throw new Error("was accepted")
}

test("specs are the same bytes each time, in the order of the tools, without noise", () => {
  using work = new Workspace()
  const tools = Object.values(work.tools)
  const specs = toolSpecs(tools)
  expect(specs.map(({ name }) => name)).toEqual(["Read", "Write", "Edit", "Glob", "Grep"])
  expect(JSON.stringify(toolSpecs(tools))).toBe(JSON.stringify(specs))
  expect(toolSpecs([tools[1]!])[0]).toBe(specs[1]!)
  expect(JSON.stringify(specs)).not.toMatch(/\$schema|additionalProperties|9007199254740991/)
  expect(specs[1]!.schema).toEqual({
    type: "object",
    properties: { file_path: { type: "string" }, content: { type: "string" } },
    required: ["file_path", "content"],
  })
})

test("each file tool costs a request no more than 700 bytes", () => {
  using work = new Workspace()
  for (const spec of toolSpecs(Object.values(work.tools))) expect(JSON.stringify(spec).length).toBeLessThanOrEqual(700)
})

test("a parameter may be called like what is left out", () => {
  const odd = tool("Odd", z.object({ $schema: z.string(), additionalProperties: z.boolean() }))
  expect(Object.keys(toolSpecs([odd])[0]!.schema["properties"] as object)).toEqual(["$schema", "additionalProperties"])
})

test.each<[unknown, object]>([
  [{ pattern: "a" }, { pattern: "a" }],
  [
    { pattern: "a", limit: "5" },
    { pattern: "a", limit: 5 },
  ],
  [
    { pattern: "a", ratio: "-1.5" },
    { pattern: "a", ratio: -1.5 },
  ],
  [
    { pattern: "a", "-i": "true" },
    { pattern: "a", "-i": true },
  ],
  [
    { pattern: "a", "-i": "False" },
    { pattern: "a", "-i": false },
  ],
  [{ pattern: "a", limit: null, "-i": null, mode: null, todos: null }, { pattern: "a" }],
  [{ pattern: "a", mode: "" }, { pattern: "a" }],
  [{ pattern: 12 }, { pattern: "12" }],
  [{ pattern: true }, { pattern: "true" }],
  [{ pattern: "a", unknown: 1 }, { pattern: "a" }],
  [
    { pattern: "a", todos: '[{"text": 5, "state": "open"}]' },
    { pattern: "a", todos: [{ text: "5", state: "open" }] },
  ],
  ['{"pattern": "a"}', { pattern: "a" }],
])("%j is taken as %j", (sent, expected) => {
  expect<unknown>(parseInput(sample, sent)).toEqual(expected)
})

test("mending does not change what was sent", () => {
  const sent = { pattern: "a", limit: "5" }
  parseInput(sample, sent)
  expect(sent).toEqual({ pattern: "a", limit: "5" })
})

test.each([undefined, null, "", "  ", {}])("%j is a call without arguments", (sent) => {
  expect(parseInput(tool("Empty", z.object({})), sent)).toEqual({})
})

test("what is missing is named, with what was sent and a right call", () => {
  expect(complaint({ path: "src" })).toBe(
    'Sample: "pattern" is missing (string). You sent: {"path":"src"}. Send {"pattern": "…"}',
  )
  expect(complaint(undefined)).toBe('Sample: "pattern" is missing (string). You sent: {}. Send {"pattern": "…"}')
  expect(complaint({ pattern: null })).toContain('"pattern" is missing (string)')
})

test.each([
  [{ pattern: "a", limit: "many" }, '"limit" must be number, not "many"'],
  [{ pattern: "a", limit: "many" }, 'Send {"pattern": "…", "limit": 1}'],
  [{ pattern: "a", limit: 1.5 }, '"limit" must be whole number, not 1.5'],
  [{ pattern: "a", limit: -1 }, '"limit":'],
  [{ pattern: "a", mode: "files" }, '"mode" must be "content" or "count", not "files"'],
  [{ pattern: "a", "-i": "maybe" }, '"-i" must be boolean'],
  [{ pattern: { a: 1 } }, '"pattern" must be string, not {"a":1}'],
  [
    { pattern: "a", todos: [{ text: "x", state: "open" }, { text: "y" }] },
    '"todos[1].state" is missing ("open" or "done")',
  ],
  [{ pattern: "a", todos: "later" }, '"todos" must be array'],
  [{ pattern: "a", todos: [null] }, '"todos[0]" must be object, not null'],
  [["a"], "must be an object"],
  [5, "must be an object"],
])("%j is refused: %s", (sent, expected) => {
  expect(complaint(sent)).toContain(expected)
})

test.each([
  ['{"pattern": "a', "character 13"],
  ['{"pattern": "a', "cut off"],
  ['{"pattern": "a", }', "character 18"],
  ['{\n  "pattern": a\n}', "line 2, column 14"],
  ["pattern: a", "character 1"],
  ['"just text"', "must be an object"],
])("text that is no JSON, %j, is refused with the place: %s", (sent, expected) => {
  expect(complaint(sent)).toContain(expected)
})

test("a complaint stays short, however much was sent", () => {
  expect(complaint({ content: "x".repeat(100_000), other: Array(1000).fill("y") }).length).toBeLessThan(500)
  expect(complaint(`{"a": "${"x".repeat(100_000)}`).length).toBeLessThan(500)
})
