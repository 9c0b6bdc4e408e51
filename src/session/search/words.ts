// The words of a text, as the search knows them: letters and digits without case and accents. Scripts that put no blanks
// between words are taken letter by letter, so that any piece of them can be found, also one of two letters.

export interface Word {
  /** As it is compared. */
  text: string
  /** Where it stands. */
  from: number
  to: number
}

/** Chinese, Japanese, Korean, Thai, Lao, Khmer and Burmese. */
const UNSPACED =
  "\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Hangul}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}"
const WORDS = new RegExp(`[${UNSPACED}]\\p{M}*|[[\\p{L}\\p{N}\\p{Co}\\p{M}]--[${UNSPACED}]]+`, "gv")
const ASCII_WORDS = /[a-z0-9]+/gi

export function wordsOf(text: string): Word[] {
  const isPlain = isAscii(text)
  const words: Word[] = []
  for (const match of text.matchAll(isPlain ? ASCII_WORDS : WORDS)) {
    const folded = isPlain ? match[0].toLowerCase() : fold(match[0])
    if (folded !== "") words.push({ text: folded, from: match.index, to: match.index + match[0].length })
  }
  return words
}

/** What the index is given for a text: SQLite's own tokenizer finds the same words in it, and no others. */
export function searchable(text: string): string {
  // ASCII it takes apart as we do.
  if (isAscii(text)) return text.replaceAll("\0", " ")
  return wordsOf(text)
    .map((word) => word.text)
    .join(" ")
}

function fold(word: string): string {
  return word.normalize("NFKD").replace(ACCENTS, "").normalize("NFC").toLowerCase()
}

/** Combining marks of Latin, Greek and Cyrillic; those of other scripts are part of their words. */
const ACCENTS = /[\u0300-\u036f]/g

function isAscii(text: string): boolean {
  return !/[^\x00-\x7f]/.test(text)
}
