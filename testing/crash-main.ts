// The program with crash points: src/main.ts, after commits and outside effects were wrapped from the outside. Each has
// a number, in the order in which they are reached. Nothing of this is in the program itself.
//
// MEANWHILE_CRASH_LOG: a file that gets a line for each point. MEANWHILE_CRASH_AT: the number at which it dies.
// MEANWHILE_CRASH_BY: `kill` (SIGKILL at that instruction) or `throw` (from that point on every commit and every effect
// fails, so that nothing more reaches the rows or the world while the code around it unwinds).
import { appendFileSync } from "node:fs"
import { Sqlite } from "../src/runtime/sqlite.ts"

const log = process.env.MEANWHILE_CRASH_LOG
const at = Number(process.env.MEANWHILE_CRASH_AT ?? Number.POSITIVE_INFINITY)
const by = process.env.MEANWHILE_CRASH_BY === "throw" ? "throw" : "kill"
for (const name of ["LOG", "AT", "BY"]) delete process.env[`MEANWHILE_CRASH_${name}`]
/** A process that is dead inside is ended for good after this time, whatever still waits in it. */
const UNWIND_MS = 400

const kill = process.kill.bind(process)
let reached = 0
let dead = false

function point(label: string): void {
  if (dead) throw new Error(`crashed before: ${label}`)
  reached++
  if (log) appendFileSync(log, `${reached} ${label}\n`)
  if (reached < at) return
  if (by === "kill") kill(process.pid, "SIGKILL")
  dead = true
  setTimeout(() => kill(process.pid, "SIGKILL"), UNWIND_MS)
  throw new Error(`crashed at ${reached}: ${label}`)
}

/** The statement that changes something first says best what a transaction is about. */
let about = ""
const { exec, run } = Sqlite.prototype
Sqlite.prototype.run = function (sql, params) {
  about ||= sql.trim().replace(/\s+/g, " ").slice(0, 60)
  return run.call(this, sql, params)
}
Sqlite.prototype.exec = function (sql) {
  if (sql === "BEGIN IMMEDIATE") {
    point("before a transaction")
    about = ""
  }
  exec.call(this, sql)
  if (sql === "COMMIT") point(`after the commit of: ${about}`)
}

const spawn = Bun.spawn
Object.assign(Bun, {
  spawn: (argv: string[], options: Parameters<typeof spawn>[1]) => {
    point("before starting a process")
    const child = spawn(argv, options)
    point("after starting a process")
    const { stdin } = child
    return typeof stdin === "object" ? spoken(child, { stdin: announced(stdin) }) : child
  },
})

/** The process with another standard input; everything else is its own. */
function spoken<T extends object>(child: T, own: { stdin: unknown }): T {
  return new Proxy(child, {
    get: (target, key) => {
      if (key === "stdin") return own.stdin
      const value = Reflect.get(target, key, target)
      return typeof value === "function" ? value.bind(target) : value
    },
  })
}

function announced(stdin: Bun.FileSink) {
  return {
    write: (text: string) => {
      point("before telling a process to go")
      return stdin.write(text)
    },
    flush: () => {
      const flushed = stdin.flush()
      point("after telling a process to go")
      return flushed
    },
    end: () => stdin.end(),
  }
}

process.kill = (pid, signal) => {
  if (signal === 0) return kill(pid, signal)
  point(`before signal ${signal}`)
  const done = kill(pid, signal)
  point(`after signal ${signal}`)
  return done
}

const send = globalThis.fetch
globalThis.fetch = Object.assign(
  async (...request: Parameters<typeof send>) => {
    point("before a request")
    const response = await send(...request)
    point("after a request was accepted")
    return response
  },
  { preconnect: send.preconnect },
)

await import("../src/main.ts")
