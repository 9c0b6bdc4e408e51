import { expect, test } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { scan } from "../../scripts/imports.ts"

const found = (source: string) =>
  scan(source).imports.map(({ specifier, kind, line }) => `${line} ${kind} ${specifier}`)

test("every form of import is found, with its line and kind", () => {
  const source = `import "./a.ts"
import b from './b.ts'
import * as c from "./c.ts"
import {
  d, // from "./no.ts"
  type D,
} from "./d.ts"
import type { E } from "./e.ts"
import { type F, type G as H } from "./f.ts"
import type from "./g.ts"
import { type as h } from "./h.ts"
import { type } from "./i.ts"
import j, { type J } from "./j.ts"
import text from "./k.md" with { type: "text" }
export * from "./l.ts"
export type * from "./m.ts"
export { n } from "./n.ts"
export type { O } from "./o.ts"
const p = await import("./p.ts")
type Q = import("./q.ts").Q
const r = require("./r.ts")`
  expect(found(source)).toEqual([
    "1 value ./a.ts",
    "2 value ./b.ts",
    "3 value ./c.ts",
    "4 value ./d.ts",
    "8 type ./e.ts",
    "9 type ./f.ts",
    "10 value ./g.ts",
    "11 value ./h.ts",
    "12 value ./i.ts",
    "13 value ./j.ts",
    "14 value ./k.md",
    "15 value ./l.ts",
    "16 type ./m.ts",
    "17 value ./n.ts",
    "18 type ./o.ts",
    "19 dynamic ./p.ts",
    "20 dynamic ./q.ts",
    "21 dynamic ./r.ts",
  ])
})

test("what only looks like an import is not one", () => {
  const source = `// import "./a.ts"
/* import x from "./b.ts" */
const text = 'import "./c.ts"' + "export * from './d.ts'"
const template = \`import "./e.ts" \${f(\`\${"}"} import "./g.ts"\`)} import "./h.ts"\`
const regex = /import "\\/i.ts"['"\`]/.test(x) ? a / b / c : /[/"]/g
const here = import.meta.dir
export const from = "./j.ts"
export type Kind = "./k.ts"
export default "./l.ts"
thing.import("./m.ts")
export { here }
const after = "./n.ts"`
  expect(found(source)).toEqual([])
})

test("the global Bun is found, and other things of that name are not", () => {
  const source = `Bun.serve({})
type T = typeof Bun
const x = { Bun: 1, isBun: y.Bun, "Bun": "Bun" } // Bun
globalThis.Bun`
  expect(scan(source).bunGlobals).toEqual([1, 2])
})

test("in all our files it finds at least what Bun's own scanner finds", () => {
  const root = join(import.meta.dir, "../..")
  const transpiler = new Bun.Transpiler({ loader: "ts" })
  let compared = 0
  for (const folder of ["src", "testing", "test", "scripts", "bench"]) {
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })) {
      if (!name.endsWith(".ts") || name.includes("fixtures")) continue
      const source = readFileSync(join(root, folder, name), "utf8")
      const ours = new Set(scan(source).imports.map(({ specifier }) => specifier))
      const missed = transpiler.scanImports(source).filter(({ path }) => !ours.has(path))
      expect({ name, missed }).toEqual({ name, missed: [] })
      compared++
    }
  }
  expect(compared).toBeGreaterThan(20)
})
