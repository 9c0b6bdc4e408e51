// What tests of the inner parts share: a store in a folder of its own, ids that count, and a way to wait for a fact.
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Clock, systemClock } from "../src/base/clock.ts"
import type { Ids } from "../src/base/ids.ts"
import type { Log } from "../src/base/log.ts"
import { operatingSystem } from "../src/exec/os.ts"
import { openStore } from "../src/store/open.ts"
import type { Reader, Store } from "../src/store/store.ts"

export interface Folder extends Disposable {
  readonly path: string
}

/** A temporary folder that goes when it is disposed. */
export function temporaryFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), "meanwhile-test-"))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

export interface TestStore extends Disposable {
  readonly store: Store
  readonly folder: string
}

export async function temporaryStore(clock: Clock = systemClock): Promise<TestStore> {
  const folder = temporaryFolder()
  const store = await openStore({ folder: folder.path, clock })
  return {
    store,
    folder: folder.path,
    [Symbol.dispose]: () => {
      store.close()
      folder[Symbol.dispose]()
    },
  }
}

/** A reader that notes how each of its queries looks into the table: `SEARCH tool_call USING INDEX …`. */
export function explaining(store: Store, table: string): { reader: Reader; plans: string[] } {
  const plans: string[] = []
  const reader: Reader = {
    one: (sql, params) => store.one(sql, params),
    all: (sql, params) => {
      const plan = store.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, params)
      plans.push(...plan.flatMap(({ detail }) => (detail.includes(table) ? [detail] : [])))
      return store.all(sql, params)
    },
  }
  return { reader, plans }
}

/** Processor time of this process for the work, in ms: what else the machine does does not count. */
export function processorMs(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

/** `uuid-1`, `short-1`, …: the same in each run of a test. */
export function countingIds(): Ids {
  let count = 0
  return { uuid: () => `uuid-${++count}`, short: () => `short-${++count}` }
}

/** Keeps what was logged, so that a test can say that nothing was. */
export function memoryLog(): Log & { readonly entries: string[] } {
  const entries: string[] = []
  const note = (level: string) => (message: string, fields?: { error?: unknown }) => {
    entries.push(`${level} ${message}${fields?.error ? `: ${fields.error}` : ""}`)
  }
  return { path: "memory", entries, info: note("info"), warn: note("warn"), error: note("error") }
}

/** Resolves when `fact` holds. It looks every few milliseconds, and fails after `limitMs` with what was expected. */
export async function eventually(
  what: string,
  fact: () => boolean | Promise<boolean>,
  limitMs = 30_000,
): Promise<void> {
  const end = performance.now() + limitMs
  while (!(await fact())) {
    if (performance.now() > end) throw new Error(`did not happen within ${limitMs} ms: ${what}`)
    await Bun.sleep(5)
  }
}

/** Whether a process runs; one that has ended and waits for its parent to notice does not. */
export async function isAlive(pid: number): Promise<boolean> {
  return (await operatingSystem.startTime(pid)) !== undefined
}

/** Ids of processes that work in the folder, or whose arguments name it. */
export function processesIn(folder: string): string[] {
  return readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid && belongs(pid, folder))
}

function belongs(pid: string, folder: string): boolean {
  try {
    if (readlinkSync(`/proc/${pid}/cwd`).startsWith(folder)) return true
    return readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(folder)
  } catch {
    return false // It has ended.
  }
}

export function endAll(pids: readonly string[]): void {
  for (const pid of pids) {
    try {
      process.kill(Number(pid), "SIGKILL")
    } catch {
      // It has ended meanwhile.
    }
  }
}
