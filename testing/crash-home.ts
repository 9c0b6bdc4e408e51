// A home folder in which processes die: starting the program there, looking at what it left, being somebody else there.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { systemClock } from "../src/base/clock.ts"
import { randomIds } from "../src/base/ids.ts"
import { bunFlags } from "../src/runtime/self.ts"
import { openStore } from "../src/store/open.ts"
import { withDatabase } from "./crash-state.ts"
import { endAll, processesIn, temporaryFolder } from "./harness.ts"
import type { ModelServer } from "./model-server.ts"

const MAIN = resolve(import.meta.dir, "crash-main.ts")
/** A whole story takes a second or two; whoever takes this long waits for something that does not come. */
const LIMIT_MS = 40_000

export interface CrashHome extends Disposable {
  readonly cwd: string
  readonly home: string
  readonly folder: string
  /** What went wrong so far. */
  readonly problems: string[]
  /** The program, until its end; it dies as the options say. */
  run(args: string[], death?: Dying): Promise<{ exit: number; said: string }>
}

export interface Dying {
  /** A file that gets a line for each crash point. */
  log?: string
  at?: number | undefined
  by?: "kill" | "throw"
  /** SIGKILL from outside after so many milliseconds. */
  afterMs?: number
  /** Standard input, which ends when a result has been said. */
  line?: string
}

/** `settings`: its settings.json. */
/** Homes in which something may run now. */
const inUse = new Set<string>()

/** Ends all that was started here, and what that has started, and removes its folders: for who gives up in the middle. */
export async function abandonAll(): Promise<void> {
  isAbandoned = true
  const folders = [...inUse]
  // What is being started just now is found by another look.
  for (const folder of [...folders, ...folders]) await left(folder, { waitMs: 0 })
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
}

let isAbandoned = false

export function crashHome(server: ModelServer, settings: object = {}): CrashHome {
  const folder = temporaryFolder()
  const [cwd, home] = [join(folder.path, "work"), join(folder.path, "home")]
  mkdirSync(cwd)
  mkdirSync(home)
  writeFileSync(join(home, "settings.json"), JSON.stringify(settings))
  const problems: string[] = []
  inUse.add(folder.path)
  const env = {
    PATH: process.env.PATH ?? "",
    HOME: folder.path,
    LANG: "C.UTF-8",
    MEANWHILE_HOME: home,
    MEANWHILE_MODEL: "anthropic/claude-sonnet-5-5",
    ...server.env("anthropic"),
  }
  const run: CrashHome["run"] = async (args, { log, at, by = "kill", afterMs, line } = {}) => {
    const crash = { MEANWHILE_CRASH_LOG: log, MEANWHILE_CRASH_AT: at?.toString(), MEANWHILE_CRASH_BY: by }
    // Who gives up wants nothing to begin any more.
    if (isAbandoned) return new Promise(() => {})
    const child = Bun.spawn([process.execPath, ...bunFlags, MAIN, ...args], {
      cwd,
      env: { ...env, ...crash },
      stdio: [line === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    })
    if (line !== undefined) {
      child.stdin?.write(`${line}\n`)
      child.stdin?.flush()
    }
    const timer = setTimeout(() => {
      if (afterMs === undefined) problems.push(`${args[0]} did not end within ${LIMIT_MS / 1000} s`)
      child.kill("SIGKILL")
    }, afterMs ?? LIMIT_MS)
    const end = () => void child.stdin?.end()
    const [out, err] = await Promise.all([textOf(child.stdout, end), new Response(child.stderr).text()])
    const exit = await child.exited
    clearTimeout(timer)
    return { exit, said: `${out}${err}`.trim().slice(-600) }
  }
  return {
    cwd,
    home,
    folder: folder.path,
    problems,
    run,
    [Symbol.dispose]: () => {
      inUse.delete(folder.path)
      folder[Symbol.dispose]()
    },
  }
}

/** All of it; `onResult` is called when a line of the stream says a result. */
async function textOf(stream: ReadableStream<Uint8Array>, onResult: () => void): Promise<string> {
  const decoder = new TextDecoder()
  let text = ""
  for await (const chunk of stream) {
    const before = text.length
    text += decoder.decode(chunk, { stream: true })
    if (text.indexOf('{"type":"result"', Math.max(0, before - 20)) >= 0) onResult()
  }
  return text
}

export interface Outside {
  tx: Parameters<Parameters<Awaited<ReturnType<typeof openStore>>["write"]>[0]>[0]
  clock: typeof systemClock
  ids: typeof randomIds
}

/** As a second program would: opens the database, writes a row, rings, and is gone. */
export async function outside(home: string, write: (it: Outside, rootId: string) => void): Promise<void> {
  const store = await openStore({ folder: home, clock: systemClock })
  try {
    const rootId = store.one<{ id: string }>("SELECT id FROM session WHERE parent_id IS NULL")!.id
    await store.writeDurably((tx) => write({ tx, clock: systemClock, ids: randomIds }, rootId))
  } finally {
    store.close()
  }
}

export function isAccepted(home: string, prompt: string): boolean {
  return (
    withDatabase(home, (db) => {
      const sql =
        "SELECT 1 FROM (SELECT content FROM inbox UNION ALL SELECT content FROM message) WHERE instr(content, :prompt) > 0"
      return db.one(sql, { prompt }) !== undefined
    }) ?? false
  )
}

export function rootsIn(home: string): string[] {
  return (
    withDatabase(home, (db) =>
      db.all<{ id: string }>("SELECT id FROM session WHERE parent_id IS NULL").map((row) => row.id),
    ) ?? []
  )
}

/** Effects that happened more than once. */
export function twice(effects: string): string[] {
  const lines = linesOf(effects)
  return lines.filter((line, i) => lines.indexOf(line) !== i).map((line) => `${line} ran twice`)
}

/** Processes that still work in the folder, or for it; each gets some seconds to end: a guard looks every five (exec/guard.ts). */
export async function left(folder: string, { waitMs = 8_000 } = {}): Promise<string[]> {
  const end = performance.now() + waitMs
  for (;;) {
    const found = processesIn(folder)
    if (found.length === 0) return []
    if (performance.now() < end) {
      await Bun.sleep(20)
      continue
    }
    endAll(found)
    return found.map((pid) => `process ${pid} was left`)
  }
}

export function linesOf(path: string): string[] {
  return existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1) : []
}
