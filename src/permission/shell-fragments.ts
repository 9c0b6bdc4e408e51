// For rules that forbid: every command that may run as part of a shell command, also of one that cannot be read with
// certainty. Errs on the side of finding too many.
import { readShell } from "./shell-words.ts"

/** Programs that run what their arguments say. Any of the words after them may be the command. */
const WRAPPERS: ReadonlySet<string> = new Set(
  "sudo doas env nohup exec command builtin time nice ionice timeout stdbuf setsid xargs parallel watch find fd busybox eval source . sh bash zsh dash ksh fish ssh su chroot unshare strace script flock caffeinate if then elif else while until do ! { for case coproc".split(
    " ",
  ),
)

/** How deep commands within arguments are looked for; each level only takes quotes off. */
const MAX_DEPTH = 4

/** Each command as its words, the program's name without a folder. The same command may be there more than once. */
export function possibleCommands(command: string): string[][] {
  return fragments(command, MAX_DEPTH).map(([name = "", ...args]) => [name.slice(name.lastIndexOf("/") + 1), ...args])
}

function fragments(command: string, depth: number): string[][] {
  const reading = readShell(command)
  const known =
    reading.type === "commands" ? reading.commands.map((words) => words.map(({ text }) => text)) : loosely(command)
  return known.flatMap((words) => unwrapped(words, depth))
}

/** Cuts at everything that could separate commands, whatever the quotes say. */
function loosely(command: string): string[][] {
  return command
    .replace(/\\\n|\$(?=["'])/g, "")
    .replace(/\$\{?IFS\b\}?/g, " ")
    .split(/[;&|\n(){}`<>\r\0]+/)
    .map((part) =>
      part
        .replace(/["'\\]/g, "")
        .split(/[ \t,]+/)
        .filter(Boolean),
    )
    .filter((words) => words.length > 0)
}

function unwrapped(words: string[], depth: number): string[][] {
  const rest = withoutAssignments(words)
  const [name = ""] = rest
  if (!WRAPPERS.has(name.slice(name.lastIndexOf("/") + 1))) return [rest]
  const after = rest.slice(1).map((_, index) => rest.slice(index + 1))
  const inner = depth > 0 ? rest.slice(1).flatMap((word) => (/\s/.test(word) ? fragments(word, depth - 1) : [])) : []
  return [rest, ...after, ...inner]
}

function withoutAssignments(words: string[]): string[] {
  const first = words.findIndex((word) => !/^[A-Za-z_]\w*\+?=/.test(word))
  return first < 0 ? [] : words.slice(first)
}
