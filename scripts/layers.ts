// Checks the arrows of the house (AGENTS.md): imports go down only, no cycles, Bun only in src/runtime, files that are
// not too long. Prints each fault as `file:line: what`; exit 1 when there is one. Warnings do not fail.
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"
import { type FileScan, type Import, scan } from "./imports.ts"

/** From the top down. A file may import from its own layer's folder and from lower layers. */
const LAYERS: readonly (readonly string[])[] = [
  ["main"],
  ["cli"],
  ["ui"],
  ["program"],
  ["session"],
  ["tool", "agent", "mcp", "permission"],
  ["task"],
  ["model", "exec"],
  ["store"],
  ["base"],
  ["runtime"],
]
/** Neighbours on one level that may know each other's types, and nothing else. */
const TYPES_ONLY = new Set(["tool", "agent", "mcp", "permission"])
/** What interfaces must not reach into: of these folders they may use the file of the folder's name, and types. */
const CLOSED_TO_UI = new Set(["session", "task"])
/** What only reads rows, and so is any reader's. */
const READS_ONLY = new Set([
  ...["find", "health", "caps", "output"].map((name) => `src/task/${name}.ts`),
  ...["compaction", "find", "lineage", "memory/memory", "search/search", "stats"].map(
    (name) => `src/session/${name}.ts`,
  ),
])
/** The one file outside of src/ that a source may import, and who may. */
const MANIFEST = { importer: "src/base/version.ts", file: "package.json" }
const MOST_LINES = { tui: 600, warned: 500 }

export interface Fault {
  file: string
  line: number
  message: string
  severity: "error" | "warning"
}

/** Checks the sources below `root`/src. `files`: content by path relative to `root`, with forward slashes. */
export function checkLayers(files: ReadonlyMap<string, string>): Fault[] {
  const faults: Fault[] = []
  const edges = new Map<string, { to: string; line: number }[]>()
  for (const [file, source] of files) {
    const found = scan(source)
    const report = (line: number, message: string) => faults.push({ file, line, message, severity: "error" })
    faults.push(...lengthFaults(file, source))
    if (!levelOf(file)) report(1, `is in no layer: add it to scripts/layers.ts (known: ${LAYERS.flat().join(", ")})`)
    for (const [line, message] of bunFaults(file, found)) report(line, message)
    const outgoing: { to: string; line: number }[] = []
    for (const one of found.imports) {
      const message = importFault(file, one, files)
      if (message) report(one.line, message)
      const to = targetOf(file, one.specifier)
      if (to && files.has(to) && !(one.kind === "type" && layerOf(to) !== layerOf(file)))
        outgoing.push({ to, line: one.line })
    }
    edges.set(file, outgoing)
  }
  for (const cycle of cycles(edges)) faults.push(cycle)
  return faults
}

function importFault(
  file: string,
  { specifier, kind }: Import,
  files: ReadonlyMap<string, string>,
): string | undefined {
  const to = targetOf(file, specifier)
  if (to === undefined) return undefined
  if (!to.startsWith("src/")) {
    if (file === MANIFEST.importer && to === MANIFEST.file) return undefined
    return `imports ${to}: sources import nothing from outside of src/`
  }
  if (/\.[a-z]+$/.test(to) && !to.endsWith(".ts")) {
    if (layerOf(to) === layerOf(file)) return undefined
    return `imports ${to}: a text belongs to the folder of its one reader`
  }
  if (!files.has(to))
    return `imports ${specifier}, which does not exist${/\.ts$/.test(specifier) ? "" : " (relative imports carry .ts)"}`
  const [from, toLayer] = [layerOf(file), layerOf(to)]
  if (from === toLayer) return undefined
  const [above, below] = [levelOf(file), levelOf(to)]
  if (!above || !below) return undefined
  if (
    from === "ui" &&
    CLOSED_TO_UI.has(toLayer) &&
    kind !== "type" &&
    !READS_ONLY.has(to) &&
    to !== `src/${toLayer}/${toLayer}.ts`
  )
    return `imports ${to}: an interface reads rows and writes inbox rows; of ${toLayer} it may use ${toLayer}.ts, what only reads, and types`
  if (above < below) return undefined
  const arrow = `imports ${to}: ${from} may not use ${toLayer}`
  if (above > below) return `${arrow}, which is above it`
  if (!TYPES_ONLY.has(from) || !TYPES_ONLY.has(toLayer)) return `${arrow}, which is beside it`
  return kind === "type" ? undefined : `${arrow} beside it, except by \`import type\``
}

