// How the program starts itself (a host without a terminal, a helper process): the same program, whether it runs from
// the sources or as the single executable, with the same flags and the same clean environment as bin/meanwhile.
import { join } from "node:path"

/**
 * Nothing in the current folder may change what runs: no `.env`, no installing of missing packages, no `bunfig.toml`
 * (its `preload` runs code) and no `tsconfig.json` (its `paths` redirect our own imports, even relative ones, although
 * the sources have a tsconfig of their own).
 */
export const bunFlags: readonly string[] = [
  "--no-env-file",
  "--no-install",
  "--config=/dev/null",
  "--tsconfig-override=/dev/null",
]

/** Variables that make Bun run or do something else than the program. Source: Bun 1.4.5, its documentation and binary. */
export const unsetVariables: readonly string[] = [
  // More flags (--preload); be Bun instead of the program.
  "BUN_OPTIONS",
  "BUN_BE_BUN",
  // A debugger's port, and code that is loaded for it.
  "BUN_INSPECT",
  "BUN_INSPECT_CONNECT_TO",
  "BUN_INSPECT_NOTIFY",
  "BUN_INSPECT_PRELOAD",
  // Compiled code from, no compiling at all, or profiles written to, a place that somebody else chose.
  "BUN_RUNTIME_TRANSPILER_CACHE_PATH",
  "BUN_DISABLE_TRANSPILER",
  "BUN_BYTECODE_ORDER_OUT",
  "BUN_BYTECODE_ORDER_NAMES_OUT",
  // Kills every descendant at the end: background work must outlive us.
  "BUN_FEATURE_FLAG_NO_ORPHANS",
  // Prints requests with their keys.
  "BUN_CONFIG_VERBOSE_FETCH",
  // Sends crash reports.
  "BUN_CRASH_REPORT_URL",
  // The channel of a Node parent, which is not ours to read or to keep open.
  "NODE_CHANNEL_FD",
  "NODE_CHANNEL_SERIALIZATION_MODE",
  "NODE_UNIQUE_ID",
]

/** Set to these values, always. */
export const setVariables: Readonly<Record<string, string>> = { BUN_ENABLE_CRASH_REPORTING: "0" }

/** Set to these values unless the user did. Bun's own limit is 256 requests at a time, too few for a large tree. */
export const defaultVariables: Readonly<Record<string, string>> = { BUN_CONFIG_MAX_HTTP_REQUESTS: "2048" }

/**
 * Set by the launcher for the terminal interface, unless the user did. Without the second of JavaScriptCore's three
 * compilers, and so without the third: what an interface does all day is no faster for them, and they take 25 MB. A
 * thousand agents are, so other programs keep them (docs/decisions/0001).
 */
export const interfaceVariables: Readonly<Record<string, string>> = { BUN_JSC_useDFGJIT: "0" }

export interface SelfCommand {
  /** Absolute path of the binary to start. */
  command: string
  args: string[]
  /** The whole environment of the new process. */
  env: Record<string, string>
}

type Environment = Readonly<Record<string, string | undefined>>

/** The command that runs this program with `args`, such as `["host", sessionId]`. */
export function selfCommand(args: readonly string[], environment: Environment = process.env): SelfCommand {
  const env = cleanEnvironment(environment)
  if (Bun.isStandaloneExecutable) return { command: process.execPath, args: [...args], env }
  const main = join(import.meta.dir, "..", "main.ts")
  return { command: process.execPath, args: [...bunFlags, main, ...args], env }
}

/** Whether this is the single executable (and not Bun on the sources). */
export function isExecutable(): boolean {
  return Bun.isStandaloneExecutable
}

export function cleanEnvironment(environment: Environment): Record<string, string> {
  const env: Record<string, string> = {}
  for (const [name, value] of Object.entries({ ...defaultVariables, ...environment, ...setVariables }))
    if (value !== undefined && !unsetVariables.includes(name)) env[name] = value
  return env
}
