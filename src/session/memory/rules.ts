// A memory without a model, for the offline scout: what was asked and what was answered, by rules. It understands
// nothing, so it keeps the user's own words and the first words of each answer.
import { oneLine } from "../../base/text.ts"
import { defuse } from "../../task/defuse.ts"
import { type KeptSections, textOfKept } from "./kept.ts"
import { dayAndTime } from "./moment.ts"
import type { News } from "./news.ts"
import type { SectionLines } from "./update-answer.ts"

const ASKED_CHARS = 300
const SAID_CHARS = 200
const DONE_LINES = 40

/** The sections that change with these messages. */
export function sectionsByRules(sections: KeptSections, news: readonly News[]): SectionLines {
  const log: string[] = []
  // What was asked is answered with the last that was said: the first may only say what is waited for.
  const answers = new Map<string, string>()
  const decisions: string[] = []
  let asked = lastAsked(sections)
  let status: string[] | undefined
  let questions: string[] | undefined
  for (const { row, parts, calls } of news) {
    const text = parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n")
    if (text.trim() === "") continue
    const time = dayAndTime(row.created_at)
    if (row.role === "user") {
      if (row.origin !== "human") continue
      asked = safe(text, ASKED_CHARS)
      log.push(`- ${time}${ASKED}${asked}`)
      if (WISH.test(text)) decisions.push(`- The user: ${asked}`)
      status = [`- At work on: ${asked}`]
      questions = []
      continue
    }
    // What is said beside calls is said on the way.
    if (calls.length > 0) continue
    const answer = safe(firstSentence(text), SAID_CHARS)
    log.push(`- ${time} answered: ${answer}`)
    if (asked !== undefined) answers.set(`- ${asked}: `, answer)
    status = [...(asked === undefined ? [] : [`- Asked last: ${asked}`]), `- Answered: ${answer}`]
    questions = openQuestions(text)
  }
  const completed = [...answers].map(([what, answer]) => what + answer)
  const before = linesIn(sections, "completed").filter(
    (line) => ![...answers.keys()].some((what) => line.startsWith(what)),
  )
  return {
    ...(status && { status }),
    ...(questions && { questions }),
    ...(completed.length > 0 && { completed: [...before, ...completed].slice(-DONE_LINES) }),
    ...(decisions.length > 0 && { decisions: [...linesIn(sections, "decisions"), ...decisions].slice(-DONE_LINES) }),
    log,
  }
}

const ASKED = " asked: "
const ASKED_LINE = /^- [\d-]+ [\d:]+ asked: (.*)$/

/** What the user asked last, by the log. */
function lastAsked({ log }: KeptSections): string | undefined {
  const lines = (log?.lines ?? []).flatMap((line) => (typeof line === "string" ? [ASKED_LINE.exec(line)?.[1]] : []))
  return lines.findLast((asked) => asked !== undefined)
}

/** Words by which people say how they want it. */
const WISH = /\b(?:always|never|don't|do not|must|instead|rather|prefer|only|without|let's|we decided|make sure)\b/i

function linesIn(sections: KeptSections, name: "completed" | "decisions"): string[] {
  const text = textOfKept({ lines: (sections[name]?.lines ?? []).filter((line) => typeof line === "string") })
  return text === "" ? [] : text.split("\n")
}

/** Headings and rules of Markdown say little. */
function firstSentence(text: string): string {
  const line = text.split("\n").find((one) => /[\p{L}\p{N}]/u.test(one) && !/^\s*(?:#|```|\|)/.test(one)) ?? text
  return line.replace(/^\s*[-*>]\s+/, "")
}

/** What the model asked, at the end of what it said. */
function openQuestions(text: string): string[] {
  const lines = text.trim().split("\n").slice(-5)
  return lines.filter((line) => line.trim().endsWith("?")).map((line) => `- ${safe(line, ASKED_CHARS)}`)
}

function safe(text: string, most: number): string {
  return defuse(oneLine(text, most))
}
