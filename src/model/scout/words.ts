// The words that matter: what a question is about, how words are compared with the parts of identifiers, and the
// ripgrep pattern that finds a word in any of its forms.

/** `names` are identifiers, to be found exactly; `words` are plain words, in the question's order. */
export interface Subject {
  names: string[]
  words: string[]
}

/** One word to search for. `weight` is 1 for a word of the question, less for a part of an identifier. */
export interface Term {
  word: string
  stem: string
  weight: number
  /** Stems of words for the same idea. */
  akin: readonly string[]
}

const MAX_WORDS = 7
const MAX_NAMES = 3
/** Longer questions are logs or files pasted in: their beginning says what they are about. */
const MAX_QUESTION = 4000

/** Common words and words of questions, in any form. */
const STOP = new Set(
  `a about above after again all also am an and any anyone anything are around as ask at be because been before being
  below between both but by call can cannot class code codebase could declare define definition describe did do does
  each either else every exact explain find for from function get give given go got had happen has have here hello hi
  him his how if implement implementation in inside into is it itself just kind know let like list locate logic look
  lot many may me mean mechanism method might more most much must my need no nor not now of off okay on once one only or
  other our out over own part per place please possible project reference repo repository same say see she should show so
  some somebody something still such tell than thank that the their them then there these they thing this those through
  to too two under understand until up us use usage using very via want was way we well were what when where whether
  which while who whom whose why will with within without work would you your`
    .split(/\s+/)
    .map(stem),
)

/** Words that programmers use for the same idea: a name may hold another of them than the question. */
const AKIN = `stop kill abort cancel terminate interrupt halt; start launch spawn begin boot; delete remove drop clear
  prune evict; done finish complete end settle; error exception fail failure throw thrown reject; wait await pending;
  retry backoff attempt; wake notify notice resume; conversation session chat; setting option preference configuration;
  make create build built; check validate verify assert; change modify update mutate; unused stale expire collect;
  add insert register append push; send sent emit dispatch publish; receive consume drain deliver; save store persist;
  parse decode tokenize; limit cap throttle; show render display print; reply respond response answer; job task;
  background async detach; permission approve approval authorize allow; concurrent concurrency parallel`
  .split(";")
  .map((group) => group.trim().split(/\s+/).map(stem))

