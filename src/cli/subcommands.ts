// `meanwhile tasks`, `sessions`, `agents`, `stats`, `doctor` and `host`: their actions, words and options.
import {
  type AgentsAction,
  type Command,
  type CommandName,
  type CompletionAction,
  completionLists,
  type SessionsAction,
  statsRanges,
  type TasksAction,
} from "./command.ts"
import { Options, refuseIfLater, Words } from "./given.ts"
import { actionsOf, commandActions, commandOptions } from "./options.ts"
import { tokenize, usage } from "./tokens.ts"

export function parseSubcommand(name: CommandName, argv: readonly string[]): Command {
  refuseIfLater(name)
  const tokens = tokenize(argv, commandOptions[name])
  const options = new Options(tokens)
  if (options.has("help")) return { type: "help", topic: name }
  if (options.has("version")) return { type: "version" }
  options.refuseLater(name)
  const words = new Words(name, tokens.positionals)
  switch (name) {
    case "tasks":
      return { type: name, action: tasksAction(words, options) }
    case "sessions":
      return { type: name, action: sessionsAction(words, options) }
    case "agents":
      return { type: name, action: agentsAction(words, options) }
    case "stats":
      words.end()
      return { type: name, json: options.has("json"), range: options.choice("range", statsRanges) ?? "30d" }
    case "completion":
      return { type: name, action: completionAction(words, options) }
    case "doctor":
      words.end()
      return { type: name }
    case "host":
      return hostOf(words, options)
    case "mcp":
      throw usage("meanwhile mcp is not available.")
    default:
      throw name satisfies never
  }
}

function hostOf(words: Words, options: Options): Command {
  const of = options.number("of", { least: 1, whole: true })
  if (of === undefined) return { type: "host", sessionId: words.last("SESSION") }
  words.end()
  return { type: "host", of }
}

function tasksAction(words: Words, options: Options): TasksAction {
  const type = words.action(actionsOf("tasks"))
  options.allow(`tasks ${type}`, commandActions.tasks[type].options)
  switch (type) {
    case "list":
      words.end()
      return { type, all: options.has("all"), json: options.has("json"), follow: options.has("follow") }
    case "show":
      return { type, id: words.last("ID"), json: options.has("json") }
    case "output":
      return { type, id: words.last("ID"), follow: options.has("follow") }
    default:
      return { type, ids: words.some("ID…") }
  }
}

function sessionsAction(words: Words, options: Options): SessionsAction {
  const type = words.action(actionsOf("sessions"))
  options.allow(`sessions ${type}`, commandActions.sessions[type].options)
  switch (type) {
    case "list":
      words.end()
      return { type, json: options.has("json") }
    case "rename":
      return { type, id: words.next("ID NAME"), name: words.last("ID NAME") }
    case "export":
      return { type, id: words.last("ID") }
    case "import":
      return { type, file: words.last("FILE"), asCopy: options.has("as-copy") }
    default:
      return { type, id: words.last("ID"), yes: options.has("yes") }
  }
}

function agentsAction(words: Words, options: Options): AgentsAction {
  const type = words.action(actionsOf("agents"))
  options.allow(`agents ${type}`, commandActions.agents[type].options)
  switch (type) {
    case "list":
      words.end()
      return { type, json: options.has("json") }
    case "show":
      return { type, name: words.last("NAME") }
    default:
      return { type, paths: words.rest() }
  }
}

function completionAction(words: Words, options: Options): CompletionAction {
  const list = options.choice("list", completionLists)
  if (list) {
    words.end()
    return { type: "list", list }
  }
  const shells = actionsOf("completion")
  if (words.isEmpty()) throw usage(`meanwhile completion needs your shell: ${shells.join(", ")}`)
  const shell = words.action(shells)
  words.end()
  return { type: "script", shell }
}
