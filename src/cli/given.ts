// What was given on the command line, read with the checks that each option or word needs. Every complaint is a usage
// error that says what would be right.
import { nearest } from "./nearest.ts"
import { isLater } from "./options.ts"
import { type Tokens, usage } from "./tokens.ts"

/** The options that were given, with the checks that their values need. */
export class Options {
  readonly #given: ReadonlyMap<string, string[]>
  constructor(tokens: Tokens) {
    this.#given = tokens.options
  }

  has(name: string): boolean {
    return this.#given.has(name)
  }

  all(name: string): string[] {
    return this.#given.get(name) ?? []
  }

  value(name: string): string | undefined {
    return this.#given.get(name)?.[0]
  }

  text(name: string): string | undefined {
    const value = this.value(name)
    if (value?.trim() === "") throw usage(`--${name} needs a value, but it is empty.`)
    return value
  }

  choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const value = this.value(name)
    if (value === undefined) return undefined
    const choice = choices.find((one) => one === value)
    if (!choice) throw usage(`--${name} is one of ${choices.join(", ")}, not "${value}".`)
    return choice
  }

  number(name: string, { least, whole, unit }: { least: number; whole?: true; unit?: string }): number | undefined {
    const value = this.value(name)
    if (value === undefined) return undefined
    const number = /^\d+(?:\.\d+)?$/.test(value) ? Number(value) : Number.NaN
    if (number >= least && Number.isFinite(number) && (!whole || Number.isSafeInteger(number))) return number
    const kind = whole ? "a whole number" : "a number"
    throw usage(`--${name} is ${kind}${unit ? ` of ${unit}` : ""}, at least ${least}, not "${value}".`)
  }

  allow(command: string, names: readonly string[]): void {
    const others = [...this.#given.keys()].filter((name) => !names.includes(name))
    this.refuse(others, `has no meaning for meanwhile ${command}`)
  }

  refuse(names: readonly string[], why: string): void {
    const given = names.find((name) => this.#given.has(name))
    if (given) throw usage(`--${given} ${why}.`)
  }

  /** Refuses what has no effect yet. `command`: whose options these are; none for those of a session. */
  refuseLater(command?: string): void {
    for (const [name, values] of this.#given)
      for (const typed of [`--${name}`, ...values.map((value) => `--${name} ${value}`)])
        refuseIfLater(command ? `${command} ${typed}` : typed)
  }
}

/** `typed` as in the list of what comes later (src/cli/options.ts). */
export function refuseIfLater(typed: string): void {
  if (isLater(typed)) throw usage(`${typed.startsWith("-") ? typed : `meanwhile ${typed}`} is not available yet.`)
}

/** The positionals of a subcommand, taken from the left. */
export class Words {
  readonly #name: string
  #said: string
  #left: string[]
  constructor(name: string, words: readonly string[]) {
    this.#name = name
    this.#said = `meanwhile ${name}`
    this.#left = [...words]
  }

  /** The first of the actions is meant when there is no word. */
  action<T extends string>(actions: readonly [T, ...T[]]): T {
    const word = this.#left.shift()
    if (word === undefined) return actions[0]
    const action = actions.find((name) => name === word)
    const guess = nearest(word, actions)
    if (!action)
      throw usage(
        `${this.#said} has no "${word}". ${guess ? `Did you mean ${guess}?` : `It has: ${actions.join(", ")}.`}`,
      )
    refuseIfLater(`${this.#name} ${action}`)
    this.#said += ` ${action}`
    return action
  }

  isEmpty(): boolean {
    return this.#left.length === 0
  }

  next(what: string): string {
    const word = this.#left.shift()
    if (!word) throw usage(`${this.#said} needs more: ${this.#said} ${what}`)
    return word
  }

  last(what: string): string {
    const word = this.next(what)
    this.end()
    return word
  }

  some(what: string): string[] {
    const words = [this.next(what), ...this.rest()]
    // An empty word, such as a variable that is not set, is the beginning of every id.
    if (words.includes("")) throw usage(`${this.#said} got an empty word: ${this.#said} ${what}`)
    return words
  }

  rest(): string[] {
    return this.#left.splice(0)
  }

  end(): void {
    if (this.#left.length > 0)
      throw usage(`${this.#said} does not know what to do with "${this.#left[0]}". Quote a text that has spaces.`)
  }
}
