// What it costs that files can be taken back: a look at a repository of 50,000 files before and after a command, in the
// background of a turn; keeping a file before it is edited; and the disk that a turn takes.
import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { projectFiles, vaultOf } from "../../src/session/checkpoint-place.ts"
import { type Baseline, type Place, scan, storeBaseline } from "../../src/session/checkpoint-scan.ts"
import { look } from "../../src/session/checkpoint-state.ts"
import { compare, type MeasureRows, type Row } from "../measure.ts"

const FOLDERS = 500
const FILES = 100
const TURNS = 20
/** Of a source file; each turn changes a line in three of them. */
const LINES = 250

export const rows: MeasureRows = async ({ folder }) => {
  const work = mkdtempSync(join(folder, "meanwhile-rewind-"))
  try {
    const root = join(work, "repository")
    fill(root, FOLDERS)
    const place = await placeOf(root, join(work, "checkpoint"))
    let baseline: Baseline | undefined
    const once = async () => {
      baseline = (await scan(place, baseline)).baseline
    }
    await once()
    const looks = await compare({
      name: "a command in a repository of 50,000 files: the look at what it changed / git status",
      unit: "ms",
      budget: { times: 2.5 },
      rounds: 5,
      floor: () => took(async () => void git(root, "status", "--porcelain")),
      subject: () => took(once),
    })
    const keeps = await compare({
      name: "before an edit: a file of 10 KB is kept / git hash-object -w",
      unit: "ms",
      budget: { above: 5 },
      rounds: 15,
      floor: () => took(async () => void git(root, "hash-object", "-w", changed(root, "floor"))),
      subject: () =>
        took(async () => {
          const path = changed(root, "kept")
          const { state, bytes } = await look(path)
          if (state.kind === "file" && state.oid && bytes)
            await place.vault.keep([{ path: "kept.ts", oid: state.oid, bytes }])
        }),
    })
    const small = join(work, "small")
    fill(small, 1)
    return [looks, keeps, await disk(small, await placeOf(small, join(work, "small-checkpoint")))]
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** Turns in each of which a command changes three files of 10 KB. */
async function disk(root: string, place: Place): Promise<Row> {
  let { baseline } = await scan(place, undefined)
  const size = () => bytesBelow(join(root, ".git")) + bytesBelow(place.folder)
  const before = size()
  for (let turn = 0; turn < TURNS; turn++) {
    for (let n = 0; n < 3; n++) writeFileSync(join(root, `d0/e0/f${n}.ts`), source(`${turn} ${n}`))
    const scanned = await scan(place, baseline)
    baseline = scanned.baseline
    await place.vault.hold(
      scanned.changes.flatMap(({ before: state }) => (state.kind === "file" && state.oid ? [state.oid] : [])),
    )
    await storeBaseline(place.folder, baseline)
  }
  const perTurn = (size() - before) / TURNS / 1024
  return {
    name: "disk of a turn that changes three files of 10 KB",
    unit: "KB",
    floor: 0,
    median: perTurn,
    budget: { most: 40 },
  }
}

async function placeOf(root: string, folder: string): Promise<Place> {
  mkdirSync(folder)
  const files = await projectFiles(root, process.env)
  const vault = vaultOf({ folder: () => folder }, "bench", files)
  return { ...files, vault, folder, now: () => Date.now() }
}

function fill(root: string, folders: number): void {
  mkdirSync(root)
  git(root, "init", "-q")
  // Nothing that goes on behind the measurements.
  git(root, "config", "gc.auto", "0")
  git(root, "config", "maintenance.auto", "false")
  for (let d = 0; d < folders; d++) {
    const at = join(root, `d${Math.floor(d / 25)}/e${d}`)
    mkdirSync(at, { recursive: true })
    for (let f = 0; f < FILES; f++) writeFileSync(join(at, `f${f}.ts`), `export const x${f} = ${d}\n`)
  }
  git(root, "add", "-A")
  git(root, "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-q", "-m", "first")
}

let counter = 0

function changed(root: string, name: string): string {
  const path = join(root, `${name}.ts`)
  writeFileSync(path, source(`${++counter}`))
  return path
}

function source(mark: string): string {
  return Array.from(
    { length: LINES },
    (_, n) => `export const value${n} = "${n === 7 ? mark : (n * 7919) % 10007} is it"\n`,
  ).join("")
}

function bytesBelow(folder: string): number {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name)
    return sum + (entry.isDirectory() ? bytesBelow(path) : statSync(path).blocks * 512)
  }, 0)
}

async function took(work: () => Promise<void>): Promise<number> {
  const from = performance.now()
  await work()
  return performance.now() - from
}

function git(root: string, ...args: string[]): void {
  execFileSync("git", ["-C", root, ...args], { stdio: "ignore" })
}
