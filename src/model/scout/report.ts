// The report for the person: an answer, then the best references of each side, no place twice.
import { oneLine } from "../../base/text.ts"
import { type Brief, FAILED, type Finding, LABEL, parseFindings, subjectText } from "./findings.ts"
import { placeOf } from "./rank.ts"
import { uniqueBy } from "./words.ts"

/** What became of one side: an explorer's final text, or why it failed. */
export type Told = { brief: Brief; text: string; failed: boolean }

/** References per side, in the order in which the sides were asked: fifteen together. */
const QUOTA = [6, 4, 3, 2]

export function report(told: readonly Told[]): string {
  const shown: Finding[] = []
  const sections = told.map(({ brief, text, failed }, index) => {
    const title = `**${brief.side.charAt(0).toUpperCase()}${brief.side.slice(1)}**`
    if (failed || text.startsWith(FAILED)) return `${title}: that search failed: ${oneLine(text, 200)}`
    const found = parseFindings(text)
    const fresh = found.filter((one) => !shown.some((other) => placeOf(other) === placeOf(one)))
    const best = uniqueBy(fresh, placeOf).slice(0, QUOTA[index])
    shown.push(...best)
    const nothing = `${title}: nothing ${found.length > 0 ? "beyond the above" : "found"}.`
    return best.length > 0 ? [title, ...best.map(reference)].join("\n") : nothing
  })
  const label = `(${LABEL}: found by comparing words, so look before you rely on it)`
  return [answer(shown, told[0]!.brief), ...sections, label].join("\n\n")
}

function answer(shown: readonly Finding[], brief: Brief): string {
  const [best, next] = shown.filter((one) => one.kind === "definition")
  if (shown.length === 0)
    return `Nothing was found for ${subjectText(brief)}, whole, as parts of names, or in other forms. Try a name that stands in the code.`
  if (!best) return `No definition was found for ${subjectText(brief)}; these places mention it:`
  if (brief.names.includes(best.symbol)) return `\`${best.symbol}\` is defined in ${where(best)}`
  const first = `The best match is \`${best.symbol}\`, defined in ${where(best)}`
  return next ? `${first} Next: \`${next.symbol}\` in ${where(next)}` : first
}

function where({ path, line, doc }: Finding): string {
  return `${path}:${line}${doc ? `: “${doc}”` : "."}`
}

/** `- path:line  kind of symbol: snippet`, the snippet as code whatever quotes it holds. */
function reference({ path, line, kind, symbol, snippet }: Finding): string {
  const joint = kind === "definition" || kind === "use" ? "of" : "with"
  const code = snippet.includes("`") ? `\`\` ${snippet} \`\`` : `\`${snippet}\``
  return `- ${path}:${line}  ${kind} ${joint} \`${symbol}\`: ${code}`
}
