// Git in a repository that may be a stranger's: nothing that its configuration names is run, nobody is asked, nothing is
// fetched, and nothing of the user's is locked. Why each setting: docs/decisions/0013-instructions.md.
import type { Env } from "../base/paths.ts"

/** Settings for one call: key and value. */
export type GitConfig = readonly (readonly [string, string])[]

/** Everything by which the commands that we use could start a program, switched off. */
export const SAFE_SETTINGS: readonly string[] = [
  "core.fsmonitor=false",
  "core.hooksPath=/dev/null",
  "core.sshCommand=false",
  "diff.external=",
  "gpg.program=false",
  "protocol.allow=never",
  "safe.bareRepository=explicit",
  "maintenance.auto=false",
  "gc.auto=0",
]

/** Options that stand before git's command. */
export function gitOptions(settings: readonly string[]): string[] {
  return ["--no-pager", ...settings.flatMap((setting) => ["-c", setting])]
}

/** A new environment: nobody's GIT_* variables, which could name another repository, index or program. */
export function gitEnvironment(env: Env, config: GitConfig): Record<string, string> {
  const settings = config.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ])
  return {
    PATH: env.PATH || "/usr/bin:/bin",
    HOME: env.HOME || "/nonexistent",
    ...(env.XDG_CONFIG_HOME ? { XDG_CONFIG_HOME: env.XDG_CONFIG_HOME } : {}),
    LC_ALL: "C.UTF-8",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_TERMINAL_PROMPT: "0",
    GIT_ALLOW_PROTOCOL: "none",
    GIT_NO_LAZY_FETCH: "1",
    GIT_CONFIG_COUNT: String(config.length),
    ...Object.fromEntries(settings),
  }
}

/** Names the settings of filters; runs nothing. Exit 1: there are none. */
export const LIST_FILTERS: readonly string[] = ["config", "--null", "--name-only", "--get-regexp", "^filter\\."]

/** Filters that can be switched off; a configuration with more is not one of a person. */
const MOST_FILTERS = 50

/**
 * Comparing a file with the index runs the clean filter that its attributes name, and a repository can bring both. So
 * each filter that LIST_FILTERS named is switched off; undefined when that can't be done, or is not known: then no file
 * may be compared.
 */
export function filtersOff({ code, out }: { code: number | null; out: Buffer }): GitConfig | undefined {
  if (code !== 0 && code !== 1) return undefined
  const keys = out.toString("utf8").split("\0")
  const names = new Set(keys.flatMap((key) => /^filter\.(.+)\.[^.]+$/s.exec(key)?.[1] ?? []))
  if (names.size > MOST_FILTERS || [...names].some((name) => name.includes("\ufffd"))) return undefined
  return [...names].flatMap((name) => [
    [`filter.${name}.clean`, ""] as const,
    [`filter.${name}.smudge`, ""] as const,
    [`filter.${name}.process`, ""] as const,
    [`filter.${name}.required`, "false"] as const,
  ])
}
