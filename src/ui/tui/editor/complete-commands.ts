// Completion of `/` commands: at the beginning of the prompt, while the name is typed. After the name their arguments
// are shown as a hint, and nothing is completed.
import type { CompletionItem, CompletionSource } from "./completion.ts"
import type { Text } from "./text.ts"

export interface Command {
  /** Without the slash. */
  name: string
  description: string
  /** `<name>` is needed, `[name]` may be left out. */
  argumentHint?: string
}

const MOST = 100

export function completeCommands(commands: () => readonly Command[]): CompletionSource {
  return {
    offer: ({ lines, line, col }) => {
      const typed = /^\/(\S*)$/.exec(lines[line]!.slice(0, col))?.[1]
      if (line !== 0 || typed === undefined || /^\S/.test(lines[line]!.slice(col))) return undefined
      return { from: 0, items: ranked(commands(), typed.toLowerCase()).slice(0, MOST) }
    },
  }
}

/** The arguments of a command whose name stands there and nothing else. */
export function argumentHint(commands: readonly Command[], { lines, line, col }: Text): string | undefined {
  if (lines.length > 1 || line !== 0 || col !== lines[0]!.length) return undefined
  const name = /^\/(\S+) $/.exec(lines[0]!)?.[1]
  return commands.find((command) => command.name === name)?.argumentHint
}

/** Beginnings first, then beginnings of a part of the name, then names that have the letters in their order. */
function ranked(commands: readonly Command[], typed: string): CompletionItem[] {
  const rank = ({ name }: Command): number => {
    const lower = name.toLowerCase()
    if (lower === typed) return 0
    if (lower.startsWith(typed)) return 1
    if (lower.split(/[-:_/]/).some((part) => part.startsWith(typed))) return 2
    return hasInOrder(lower, typed) ? 3 : 4
  }
  return commands
    .map((command) => ({ command, rank: rank(command) }))
    .filter((one) => one.rank < 4)
    .sort((a, b) => a.rank - b.rank || (a.command.name < b.command.name ? -1 : 1))
    .map(({ command, rank }) => itemOf(command, rank === 0))
}

function itemOf({ name, description, argumentHint: hint }: Command, isComplete: boolean): CompletionItem {
  const needsMore = hint?.trimStart().startsWith("<") ?? false
  const item = { insert: `/${name} `, label: `/${name}`, detail: description, sends: isComplete || !needsMore }
  return hint === undefined ? item : { ...item, hint }
}

function hasInOrder(text: string, letters: string): boolean {
  let at = 0
  for (const letter of letters) {
    at = text.indexOf(letter, at) + 1
    if (at === 0) return false
  }
  return true
}
