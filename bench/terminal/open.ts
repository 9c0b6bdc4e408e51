// The built program in a pseudo-terminal, against the scripted model in a process of its own.
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { defaultVariables, interfaceVariables } from "../../src/runtime/self.ts"
import { openTerminal, type Terminal } from "../../testing/terminal.ts"
import { linesOf } from "../lines.ts"
import { type BenchContext, bun } from "../measure.ts"
import { SMALL, type Told } from "./story.ts"

export interface Bench extends AsyncDisposable {
  terminal: Terminal
  /** Where the program keeps its data. */
  data: string
  /** Resolves with the next thing that the model tells and that fits. */
  told<T extends Told["type"]>(
    type: T,
    fits?: (told: Extract<Told, { type: T }>) => boolean,
  ): Promise<Extract<Told, { type: T }>>
}

export interface Opening {
  args?: readonly string[]
  columns?: number
  rows?: number
  /** Called with the data folder before the program is started. */
  seed?(data: string, cwd: string): Promise<void>
}

export async function openBench({ executable, folder }: BenchContext, opening: Opening = {}): Promise<Bench> {
  const home = mkdtempSync(join(folder, "home-"))
  const cwd = join(home, "work")
  const data = join(home, "data")
  mkdirSync(cwd)
  writeFileSync(join(cwd, SMALL), "This is small.\n")
  const server = Bun.spawn([bun, join(import.meta.dir, "server.ts")], { stdio: ["pipe", "pipe", "inherit"] })
  const lines = linesOf<Told>(server.stdout)
  const ready = await lines.next((line) => line.type === "ready")
  await opening.seed?.(data, cwd)
  const env = {
    PATH: process.env.PATH ?? "",
    HOME: home,
    LANG: "C.UTF-8",
    MEANWHILE_HOME: data,
    MEANWHILE_MODEL: "anthropic/claude-sonnet-5-5",
    // As the launcher sets them.
    ...defaultVariables,
    ...interfaceVariables,
    ...(ready.type === "ready" ? ready.env : {}),
  }
  const { args = [], columns = 120, rows = 40 } = opening
  const command = [executable, "--permission-mode", "bypassPermissions", ...args]
  const terminal = await openTerminal({ cwd, home, env }, { command, columns, rows })
  return {
    terminal,
    data,
    told: async (type, fits = () => true) => {
      type Wanted = Extract<Told, { type: typeof type }>
      return (await lines.next((line) => line.type === type && fits(line as Wanted))) as Wanted
    },
    [Symbol.asyncDispose]: async () => {
      await terminal[Symbol.asyncDispose]()
      server.kill("SIGKILL")
      await server.exited
    },
  }
}

/** Memory of a process in MB, by a field of /proc/PID/status (proc(5)). */
export function memoryMb(pid: number, field: "VmRSS" | "VmHWM" = "VmRSS"): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8")
  return Number(new RegExp(`${field}:\\s*(\\d+)`).exec(status)?.[1] ?? 0) / 1024
}