/** What a question is about. Both lists are empty when it holds nothing but common words. */
export function subjectOf(question: string): Subject {
  const text = question.slice(0, MAX_QUESTION)
  const names = new Set<string>()
  const words: string[] = []
  const takeWord = (word: string, isCompound: boolean) => {
    const lower = word.toLowerCase()
    // In `read-only` or `lib/use.ts` also a common word tells something.
    const isTelling = lower.length > 1 && lower.length <= 40 && (isCompound || !STOP.has(stem(lower)))
    if (isTelling && !words.some((known) => stem(known) === stem(lower))) words.push(lower)
  }
  for (const [token, quote] of text.matchAll(/([`"])?[A-Za-z_$][\w$]*(?:(?:\.|::|#|\/|-)[A-Za-z_$][\w$]*)*/g)) {
    const bare = token.replace(/^[`"]/, "")
    const isFile = /\/|\.(?:[cm]?[jt]sx?|py|go|rs|java|rb|php|sh|sql|md|json|ya?ml|toml)$/.test(bare)
    const parts = bare.split(/[.:#/-]+/)
    // A dotted name is found by its last part, a path by its words; what stands before the dot helps as words.
    const isName = quote === "`" || parts.some(isIdentifier) || /[\w$](?:\.|::|#)[A-Za-z_$]/.test(bare)
    if (isName && !isFile) names.add(parts.at(-1)!)
    for (const part of isFile ? parts : parts.slice(0, isName ? -1 : undefined))
      for (const word of splitName(part)) takeWord(word, parts.length > 1)
  }
  const isAlone = words.length === 1 && /\b(?:where|defin|calls?|used?|uses|usages?|referen)/i.test(text)
  if (names.size === 0 && isAlone) names.add(words[0]!)
  return { names: [...names].filter((name) => name.length <= 80).slice(0, MAX_NAMES), words: words.slice(0, MAX_WORDS) }
}

function isIdentifier(token: string): boolean {
  return /[a-z0-9][A-Z]|\w_\w|^_|^[A-Z]+[A-Z][a-z]|\$/.test(token)
}

/** The terms of a subject; parts of its names count less, so that `startServer` is not any server. */
export function termsOf({ names, words }: Subject): Term[] {
  const terms = new Map<string, Term>()
  const add = (word: string, weight: number) => {
    const key = stem(word)
    const akin = AKIN.filter((group) => group.includes(key)).flat()
    if (key.length > 1 && !terms.has(key)) terms.set(key, { word, stem: key, weight, akin })
  }
  for (const word of words) add(word, 1)
  for (const name of names)
    for (const part of splitName(name)) if (!STOP.has(stem(part))) add(part, 0.9 / splitName(name).length ** 0.5)
  return [...terms.values()].slice(0, MAX_WORDS)
}

/** `parseHTTPHeader_v2` → parse, http, header, v2. */
export function splitName(name: string): string[] {
  const spaced = name.replace(/([a-z0-9])([A-Z])/g, "$1 $2").replace(/([A-Z])([A-Z][a-z])/g, "$1 $2")
  return spaced.toLowerCase().match(/[a-z0-9]+/g) ?? []
}

/** A light stemmer: plural, -ing, -ed, -er, -ion, -ate and final e and y fall off; enough to compare words. */
export function stem(word: string): string {
  let s = word.toLowerCase()
  if (s.length <= 3) return s
  if (/.(?:ies|ied)$/.test(s)) s = `${s.slice(0, -3)}y`
  if (/[^sui]s$/.test(s)) s = /(?:ss|sh|ch|x|z)es$/.test(s) ? s.slice(0, -2) : s.slice(0, -1)
  const verb = /^(.*[aeiouy].*?)(?:ing|ed)$/.exec(s)?.[1]
  if (verb && verb.length >= 3) s = undouble(verb)
  if (s.length >= 7 && /[ts]ion$|ator$/.test(s)) s = s.replace(/ion$|or$/, "")
  if (s.length >= 6 && /[^aeiou]er$/.test(s)) s = undouble(s.slice(0, -2))
  if (s.length > 3 && s.endsWith("e")) s = s.slice(0, -1)
  if (s.length >= 7 && s.endsWith("at")) s = s.slice(0, -2)
  if (s.length > 5 && s.endsWith("ll")) s = s.slice(0, -1)
  return s.length > 3 && /[^aeiou]y$/.test(s) ? `${s.slice(0, -1)}i` : s
}

function undouble(s: string): string {
  return /([bcdfgkmnprtv])\1$/.test(s) ? s.slice(0, -1) : s
}

/** How well the words of a text answer a term: 1 the same word, 0.6 a relative of it, 0.4 the same idea, else 0. */
export function matchIn(term: Term, stems: readonly string[]): number {
  return stems.reduce((best, one) => Math.max(best, match(term, one)), 0)
}

function match(term: Term, other: string): number {
  if (other === term.stem) return 1
  const shared = Math.max(5, Math.ceil(0.7 * Math.max(other.length, term.stem.length)))
  if (other.length >= shared && term.stem.startsWith(other.slice(0, shared))) return 0.6
  return term.akin.includes(other) ? 0.4 : 0
}

/** A ripgrep pattern (case-sensitive mode) for a stem anywhere in a line; short ones only where a word part begins. */
export function patternOf(stemmed: string): string {
  const cut = stemmed.length >= 8 ? stemmed.slice(0, 7) : stemmed.replace(/(?<=...)i$/, "[iy]")
  if (stemmed.length >= 5) return `(?i:${cut})`
  return `(?:(?:\\b|_)(?i:${cut})|${cut.charAt(0).toUpperCase()}${cut.slice(1)})`
}

export function escapeRegex(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
}

/** A pattern for a name as a whole, for ripgrep and JavaScript; `$` counts as a letter where it can. */
export function wholeName(name: string): string {
  return `${/^\w/.test(name) ? "\\b" : ""}${escapeRegex(name)}${/\w$/.test(name) ? "\\b" : ""}`
}
