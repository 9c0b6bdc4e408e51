// The built-in list of shell commands that only read. Each is on it with the options that are known to be harmless;
// whatever is not known here is not read-only.
import { resolve } from "node:path"
import { realPathOf } from "../base/file-path.ts"
import { type ArgsCheck, anything, isOption, mayBecomeOption, only } from "./read-only-args.ts"
import { isReadOnlyGit } from "./read-only-git.ts"
import { readShell, type ShellWord, type SimpleCommand } from "./shell-words.ts"

/** Whether each command in it is on the list. `cwd`: absolute path of the folder in which it would run. */
export function isReadOnlyCommand(command: string, { cwd }: { cwd: string }): boolean {
  const reading = readShell(command)
  if (reading.type === "unknown" || isSystemFolder(cwd)) return false
  const moves = reading.commands.some((words) => words[0]?.text === "cd")
  // Git runs what the configuration of the repository says, which is another one in another folder.
  if (moves && reading.commands.some((words) => words[0]?.text === "git")) return false
  if (moves && reading.commands.some((words) => words.some(({ text }) => /(^|\/)\.\.(\/|$)/.test(text)))) return false
  return reading.commands.every((words) => (words[0]?.text === "cd" ? isStepDown(words) : isReadOnly(words, { cwd })))
}

/** The same for one command that does not change the folder. */
export function isReadOnly([program, ...args]: SimpleCommand, { cwd }: { cwd: string }): boolean {
  if (!program || program.glob) return false
  const check = Object.hasOwn(CHECKS, program.text) ? CHECKS[program.text] : undefined
  if (args.some((word) => reachesSystem(word, cwd))) return false
  if (VERSIONED.has(program.text) && args.length === 1 && args[0]!.text === "--version") return true
  if (args.length === 1 && /^(node|npm) -v$|^python3? -V$/.test(`${program.text} ${args[0]!.text}`)) return true
  return check?.(args) ?? false
}

/** Only into a folder of the current one: what follows then stays inside. */
function isStepDown([, folder, ...more]: SimpleCommand): boolean {
  return folder !== undefined && more.length === 0 && !folder.glob && /^(?![-~/])[^\0]+$/.test(folder.text)
}

/**
 * `/proc` holds the environment of every process, with its keys; devices can block or act. The root folder contains
 * both, and wildcards may become either.
 */
