// Runs the real program as a user's script would: `bin/meanwhile` in a folder, with a home of its own, against a
// scripted model server. Everything it started is ended when it is disposed. Each headless stream is held against
// docs/stream.schema.json: a line that is not as it must be fails the test.
import { mkdirSync } from "node:fs"
import { join, resolve } from "node:path"
import { Sqlite, sqliteCode } from "../src/runtime/sqlite.ts"
import { endAll, eventually, processesIn, temporaryFolder } from "./harness.ts"
import type { ModelServer } from "./model-server.ts"
import { StreamCheck } from "./stream-check.ts"

// biome-ignore lint/suspicious/noExplicitAny: lines are looked into by tests, which fail when a field is not there.
export type StreamLine = { type: string; subtype?: string } & Record<string, any>

export interface Finished {
  exit: number
  stdout: string
  stderr: string
  /** The stream's lines, when standard output is one. */
  lines: StreamLine[]
}

export interface Running {
  readonly pid: number
  readonly finished: Promise<Finished>
  /** Resolves with the first line of the stream, past or to come, that fits. */
  line(fits: (line: StreamLine) => boolean): Promise<StreamLine>
  /** To its standard input, which `stdin: "open"` keeps open until `end`. */
  write(text: string): void
  end(): void
  /** The stream so far. */
  seen(): StreamLine[]
  kill(signal: NodeJS.Signals): void
}

export interface Workbench extends AsyncDisposable {
  /** The folder that the program works in. */
  readonly cwd: string
  readonly home: string
  /** The environment that programs are started in. */
  readonly env: Readonly<Record<string, string>>
  start(args: readonly string[], options?: StartOptions): Running
  run(args: readonly string[], options?: StartOptions): Promise<Finished>
  /** Resolves when the query finds a row in the program's database. */
  stored(sql: string): Promise<void>
}

export interface StartOptions {
  env?: Record<string, string>
  /** What its standard input holds; "open": what `write` gives it. */
  stdin?: string
  cwd?: string
  /** What is started instead of the program as users have it. */
  program?: readonly string[]
}

/** What is tested: the launcher, or the executable that is given. */
export const PROGRAM = process.env.MEANWHILE_TEST_PROGRAM ?? resolve(import.meta.dir, "../bin/meanwhile")

/** `server`: the model is its protocol's provider; without one there is no key, and the model is the scout. */
export function workbench(server?: ModelServer, protocol: "anthropic" | "openai" = "anthropic"): Workbench {
  const folder = temporaryFolder()
  const cwd = join(folder.path, "work")
  const home = join(folder.path, "home")
  mkdirSync(cwd)
  const children = new Set<Bun.Subprocess>()
  const checks = new Set<StreamCheck>()
  const base: Record<string, string> = {
    PATH: process.env.PATH ?? "",
    HOME: folder.path,
    LANG: "C.UTF-8",
    MEANWHILE_HOME: home,
    ...(server ? { ...server.env(protocol), MEANWHILE_MODEL: MODELS[protocol] } : {}),
  }

  const start = (args: readonly string[], options: StartOptions = {}): Running => {
    const child = Bun.spawn([...(options.program ?? [PROGRAM]), ...args], {
      cwd: options.cwd ?? cwd,
      env: { ...base, ...options.env },
      stdin: options.stdin === undefined ? "ignore" : "pipe",
      stdout: "pipe",
      stderr: "pipe",
    })
    children.add(child)
    const stdin = child.stdin
    if (options.stdin !== undefined && options.stdin !== "open" && stdin) {
      stdin.write(options.stdin)
      stdin.end()
    }
    const check = isStream(args) ? new StreamCheck() : undefined
    if (check) checks.add(check)
    const stream = follow(child.stdout, (line) => check?.add(line))
    const stderr = new Response(child.stderr).text()
    const finished = (async () => {
      const exit = await child.exited
      const stdout = await stream.text
      children.delete(child)
      check?.verify()
      return { exit, stdout, stderr: await stderr, lines: stream.lines }
    })()
    return {
      pid: child.pid,
      finished,
      line: stream.line,
      seen: () => [...stream.lines],
      write: (text) => {
        stdin?.write(text)
        stdin?.flush()
      },
      end: () => void stdin?.end(),
      kill: (signal) => child.kill(signal),
    }
  }

  return {
    cwd,
    home,
    env: base,
    start,
    run: (args, options) => start(args, options).finished,
    stored: (sql) =>
      eventually(`a row for ${sql}`, () => {
        let db: Sqlite | undefined
        try {
          db = new Sqlite(join(home, "meanwhile.db"), { readonly: true })
          return db.one(sql) !== undefined
        } catch (error) {
          // It is being made, or its log taken over from a process that died.
          if (/^SQLITE_(BUSY|CANTOPEN)/.test(sqliteCode(error) ?? "") || /no such table/.test(String(error)))
            return false
          throw error
        } finally {
          db?.close()
        }
      }),
    [Symbol.asyncDispose]: async () => {
      for (const child of children) child.kill("SIGKILL")
      await Promise.all([...children].map((child) => child.exited))
      // Commands outlive the program, and would wait for ever in a folder that is gone.
      endAll(processesIn(folder.path))
      folder[Symbol.dispose]()
      for (const check of checks) check.verify()
    },
  }
}

/** Whether its standard output is headless lines: those of a stream, or the one result object. */
function isStream(args: readonly string[]): boolean {
  return args.some((arg, i) => arg === "--output-format" && args[i + 1] === "stream-json")
}

const MODELS = { anthropic: "anthropic/claude-sonnet-5-5", openai: "openai/gpt-6-sol" }

function follow(output: ReadableStream<Uint8Array>, seen: (line: StreamLine) => void) {
  const lines: StreamLine[] = []
  const waiting = new Set<() => void>()
  const text = (async () => {
    let all = ""
    let rest = ""
    const decoder = new TextDecoder()
    for await (const chunk of output) {
      const piece = decoder.decode(chunk, { stream: true })
      all += piece
      const parts = (rest + piece).split("\n")
      rest = parts.pop() ?? ""
      for (const part of parts) {
        if (!part.startsWith("{")) continue
        const line = JSON.parse(part) as StreamLine
        lines.push(line)
        seen(line)
      }
      for (const look of [...waiting]) look()
    }
    for (const look of [...waiting]) look()
    return all
  })()
  const line = (fits: (line: StreamLine) => boolean): Promise<StreamLine> => {
    const { promise, resolve: found, reject } = Promise.withResolvers<StreamLine>()
    const look = () => {
      const match = lines.find(fits)
      if (!match) return
      waiting.delete(look)
      found(match)
    }
    waiting.add(look)
    look()
    text.then(() => {
      if (waiting.delete(look))
        reject(new Error(`no such line in:\n${lines.map((seen) => JSON.stringify(seen)).join("\n")}`))
    })
    return promise
  }
  return { lines, text, line }
}
