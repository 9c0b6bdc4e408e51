// What a task says can imitate what the program says: a notice, a reminder, the ledger, a turn of the user's. Such a
// beginning loses its bracket, however it is written; everything else stays as it is.

/** Our own tags, without what stands between the words of their names. */
const OURS = ["tasknotification", "systemreminder", "taskledger"]
/** Tags by which prompts mark whose word something is; only as whole names, since `<username>` is ordinary output. */
const ROLES = ["user", "human", "assistant", "system"]
/** Characters that are, or look like, the beginning of a tag. */
const BRACKETS = "<\\uFF1C\\uFE64\\u2039\\u3008\\u2329\\u27E8\\u276C\\u276E\\u29FC\\u02C2\\u1438"
const SEGMENTS = new RegExp(`[${BRACKETS}][^${BRACKETS}]*`, "g")
/** "Human:" at the beginning of a line, as transcripts have it. */
const SPEAKER = /^([^\S\n]*)(?=(?:human|user|assistant|system)[^\S\n]*:)/gim

/** The text, harmless: nothing in it begins as the program, or the user, would. */
export function defuse(text: string): string {
  return text
    .replace(SPEAKER, "$1> ")
    .replace(SEGMENTS, (segment) => (imitates(segment.slice(1)) ? `&lt;${segment.slice(1)}` : segment))
}

/** Whether what follows a bracket reads as one of the names. Linear: it stops at the first character that does not fit. */
function imitates(after: string): boolean {
  let letters = ""
  let gap: "none" | "blank" | "other" = "none"
  for (const character of after) {
    if (IGNORED.test(character) && !BLANK.test(character)) continue
    const plain = plainOf(character)
    if (/^[a-z]+$/.test(plain)) {
      // `<user id=1>`: a name that a blank has ended, and an attribute.
      if (gap === "blank" && ROLES.includes(letters) && !startsOne(letters + plain)) return true
      letters += plain
      gap = "none"
      if (OURS.includes(letters)) return true
      if (!startsOne(letters)) return false
      continue
    }
    if (!BETWEEN.test(character)) return ROLES.includes(letters) && gap !== "other" && ENDS.test(character)
    if (gap !== "other") gap = BLANK.test(character) ? "blank" : "other"
  }
  return ROLES.includes(letters)
}

function startsOne(letters: string): boolean {
  return [...OURS, ...ROLES].some((name) => name.startsWith(letters))
}

/** Nothing is seen of it: controls, format characters, joiners, variation selectors, fillers, marks on letters. */
const IGNORED = /[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cc}\p{M}]/u
const BLANK = /[\s\p{Z}/]/u
/** What may stand in a tag before its name, or between the words of one. */
const BETWEEN = /[\s\p{Z}\p{Pd}\p{Pc}/\\.\u2044\u2215\u2212\u30FC\u00B7]/u
/** What may follow a name. */
const ENDS = /[>\uFF1E\uFE65\u203A\u3009\u232A\u27E9:=]/u

/** A letter as it looks: compatibility forms, accents, other alphabets, digits that stand for letters. */
function plainOf(character: string): string {
  const [base = ""] = character.normalize("NFKD").toLowerCase()
  return LOOKALIKES.get(base) ?? base
}

/** Of the letters in the names. Source: Unicode's confusables.txt, cut down. */
const LOOKALIKES = new Map(
  Object.entries({
    a: "аαɑᴀ@4",
    c: "сϲᴄ",
    d: "ԁᴅ",
    e: "еεҽᴇ3€",
    f: "ϝꜰƒ",
    g: "ԍɡɢ",
    h: "һʜ",
    i: "іιıɪӏ1!|",
    k: "кκᴋ",
    l: "ʟł",
    m: "мμᴍ",
    n: "пηɴո",
    o: "оοᴏ0օ",
    r: "гᴦʀ",
    s: "ѕꜱ5$",
    t: "тτᴛ7",
    u: "υսᴜ",
    y: "уγʏү",
  }).flatMap(([letter, others]) => [...others].map((other) => [other, letter] as const)),
)
