// The words that matter: what a question is about, how words are compared with the parts of identifiers, and the
// ripgrep pattern that finds a word in any of its forms.
import lists from "./words.json" with { type: "json" }

/** `names` are identifiers, to be found exactly; `words` are plain words, in the question's order. */
export type Subject = { names: string[]; words: string[] }

/** A word to search for. `weight` is 1 for one of the question, less in an identifier; `akin` are stems of the same idea. */
export type Term = { stem: string; weight: number; akin: readonly string[] }

const MAX_WORDS = 7
const MAX_NAMES = 3
const IDENTIFIER = /[a-z0-9][A-Z]|\w_\w|^_|^[A-Z]+[A-Z][a-z]|\$/
/** Longer questions are logs or files pasted in: their beginning says what they are about. */
const MAX_QUESTION = 4000

const ENDINGS = lists.endings.map(({ ends, to }) => ({ ends: new RegExp(ends), to }))
/** Common words and words of questions, in any form. */
const STOP = new Set(lists.stop.flatMap(stemsOf))
/** Words that programmers use for the same idea: a name may hold another of them than the question. */
const AKIN = lists.akin.map(stemsOf)

/** What a question is about. Both lists are empty when it holds nothing but common words. */
export function subjectOf(question: string): Subject {
  const text = question.slice(0, MAX_QUESTION)
  const names = new Set<string>()
  const all: string[] = []
  for (const [, quote, token] of text.matchAll(/([`"]?)([A-Za-z_$][\w$]*(?:(?:\.|::|#|\/|-)[A-Za-z_$][\w$]*)*)/g)) {
    const parts = token!.split(/[.:#/-]+/)
    const isCompound = parts.length > 1
    const isFile = /\/|\.(?:[cm]?[jt]sx?|py|go|rs|java|rb|php|sh|sql|md|json|ya?ml|toml)$/.test(token!)
    const isName =
      quote === "`" || parts.some((part) => IDENTIFIER.test(part)) || /[\w$](?:\.|::|#)[A-Za-z_$]/.test(token!)
    // A dotted name is found by its last part, a path by its words; what stands before the dot helps as words.
    if (isName && !isFile) names.add(parts.pop()!)
    // In `read-only` or `lib/use.ts` also a common word tells something.
    all.push(...parts.flatMap(splitName).filter((word) => isCompound || !STOP.has(stem(word))))
  }
  const words = uniqueBy(all, stem).filter((word) => word.length > 1 && word.length <= 40)
  const isAlone = words.length === 1 && /\b(?:where|defin|calls?|used?|uses|usages?|referen)/i.test(text)
  if (names.size === 0 && isAlone) names.add(words[0]!)
  return { names: [...names].filter((name) => name.length <= 80).slice(0, MAX_NAMES), words: words.slice(0, MAX_WORDS) }
}

/** The terms of a subject; parts of its names count less, so that `startServer` is not any server. */
export function termsOf({ names, words }: Subject): Term[] {
  const parts = names.map(splitName).flatMap((its) => its.map((word) => ({ word, weight: 0.9 / its.length ** 0.5 })))
  const telling = parts.filter(({ word }) => !STOP.has(stem(word)))
  const all = [...words.map((word) => ({ word, weight: 1 })), ...telling].map(({ word, weight }): Term => {
    const key = stem(word)
    return { stem: key, weight, akin: AKIN.filter((group) => group.includes(key)).flat() }
  })
  const unique = uniqueBy(all, (term) => term.stem)
  return unique.filter((term) => term.stem.length > 1).slice(0, MAX_WORDS)
}

/** The first of those that have one key, in their order. */
export function uniqueBy<T>(all: readonly T[], keyOf: (one: T) => string): T[] {
  return [...Map.groupBy(all, keyOf).values()].map(([first]) => first!)
}

/** `parseHTTPHeader_v2` → parse, http, header, v2. */
export function splitName(name: string): string[] {
  const spaced = name.replace(/([a-z0-9])([A-Z])/g, "$1 $2").replace(/([A-Z])([A-Z][a-z])/g, "$1 $2")
  return spaced.toLowerCase().match(/[a-z0-9]+/g) ?? []
}

function stemsOf(text: string): string[] {
  return splitName(text).map(stem)
}

/** A light stemmer: the usual endings fall off, one after the other; enough to compare words. */
export function stem(word: string): string {
  const lower = word.toLowerCase()
  return lower.length <= 3 ? lower : ENDINGS.reduce((left, { ends, to }) => left.replace(ends, to), lower)
}

/** How well each term is answered by the words of a text. */
export function weigh(terms: readonly Term[], text: string): number[] {
  const stems = stemsOf(text)
  return terms.map((term) => matchIn(term, stems))
}

/** How well all terms together are answered by the words of a text. */
export function rate(terms: readonly Term[], text: string): number {
  return total(terms, weigh(terms, text))
}

/** The sum of a value for each term, by the terms' weights. */
export function total(terms: readonly Term[], values: readonly number[]): number {
  return terms.reduce((sum, term, index) => sum + term.weight * (values[index] ?? 0), 0)
}

/** How well words answer a term: 1 the same word, 0.4 one for the same idea, else 0. */
export function matchIn(term: Term, stems: readonly string[]): number {
  if (stems.includes(term.stem)) return 1
  return stems.some((one) => term.akin.includes(one)) ? 0.4 : 0
}

/** A ripgrep pattern (case-sensitive mode) for a stem anywhere in a line; short ones only where a word part begins. */
export function patternOf(stemmed: string): string {
  const cut = stemmed.length >= 8 ? stemmed.slice(0, 7) : stemmed.replace(/(?<=...)i$/, "[iy]")
  if (stemmed.length >= 5) return `(?i:${cut})`
  return `(?:(?:\\b|_)(?i:${cut})|${cut.charAt(0).toUpperCase()}${cut.slice(1)})`
}

/** A pattern for a name as a whole, for ripgrep and JavaScript; `$` counts as a letter where it can. */
export function wholeName(name: string): string {
  const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
  return `${/^\w/.test(name) ? "\\b" : ""}${escaped}${/\w$/.test(name) ? "\\b" : ""}`
}
