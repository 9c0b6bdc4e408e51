// The completion script for fish, 3.0 and later.
import type { Values } from "../options.ts"
import type { Grammar, Option } from "./grammar.ts"

export function fishScript({ options, commands }: Grammar): string {
  const lines = [
    ...options.map((option) => optionLine("__meanwhile_at", option)),
    ...commands.map(({ name, does }) => wordLine("__meanwhile_first", [name], does)),
    ...commands.flatMap(({ name, options, actions }) => [
      ...options.map((option) => optionLine(`__meanwhile_at ${name}`, option)),
      ...actions.map((action) => wordLine(`__meanwhile_at ${name}`, [action.name], action.does)),
      ...actions.flatMap((action) => [
        ...action.options.map((option) => optionLine(`__meanwhile_at ${name} ${action.name}`, option)),
        ...(action.words ? [wordLine(`__meanwhile_at ${name} ${action.name}`, action.words, "")] : []),
      ]),
    ]),
  ]
  return `# Completions of meanwhile for fish. Made by: meanwhile completion fish
# In ~/.config/fish/config.fish: meanwhile completion fish | source

# Offers what the program lists: tasks, running, sessions, agents, models.
function __meanwhile_list
    set -l words (commandline -opc)
    set -l program (string replace -r '^~/' "$HOME/" -- $words[1])
    $program completion --list $argv[1] 2>/dev/null
end

function __meanwhile_first
    test (count (commandline -opc)) -eq 1
end

# Whether this is the place behind that command (none: a session's options) and that action (none: not yet named).
function __meanwhile_at
    set -l words (commandline -opc)
    set -l command
    set -l action
    contains -- "$words[2]" ${commands.map(({ name }) => name).join(" ")}; and set command $words[2]
    if set -q command[1]
        for word in $words[3..-1]
            string match -q -- '-*' $word; and continue
            set action $word
            break
        end
    end
    test "$command" = "$argv[1]" -a "$action" = "$argv[2]"
end

complete -c meanwhile -f
complete -c mw -w meanwhile
${lines.join("\n")}
`
}

function optionLine(condition: string, { name, short, does, takesValue, values = [] }: Option): string {
  const parts = [
    `complete -c meanwhile -n ${quoted(condition)} -l ${name.slice(2)}`,
    ...(short ? [`-s ${short.slice(1)}`] : []),
    ...(takesValue ? [takes(values)] : []),
    ...(does ? [`-d ${quoted(does)}`] : []),
  ]
  return parts.join(" ")
}

function takes(values: Values): string {
  return values === "files" || values === "folders" ? `-r ${offered(values)}` : `-x ${offered(values)}`
}

function wordLine(condition: string, words: Values, does: string): string {
  // The program lists in its own order: live ones first, the newest first.
  const keep = typeof words === "string" && words !== "files" && words !== "folders" ? " -k" : ""
  return `complete -c meanwhile -n ${quoted(condition)}${keep} ${offered(words)}${does ? ` -d ${quoted(does)}` : ""}`
}

function offered(values: Values): string {
  if (values === "files") return "-F"
  if (values === "folders") return '-a "(__fish_complete_directories)"'
  if (typeof values === "string") return `-a "(__meanwhile_list ${values})"`
  return values.length > 0 ? `-a ${quoted(values.join(" "))}` : ""
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`
}
