// The command line as completions need it: what can stand where. Made from the tables that parse it (src/cli/options.ts)
// and the help's words, so there is no second list to keep; what is not available yet is not offered.
import { commandNames } from "../command.ts"
import { described } from "../help.ts"
import {
  type ActionSpec,
  commandActions,
  commandOptions,
  isLater,
  type OptionSpec,
  type OptionSpecs,
  sessionOptions,
  type Values,
} from "../options.ts"

export interface Grammar {
  /** Without a command. */
  options: Option[]
  commands: Command[]
}

export interface Option {
  /** `--model` */
  name: string
  /** `-m` */
  short?: string
  does: string
  takesValue: boolean
  /** Of its value; undefined where only the person knows. */
  values?: Values
  multiple: boolean
}

export interface Command {
  name: string
  does: string
  /** As long as no action is named. */
  options: Option[]
  actions: Action[]
}

export interface Action {
  name: string
  does: string
  options: Option[]
  /** What its words are. */
  words?: Values
  /** It takes any number of them. */
  many: boolean
}

/** In every place. */
const EVERYWHERE = ["help"]

export function grammar(): Grammar {
  const commands = commandNames.filter((name) => name !== "host" && !isLater(name))
  return { options: optionsOf(sessionOptions), commands: commands.map(commandOf) }
}

function commandOf(name: keyof typeof commandOptions): Command {
  const specs: OptionSpecs = commandOptions[name]
  const table: Readonly<Record<string, ActionSpec>> =
    name in commandActions ? commandActions[name as keyof typeof commandActions] : {}
  const actions = Object.entries(table).filter(([action]) => !isLater(`${name} ${action}`))
  const only = (names: readonly string[]) => optionsOf(specs, [...names, ...EVERYWHERE], name)
  return {
    name,
    does: described(name) ?? "",
    options: actions.length > 0 ? only(actions[0]![1].options) : optionsOf(specs, undefined, name),
    actions: actions.map(([action, { options, words, many }]) => ({
      name: action,
      does: described(`${name} ${action}`) ?? described(name) ?? "",
      options: only(options),
      ...(words && { words }),
      many: many ?? false,
    })),
  }
}

function optionsOf(specs: OptionSpecs, only?: readonly string[], command?: string): Option[] {
  const typed = (name: string) => (command ? `${command} --${name}` : `--${name}`)
  return Object.entries(specs)
    .filter(([name, { hidden }]) => !hidden && !isLater(typed(name)) && (!only || only.includes(name)))
    .map(([name, spec]) => optionOf(name, spec, (value) => !isLater(`${typed(name)} ${value}`)))
}

function optionOf(name: string, spec: OptionSpec, isOffered: (value: string) => boolean): Option {
  const { values } = spec
  return {
    name: `--${name}`,
    does: spec.does ?? described(`--${name}`) ?? "",
    takesValue: spec.type === "string",
    multiple: spec.multiple ?? false,
    ...(spec.short && { short: `-${spec.short}` }),
    ...(values && { values: typeof values === "string" ? values : values.filter(isOffered) }),
  }
}
