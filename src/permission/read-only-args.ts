// How the arguments of a command on the read-only list are checked.
import type { ShellWord } from "./shell-words.ts"

export type ArgsCheck = (args: readonly ShellWord[]) => boolean

/** All options are harmless, and so is any file that a wildcard becomes. */
export const anything: ArgsCheck = () => true

/** Every option matches the expression, and there are no more than `operands` other words. */
export function only(options: RegExp, { operands }: { operands?: number } = {}): ArgsCheck {
  return (args) => {
    const plain = args.filter((word) => !isOption(word))
    // One wildcard can become any number of operands.
    if (operands !== undefined && (plain.length > operands || plain.some(({ glob }) => glob))) return false
    if (plain.some(mayBecomeOption)) return false
    return args.every((word) => !isOption(word) || word.text === "--" || (!word.glob && options.test(word.text)))
  }
}

export function isOption({ text }: ShellWord): boolean {
  return text.startsWith("-") && text !== "-"
}

/** A file may be called `-delete`: a wildcard at the beginning of a word can become an option. */
export function mayBecomeOption({ text, glob }: ShellWord): boolean {
  return glob && /^[*?[]/.test(text)
}
