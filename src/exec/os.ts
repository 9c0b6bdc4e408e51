// What differs between Linux and macOS: who runs, since when, with which environment, and who writes to a file. Linux
// is asked through /proc, macOS through `ps` and `lsof`. A zombie is not alive and is never listed.
import { execFile } from "node:child_process"
import { readdirSync, readFileSync, readlinkSync } from "node:fs"
import { realpath } from "node:fs/promises"
import { RUN_MARK } from "./env.ts"

export interface Process {
  pid: number
  parent: number
  group: number
  /** 0 where the system does not tell (macOS). */
  session: number
  /** With the pid it names a process for ever: reuse of the pid and reboots give another value. Opaque. */
  started: string
}

export interface OperatingSystem {
  /** All live processes that we may see. */
  processes(): Promise<Process[]>
  /** Undefined when there is no live one. */
  process(pid: number): Promise<Process | undefined>
  /** When the process started; undefined when there is no live one. */
  startTime(pid: number): Promise<string | undefined>
  /** Those of the processes whose environment, as they were started with, has the run's mark. */
  marked(pids: readonly number[], mark: string): Promise<number[]>
  /** Those of the processes that hold the file open for writing. Who only reads it, such as `tail -f`, is no writer. */
  writers(pids: readonly number[], path: string): Promise<number[]>
}

/** Reading /proc is synchronous; this often, in milliseconds, the prompt gets its turn. */
const SLICE_MS = 3

const linux: OperatingSystem = {
  processes: async () => {
    const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name))
    return await inSlices(pids, (pid) => readStat(Number(pid)))
  },
  process: async (pid) => readStat(pid),
  startTime: async (pid) => readStat(pid)?.started,
  marked: async (pids, mark) => {
    const wanted = `\0${RUN_MARK}=${mark}\0`
    return await inSlices(pids, (pid) =>
      // As bytes: an environment is not always UTF-8.
      ifReadable(() => (`\0${readFileSync(`/proc/${pid}/environ`, "latin1")}`.includes(wanted) ? pid : undefined)),
    )
  },
  writers: async (pids, path) => {
    const real = await realpath(path).catch((error) => (isAbsence(error) ? path : Promise.reject(error)))
    const names = new Set([real, `${real} (deleted)`])
    return await inSlices(pids, (pid) =>
      ifReadable(() => (readdirSync(`/proc/${pid}/fd`).some((fd) => writesTo(pid, fd, names)) ? pid : undefined)),
    )
  },
}

const macos: OperatingSystem = {
  processes: async () => parsePs(await output("ps", ["-axo", PS_COLUMNS])),
  process: psOf,
  startTime: async (pid) => (await psOf(pid))?.started,
  marked: async (pids, mark) => {
    const found = new Set(parseMarked(await output("ps", ["-axEwwo", "pid=,command="]), mark))
    return pids.filter((pid) => found.has(pid))
  },
  writers: async (pids, path) => {
    const found = new Set(parseLsof(await output("lsof", ["-w", "-F", "pa", "--", path])))
    return pids.filter((pid) => found.has(pid))
  },
}

export const operatingSystem: OperatingSystem = process.platform === "darwin" ? macos : linux

async function psOf(pid: number): Promise<Process | undefined> {
  return parsePs(await output("ps", ["-o", PS_COLUMNS, "-p", String(pid)]))[0]
}

/** The columns that `parsePs` reads. */
const PS_COLUMNS = "pid=,ppid=,pgid=,state=,lstart="

/** Reads lines of `pid ppid pgid state lstart`, as macOS's ps writes them. */
export function parsePs(text: string): Process[] {
  const found: Process[] = []
  for (const line of text.split("\n")) {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\S.*?)\s*$/.exec(line)
    if (!match || match[4]!.startsWith("Z")) continue
    const [pid, parent, group] = [Number(match[1]), Number(match[2]), Number(match[3])]
    found.push({ pid, parent, group, session: 0, started: match[5]!.replace(/\s+/g, " ") })
  }
  return found
}

/** Reads lines of a pid, a command and its environment: those that have the mark. */
export function parseMarked(text: string, mark: string): number[] {
  return text
    .split("\n")
    .filter((line) => line.split(" ").includes(`${RUN_MARK}=${mark}`))
    .map((line) => Number.parseInt(line, 10))
}

/** Reads `lsof -F pa`: a line `p<pid>`, then for each of its descriptors `f<fd>` and `a<r, w or u>`. */
export function parseLsof(text: string): number[] {
  const found = new Set<number>()
  let pid = 0
  for (const line of text.split("\n")) {
    if (line.startsWith("p")) pid = Number(line.slice(1))
    if (line === "aw" || line === "au") found.add(pid)
  }
  return [...found]
}

/** /proc/PID/stat, see proc(5): pid (name) state ppid pgrp session … with the start time, in ticks since boot, as field 22. */
function readStat(pid: number): Process | undefined {
  return ifReadable(() => {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1")
    // The name may hold blanks and brackets: only what follows the last one is in columns, from field 3 on.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    const [state, parent, group, session] = fields
    if (state === "Z" || state === "X") return undefined
    const started = `${bootId()}:${fields[19]}`
    return { pid, parent: Number(parent), group: Number(group), session: Number(session), started }
  })
}

let knownBootId: string | undefined
function bootId(): string {
  knownBootId ??= readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim()
  return knownBootId
}

function writesTo(pid: number, fd: string, names: ReadonlySet<string>): boolean {
  const writes = ifReadable(() => {
    if (!names.has(readlinkSync(`/proc/${pid}/fd/${fd}`))) return false
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, "latin1"))?.[1] ?? "0"
    // O_ACCMODE, the lowest two bits: 0 is read only.
    return (Number.parseInt(flags, 8) & 3) !== 0
  })
  return writes ?? false
}

async function inSlices<T, R>(items: readonly T[], look: (item: T) => R | undefined): Promise<R[]> {
  const found: R[] = []
  let since = performance.now()
  for (const item of items) {
    const result = look(item)
    if (result !== undefined) found.push(result)
    if (performance.now() - since < SLICE_MS) continue
    await new Promise((resolve) => setImmediate(resolve))
    since = performance.now()
  }
  return found
}

/** Processes end while one looks at them, and those of others may not be looked into: both are as if not there. */
function ifReadable<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (isAbsence(error)) return undefined
    throw error
  }
}

function isAbsence(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined
  return code === "ENOENT" || code === "ESRCH" || code === "EACCES" || code === "EPERM" || code === "ENOTDIR"
}

/** What a system program prints, the same in every language and time zone. `ps` and `lsof` exit with 1 for "none". */
function output(program: string, args: string[]): Promise<string> {
  const env = { PATH: "/usr/bin:/bin:/usr/sbin:/sbin", LC_ALL: "C", TZ: "UTC" }
  return new Promise((resolve, reject) => {
    execFile(program, args, { env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout) => {
      if (error && error.code !== 1) return reject(error)
      return resolve(stdout)
    })
  })
}