function bunFaults(file: string, { imports, bunGlobals }: FileScan): [line: number, message: string][] {
  if (layerOf(file) === "runtime") return []
  const imported = imports.filter(({ specifier }) => specifier === "bun" || specifier.startsWith("bun:"))
  return [
    ...imported.map(({ specifier, line }): [number, string] => [line, `imports ${specifier}: only src/runtime may`]),
    ...bunGlobals.map((line): [number, string] => [line, "uses the global Bun: only src/runtime may"]),
  ]
}

function lengthFaults(file: string, source: string): Fault[] {
  const lines = source.split("\n").length - (source.endsWith("\n") ? 1 : 0)
  const message = `has ${lines} lines`
  if (file.startsWith("src/ui/tui/") && lines > MOST_LINES.tui)
    return [{ file, line: lines, message: `${message}; ${MOST_LINES.tui} is the end here`, severity: "error" }]
  if (lines > MOST_LINES.warned)
    return [{ file, line: lines, message: `${message}; more than one idea?`, severity: "warning" }]
  return []
}

/** Each cycle once, reported at its first file by name. Imports of types from another layer cannot close one. */
function cycles(edges: ReadonlyMap<string, readonly { to: string; line: number }[]>): Fault[] {
  const faults: Fault[] = []
  const state = new Map<string, "open" | "done">()
  const path: string[] = []
  const visit = (file: string) => {
    state.set(file, "open")
    path.push(file)
    for (const { to, line } of edges.get(file) ?? []) {
      if (state.get(to) === "done") continue
      if (state.get(to) === "open") {
        const loop = [...path.slice(path.indexOf(to)), to]
        faults.push({ file, line, message: `closes a cycle: ${loop.join(" → ")}`, severity: "error" })
        continue
      }
      visit(to)
    }
    path.pop()
    state.set(file, "done")
  }
  for (const file of [...edges.keys()].sort()) if (!state.has(file)) visit(file)
  return faults
}

/** The path below the root that a relative specifier names; undefined for packages. */
function targetOf(file: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".") && !specifier.startsWith("/")) return undefined
  return relative("/", resolve("/", dirname(file), specifier))
}

/** `src/task/settle.ts` is of the layer task, `src/main.ts` of main. */
function layerOf(file: string): string {
  return file.split("/")[1]!.replace(/\.ts$/, "")
}

/** The layer's level, counted from 1 at the top. */
function levelOf(file: string): number | undefined {
  const level = LAYERS.findIndex((names) => names.includes(layerOf(file)))
  return level < 0 ? undefined : level + 1
}

function sources(root: string): Map<string, string> {
  const names = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
  const files = names.filter((name) => name.endsWith(".ts")).map((name) => join("src", name))
  return new Map(files.sort().map((file) => [file, readFileSync(join(root, file), "utf8")]))
}

if (import.meta.main) {
  const files = sources(join(import.meta.dir, ".."))
  const faults = checkLayers(files)
  for (const { file, line, message, severity } of faults) console.log(`${file}:${line}: ${severity}: ${message}`)
  const errors = faults.filter(({ severity }) => severity === "error").length
  console.log(`layers: ${files.size} files, ${errors} errors, ${faults.length - errors} warnings`)
  process.exit(errors > 0 ? 1 : 0)
}
