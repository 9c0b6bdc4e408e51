// `npm run bench [-- NAME…] [--json]`: runs the files of bench/rows/ (all, or those named) and prints one row for each
// measurement. Exit 1 when one is over its budget. Floors are measured in the same run.
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { cpus, loadavg, tmpdir } from "node:os"
import { basename, join } from "node:path"
import { build } from "../scripts/build.ts"
import { type BenchContext, isWithin, type MeasureRows, type Row } from "./measure.ts"

const json = process.argv.includes("--json")
const wanted = process.argv.slice(2).filter((arg) => !arg.startsWith("-"))
const names = readdirSync(join(import.meta.dir, "rows")).map((file) => basename(file, ".ts"))
const unknown = wanted.find((name) => !names.includes(name))
if (unknown) {
  console.error(`There is no bench/rows/${unknown}.ts. There are: ${names.join(", ")}`)
  process.exit(2)
}

const work = mkdtempSync(join(tmpdir(), "meanwhile-bench-"))
try {
  const context: BenchContext = { executable: join(work, "meanwhile"), folder: mkdtempSync(join(work, "folder-")) }
  await build(context.executable)
  const rows: Row[] = []
  for (const name of names.sort().filter((name) => wanted.length === 0 || wanted.includes(name))) {
    const { rows: measure } = (await import(`./rows/${name}.ts`)) as { rows: MeasureRows }
    rows.push(...(await measure(context)))
  }
  console.log(json ? JSON.stringify(rows, null, 2) : table(rows))
  process.exitCode = rows.every(isWithin) ? 0 : 1
} finally {
  rmSync(work, { recursive: true, force: true })
}

function table(rows: readonly Row[]): string {
  const head = ["what", "floor", "median", "ratio", "budget", ""]
  const lines = rows.map((row) => {
    const amount = (value: number) => `${value.toFixed(1)} ${row.unit}`
    const ratio = row.floor > 0 ? `${(row.median / row.floor).toFixed(2)}×` : "–"
    return [
      row.name,
      row.floor > 0 ? amount(row.floor) : "–",
      amount(row.median),
      ratio,
      budgetText(row),
      isWithin(row) ? "✓" : "✗ over budget",
    ]
  })
  const widths = head.map((_, column) => Math.max(...[head, ...lines].map((line) => line[column]!.length)))
  const text = [head, ...lines].map((line) =>
    line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  "),
  )
  const notes = rows.flatMap(({ name, note }) => (note ? [`\n${name}:\n${note}`] : []))
  return [...text, ...notes, `\n${cpus().length} × ${cpus()[0]?.model}, load ${loadavg()[0]?.toFixed(2)}`].join("\n")
}

function budgetText({ budget, unit }: Row): string {
  if ("times" in budget) return `${budget.times}×`
  return "above" in budget ? `floor + ${budget.above} ${unit}` : `${budget.most} ${unit}`
}
