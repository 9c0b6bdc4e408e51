// Keys and commands: those in force.
import type { Command } from "../commands/command.ts"
import { shown } from "../hint.ts"
import { contexts, type KeyContext } from "../keys/actions.ts"
import type { Keys } from "../keys/keys.ts"
import { clip, type Line, pad } from "../line.ts"
import type { Theme } from "../theme.ts"

export const TITLES: Readonly<Record<KeyContext, string>> = {
  conversation: "Conversation",
  editor: "Prompt",
  tasks: "Tasks",
  inspector: "Task",
  memory: "Memory",
  approvals: "What needs you",
  resume: "Sessions",
  stats: "Usage",
  list: "Lists",
}

export function helpLines(
  { keys, commands, keybindings }: { keys: Keys; commands: readonly Command[]; keybindings: string },
  { width, theme }: { width: number; theme: Theme },
): Line[] {
  const title = (text: string) => ["", ` ${theme.bold(theme.accent(text))}`]
  const row = (left: string, right: string, mark = " ") => clip(`  ${mark}${pad(left, 26)} ${theme.dim(right)}`, width)
  const listed = contexts.flatMap((context) => [
    ...title(TITLES[context]),
    ...(context === "conversation" ? notes.map(([left, right]) => row(left, right)) : []),
    ...keys
      .list(context)
      .filter((one) => one.keys.length > 0)
      .map(({ keys: names, does, isOwn }) => row(names.map(shown).join("  "), does, isOwn ? theme.accent("*") : " ")),
  ])
  const lines = [
    ...title("Commands"),
    ...commands.map(({ name, hint, about }) => row(`/${name}${hint ? ` ${hint}` : ""}`, about)),
    ...listed,
    "",
    clip(theme.dim(`   Other keys: ${keybindings}, such as { "conversation.tasks": "ctrl+t" }`), width),
  ]
  return lines.map((text) => ({ text }))
}

/** What is no key of its own. */
const notes: readonly (readonly [string, string])[] = [
  ["enter", "sends now; what the turn waits for moves to the background"],
  ["tab, alt+enter", "queues until the turn is over; ↑ takes it back"],
  ["enter on an empty prompt", "answers what needs you"],
  ["! at the beginning", "a shell line"],
  ["@", "a file"],
  ["/", "a command"],
]
