import { expect, test } from "bun:test"
import { checkLayers } from "../../scripts/layers.ts"

function faults(files: Record<string, string>): string[] {
  return checkLayers(new Map(Object.entries(files))).map(
    ({ file, line, message, severity }) => `${severity} ${file}:${line} ${message}`,
  )
}

test("imports may go down and stay in their folder", () => {
  expect(
    faults({
      "src/main.ts": 'import "./cli/args.ts"',
      "src/cli/args.ts": 'import "../ui/print/print.ts"\nimport "node:path"\nimport "zod"',
      "src/ui/print/print.ts": 'import "../../program.ts"',
      "src/program.ts": 'import "./task/task.ts"\nimport "./exec/os.ts"',
      "src/task/task.ts": 'import { settle } from "./settle.ts"',
      "src/task/settle.ts": 'import "../store/store.ts"\nimport note from "./note.md" with { type: "text" }',
      "src/store/store.ts": 'import "../runtime/sqlite.ts"',
      "src/exec/os.ts": "",
      "src/runtime/sqlite.ts": 'import "bun:sqlite"\nBun.sleep(0)',
      "src/base/version.ts": 'import { version } from "../../package.json"',
    }),
  ).toEqual([])
})

test("an import upwards is a fault, as a type and in any form", () => {
  const upwards = [
    'import "../task/task.ts"',
    'import type { T } from "../task/task.ts"',
    'export * from "../task/task.ts"',
    'await import("../task/task.ts")',
  ]
  for (const statement of upwards)
    expect(faults({ "src/store/a.ts": `\n${statement}`, "src/task/task.ts": "" })).toEqual([
      "error src/store/a.ts:2 imports src/task/task.ts: store may not use task, which is above it",
    ])
})

test("neighbours on one level know each other's types at most, and model and exec nothing", () => {
  const files = { "src/agent/a.ts": "", "src/exec/b.ts": "" }
  expect(faults({ ...files, "src/tool/t.ts": 'import type { A } from "../agent/a.ts"' })).toEqual([])
  expect(faults({ ...files, "src/tool/t.ts": 'import { a } from "../agent/a.ts"' })).toEqual([
    "error src/tool/t.ts:1 imports src/agent/a.ts: tool may not use agent beside it, except by `import type`",
  ])
  expect(faults({ ...files, "src/model/m.ts": 'import type { B } from "../exec/b.ts"' })).toEqual([
    "error src/model/m.ts:1 imports src/exec/b.ts: model may not use exec, which is beside it",
  ])
})

test("a cycle is told once, with its whole way", () => {
  const files = {
    "src/task/a.ts": 'import "./b.ts"',
    "src/task/b.ts": '\nimport type { C } from "./c.ts"',
    "src/task/c.ts": 'const a = await import("./a.ts")',
  }
  expect(faults(files)).toEqual([
    "error src/task/c.ts:1 closes a cycle: src/task/a.ts → src/task/b.ts → src/task/c.ts → src/task/a.ts",
  ])
  expect(faults({ ...files, "src/task/c.ts": 'import "./c.ts"' })).toEqual([
    "error src/task/c.ts:1 closes a cycle: src/task/c.ts → src/task/c.ts",
  ])
})

test("Bun's own modules and global stay in src/runtime", () => {
  expect(
    faults({ "src/base/a.ts": 'import { $ } from "bun"\nimport type { Database } from "bun:sqlite"\nBun.file("x")' }),
  ).toEqual([
    "error src/base/a.ts:1 imports bun: only src/runtime may",
    "error src/base/a.ts:2 imports bun:sqlite: only src/runtime may",
    "error src/base/a.ts:3 uses the global Bun: only src/runtime may",
  ])
})

test("sources import nothing from outside, and nothing that is not there", () => {
  expect(
    faults({
      "src/base/a.ts": 'import "../../testing/gate.ts"\nimport "../../package.json"\nimport "./b.ts"\nimport "./c"',
    }),
  ).toEqual([
    "error src/base/a.ts:1 imports testing/gate.ts: sources import nothing from outside of src/",
    "error src/base/a.ts:2 imports package.json: sources import nothing from outside of src/",
    "error src/base/a.ts:3 imports ./b.ts, which does not exist",
    "error src/base/a.ts:4 imports ./c, which does not exist (relative imports carry .ts)",
  ])
})

test("an interface knows the values of session and task by their public face only", () => {
  const files = { "src/task/task.ts": "", "src/task/settle.ts": "" }
  expect(
    faults({ ...files, "src/ui/a.ts": 'import "../task/task.ts"\nimport type { S } from "../task/settle.ts"' }),
  ).toEqual([])
  expect(faults({ ...files, "src/ui/a.ts": 'import { settle } from "../task/settle.ts"' })).toEqual([
    "error src/ui/a.ts:1 imports src/task/settle.ts: an interface reads rows and writes inbox rows; of task it may use task.ts, what only reads, and types",
  ])
})

test("a new folder must be given a layer", () => {
  expect(faults({ "src/utils/a.ts": "" })[0]).toStartWith("error src/utils/a.ts:1 is in no layer")
})

test("a long file is a warning, in the terminal interface a fault", () => {
  const lines = (n: number) => "// x\n".repeat(n)
  expect(faults({ "src/base/a.ts": lines(500), "src/ui/tui/b.ts": lines(500) })).toEqual([])
  expect(faults({ "src/base/a.ts": lines(501), "src/ui/tui/b.ts": lines(600), "src/ui/tui/c.ts": lines(601) })).toEqual(
    [
      "warning src/base/a.ts:501 has 501 lines; more than one idea?",
      "warning src/ui/tui/b.ts:600 has 600 lines; more than one idea?",
      "error src/ui/tui/c.ts:601 has 601 lines; 600 is the end here",
    ],
  )
})