function reachesSystem({ text, glob }: ShellWord, cwd: string): boolean {
  if (text === "/dev/null") return false
  const climbs = /(^|\/)\.\.(\/|$)/.test(text)
  if (climbs && (glob || text.startsWith("~"))) return true
  if (glob && /^\/[^/]*[*?[]/.test(text)) return true
  // An option, or the second half of `a=b`, may be a path as well.
  const attached = /^-|[=:@]/.test(text) && text.includes("/") ? [text.slice(text.indexOf("/"))] : []
  return [text, ...attached]
    .filter((path) => path.includes("/") || climbs)
    .some((path) => isSystemFolder(resolve(cwd, path)))
}

function isSystemFolder(path: string): boolean {
  return [path, realPathOf(path)].some((place) => /^\/(?:$|(?:proc|dev|sys)(?:\/|$))/.test(place))
}

const FIND =
  /^-(?:i?name|i?path|wholename|i?regex|regextype|x?type|maxdepth|mindepth|size|[mac]time|[mac]min|newer|newermt|[ac]newer|empty|not|a|and|o|or|print|print0|printf|ls|prune|follow|xdev|mount|depth|daystart|perm|user|group|uid|gid|links|inum|samefile|executable|readable|writable|true|false|nouser|nogroup|quit|[LHP]|\d+[a-zA-Z]?)$/

const RG =
  /^(?:-[^-z]*|--(?:ignore-case|smart-case|case-sensitive|word-regexp|line-regexp|(?:no-)?line-number|files|files-with(?:out)?-match(?:es)?|count|count-matches|hidden|no-ignore(?:-vcs)?|multiline|multiline-dotall|fixed-strings|only-matching|invert-match|(?:no-)?heading|(?:with|no)-filename|json|stats|no-messages|pcre2|type-list|follow|no-config|null|trim|vimgrep|version|text|unrestricted|type|type-not|glob|iglob|after-context|before-context|context|max-count|max-depth|sort|sortr|color|colors|max-columns|max-filesize|regexp|replace|path-separator|encoding)(?:=.*)?)$/s

const DIFF =
  /^(?:-[abBdEiNpqrstTuwyZ]+|-[uUC]\d+|-[xI].*|--(?:brief|recursive|unified|context|color|side-by-side|new-file|text|report-identical-files|strip-trailing-cr|ignore-[a-z-]+|exclude|suppress-common-lines|minimal|width|label)(?:=.*)?)$/

const TREE =
  /^(?:-[adfilpsughDFqNQrtcUvxACSnJXLIP]+|--(?:noreport|dirsfirst|filesfirst|gitignore|prune|du|si|filelimit|charset|sort|matchdirs|ignore-case)(?:=.*)?)$/

/** Source for the options: GNU coreutils 9, findutils 4.10, diffutils 3.10, ripgrep 15, tree 2, and the BSD manuals. */
const CHECKS: Readonly<Record<string, ArgsCheck>> = {
  ...Object.fromEntries(
    "ls cat head tail wc grep egrep fgrep stat du df cut tr echo pwd which basename dirname realpath readlink nl tac comm paste fold od md5sum sha1sum sha256sum cksum whoami uname nproc seq true false"
      .split(" ")
      .map((name) => [name, anything]),
  ),
  find: only(FIND),
  rg: only(RG),
  diff: only(DIFF),
  tree: only(TREE),
  file: only(/^(?:-[bihLkNnprv0]+|--(?:mime|mime-type|mime-encoding|brief|dereference))$/),
  sort: only(
    /^(?:-[bdfgiMhnrRVcCmsuz]+|-k[\d.,bdfgiMhnrRV]*|-t.?|--(?:reverse|unique|numeric-sort|human-numeric-sort|version-sort|ignore-case|stable|check))$/s,
  ),
  // A second operand of uniq is the file that it writes.
  uniq: only(/^(?:-[cdDiuz]+|-[fsw]\d+|--(?:count|repeated|unique|ignore-case))$/, { operands: 1 }),
  // An operand sets the clock unless it begins with a plus sign.
  date: (args) =>
    args.every(
      ({ text, glob }) =>
        !glob && /^(?:\+.*|-u|-R|-I\w*|--utc|--date=.*|--iso-8601(?:=\w+)?|--rfc-3339=\w+)$/s.test(text),
    ),
  // `env` and `$ENV` are the environment, and a program that is read from a file is not known.
  jq: (args) =>
    args.every((word) => !/\benv\b/i.test(word.text)) &&
    only(
      /^(?:-[rcnesjaSMCR]+|--(?:arg|argjson|slurp|raw-output|raw-input|compact-output|null-input|exit-status|tab|indent|sort-keys|join-output))$/,
    )(args),
  sed: ([option, script, ...files]) =>
    option?.text === "-n" &&
    /^(?:\d+|\$)?(?:,(?:\d+|\$))?p$/.test(script?.text ?? "") &&
    files.every((word) => !isOption(word) && !mayBecomeOption(word)),
  command: ([option, ...names]) => option?.text === "-v" && names.every((word) => /^\w[\w.-]*$/.test(word.text)),
  git: isReadOnlyGit,
}

/** Programs whose `--version` runs nothing that a file in the current folder names. */
const VERSIONED: ReadonlySet<string> = new Set(
  "node npm python python3 ruby java deno bun gcc g++ clang make cmake docker git jq bash curl tar".split(" "),
)
