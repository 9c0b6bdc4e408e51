// Which paths a rule such as `Edit(src/**)` means. A link must not lead around a rule: what is allowed must be so by
// its name and by where it leads, what is forbidden is so by either.
import { basename, join } from "node:path"
import { realPathOf, resolveFilePath } from "../base/file-path.ts"
import { compileGlob, escapeGlob, type Glob, hasGlob } from "../base/glob.ts"
import type { Rule } from "./rules.ts"

export interface Place {
  /** Absolute path of the working folder. */
  cwd: string
  /** Absolute path that `~` means. */
  home: string
}

/** Tools that a rule with a path is about, by the tool that it names. */
const FAMILIES: Readonly<Record<string, readonly string[]>> = {
  Read: ["Read", "Glob", "Grep"],
  Edit: ["Edit", "Write"],
}

export function isAboutPathsOf(rule: Rule, tool: string): boolean {
  return rule.spec.type === "path" && (FAMILIES[rule.tool] ?? [rule.tool]).includes(tool)
}

/** Whether the pattern allows a path, which is read as tools read it. */
export function allowsPath(pattern: string, given: string, { cwd, home }: Place): boolean {
  const path = resolveFilePath(given, { cwd, home })
  const byName = globs(pattern, { cwd, home, purpose: "allow" })
  const byPlace = globs(pattern, { cwd: realPathOf(cwd), home: realPathOf(home), purpose: "allow" })
  return byName.some((glob) => glob.matches(path)) && byPlace.some((glob) => glob.matches(realPathOf(path)))
}

/** A test for absolute paths: whether a rule forbids the tool to touch them. Links are not followed by it. */
export function forbiddenPaths(rules: readonly Rule[], tool: string, { cwd, home }: Place): (path: string) => boolean {
  const places = [...new Set([cwd, realPathOf(cwd)])]
  const all = rules
    .filter((rule) => isAboutPathsOf(rule, tool))
    .flatMap(({ spec }) =>
      spec.type === "path" ? places.flatMap((place) => globs(spec.pattern, { cwd: place, home, purpose: "deny" })) : [],
    )
  return (path) => all.some((glob) => glob.matches(path))
}

/** Whether the rules forbid the tool a path as somebody wrote it, by its name or by where it leads. */
export function forbidsPath(isForbidden: (path: string) => boolean, given: string, place: Place): boolean {
  const path = resolveFilePath(given, place)
  return isForbidden(path) || isForbidden(realPathOf(path))
}

type Purpose = "allow" | "deny"

/**
 * The pattern as globs over absolute paths. `//x` is absolute, `~/x` in the home folder; `/x`, `./x` and `a/b` are in the
 * working folder; a bare name is meant at any depth below it (as in a .gitignore). `/x` is easily mistaken for an
 * absolute path: a rule that forbids holds for both readings.
 */
function globs(pattern: string, { cwd, home, purpose }: Place & { purpose: Purpose }): Glob[] {
  const options = {
    case: purpose === "deny" ? "ignore" : "exact",
    folders: purpose === "deny" || !hasGlob(basename(pattern)) ? "contents" : "itself",
  } as const
  const trimmed = pattern.replace(/(?<=.)\/+$/, "")
  return absolutePatterns(trimmed, { cwd, home, purpose }).map((absolute) => compileGlob(absolute, options))
}

function absolutePatterns(pattern: string, { cwd, home, purpose }: Place & { purpose: Purpose }): string[] {
  const here = escapeGlob(cwd.replace(/\/$/, ""))
  if (pattern.startsWith("//")) return [pattern.slice(1)]
  if (pattern === "~" || pattern.startsWith("~/")) return [escapeGlob(home) + pattern.slice(1)]
  if (pattern.startsWith("/")) return purpose === "deny" ? [here + pattern, pattern] : [here + pattern]
  if (/^\.\.?(\/|$)/.test(pattern)) return [join(here, pattern)]
  const isAnywhere = !pattern.includes("/") || pattern.startsWith("**/")
  if (!isAnywhere) return [`${here}/${pattern}`]
  const deep = pattern.startsWith("**/") ? pattern : `**/${pattern}`
  return purpose === "deny" ? [`/${deep}`] : [`${here}/${deep}`]
}
