// The root: turns a question into background explorers and their findings into a report, runs a command, and says
// plainly what it cannot do. A pure function of the request.
import { oneLine } from "../../base/text.ts"
import type { ModelRequest } from "../model.ts"
import { type Conversation, readConversation, type Step, taskIn } from "./conversation.ts"
import { explore } from "./explore.ts"
import { type Brief, briefIn, LABEL, promptOf, type Side, subjectText } from "./findings.ts"
import { report } from "./report.ts"
import type { Round, ScoutCall } from "./search.ts"
import lists from "./words.json" with { type: "json" }
import { subjectOf } from "./words.ts"

export type Reply = { text: string; calls: ScoutCall[] }

const HELP = [`This is the ${LABEL}. It can:`, ...lists.help].join("\n")
/** Commands that may take long. */
const LONG = new RegExp(`\\b(?:${lists.long})\\b`)
/** Work that needs a language model. */
const WORK = new RegExp(`^\\W*(?:(?:please|now|(?:can|could|would|will) you)\\s+)*(?:${lists.work})\\b`, "i")
const COMMAND = /^run (in (?:the )?background:?\s+)?(?!(?:the|all|my|an?|this|it|some)\b)(.+)$/is
const SEARCHES = new Set(["Grep", "Read"])
const TAIL_LINES = 15

export function reply({ messages, tools }: ModelRequest): Reply {
  const conversation = readConversation(messages)
  const { question, askedAt, lastReply, steps } = conversation
  const searches = steps.filter((step) => step.at > askedAt && step.calls.every(({ name }) => SEARCHES.has(name)))
  const rounds = searches.map((step) => step.calls)
  const brief = briefIn(question)
  if (brief) return search([brief], rounds, ([text]) => text!)
  const news = newsOf(conversation)
  const isNew = askedAt > lastReply
  if (!isNew && searches.at(-1)?.at !== lastReply) return { text: news.join("\n\n") || HELP, calls: [] }
  const briefs = briefsOf(question)
  const whole = (texts: string[]) => report(texts.map((text, i) => ({ brief: briefs[i]!, text, failed: false })))
  const started = isNew ? start(question, briefs, new Set(tools.map((tool) => tool.name))) : undefined
  const { text, calls } = started ?? search(briefs, rounds, whole)
  return { text: [...news, text].filter(Boolean).join("\n\n"), calls }
}

/** Explores right here, the briefs side by side: their calls go in one message, each gets back its own results. */
function search(briefs: readonly Brief[], rounds: readonly Round[], finish: (texts: string[]) => string): Reply {
  const own: Round[][] = briefs.map(() => [])
  const moves = () => briefs.map((brief, index) => explore(brief, own[index]!))
  for (const round of rounds) {
    const results = [...round]
    for (const [index, move] of moves().entries())
      if (typeof move !== "string") own[index]!.push(results.splice(0, move.length))
  }
  const last = moves()
  const calls = last.filter((move) => typeof move !== "string").flat()
  return { text: calls.length > 0 ? "" : finish(last.map(String)), calls }
}

/** What to do about new words of the person; undefined: search right here, there are no agents. */
function start(question: string, briefs: readonly Brief[], tools: ReadonlySet<string>): Reply | undefined {
  const [, background, command] = COMMAND.exec(question.trim()) ?? []
  if (command && tools.has("Bash")) return run(command.replace(/^`(.*)`$/s, "$1"), Boolean(background))
  if (briefs.length === 0 || WORK.test(question)) return { text: HELP, calls: [] }
  if (!tools.has("Agent")) return undefined
  const calls = briefs.map((brief): ScoutCall => {
    const about = { subagent_type: "explore", description: brief.side, prompt: promptOf(brief) }
    return { name: "Agent", input: { ...about, run_in_background: true } }
  })
  const agents = `${calls.length} agents in the background: ${listed(briefs)}`
  return { text: `${LABEL}: looking for ${subjectText(briefs[0]!)} with ${agents}.`, calls }
}

function run(command: string, background: boolean): Reply {
  const where = background || LONG.test(command) ? { run_in_background: true } : {}
  const input = { command, description: oneLine(command, 60), ...where }
  return { text: `${LABEL}: running this command.`, calls: [{ name: "Bash", input }] }
}

/** Two to four sides of a question, the most important first; none when it holds no word to look for. */
function briefsOf(question: string): Brief[] {
  const { names, words } = subjectOf(question)
  if (names.length + words.length === 0) return []
  const about = question.slice(0, 1000)
  const { sides } = lists.questions.find(({ says }) => new RegExp(`\\b(?:${says})\\b`, "i").test(about))!
  return sides.map((side) => ({ side: side as Side, names, words }))
}

/** What came in since the last reply: ends of commands, who is still out, whole reports. */
function newsOf({ lastReply, notices, steps }: Conversation): string[] {
  const commands = steps.filter((step) => step.at === lastReply).flatMap((step) => step.calls)
  const run = commands
    .filter((call) => call.name === "Bash")
    .map((call) => {
      const how = call.failed ? " with an error" : ""
      return taskIn(call) ? oneLine(call.text, 300) : ended(String(call.input.command), how, call.text)
    })
  const ours = new Set(steps.flatMap((step) => step.calls.filter((call) => call.name === "Agent").map(taskIn)))
  const others = [...notices].filter(([task, one]) => one.at > lastReply && !ours.has(task))
  const settled = others.map(([, { description, how, text }]) => ended(description, ` (${how})`, text))
  return [...run, ...settled, ...steps.flatMap((step) => newsOfAgents(step, notices, lastReply))]
}

/** The report when all explorers of a step are back, else who is out; nothing when the step started none. */
function newsOfAgents({ at, calls }: Step, notices: Conversation["notices"], lastReply: number): string[] {
  const members = calls.flatMap((call) => {
    const brief = call.name === "Agent" ? briefIn(String(call.input.prompt)) : undefined
    const task = taskIn(call)
    return brief ? [{ brief, end: task ? notices.get(task) : { ...call, at: at + 1 } }] : []
  })
  const isFresh = at === lastReply || members.some((one) => one.end && one.end.at > lastReply)
  if (!isFresh || members.length === 0) return []
  const told = members.flatMap(({ brief, end }) => (end ? [{ brief, ...end }] : []))
  if (told.length === members.length) return [report(told)]
  const out = members.filter((one) => !one.end).map((one) => one.brief)
  return [`${told.length === 0 ? "Waiting for" : "Still out:"} ${listed(out)}.`]
}

function ended(what: string, how: string, output: string): string {
  const tail = output.trimEnd().split("\n").slice(-TAIL_LINES)
  return [`\`${oneLine(what, 120)}\` ended${how}:`, "", "~~~", ...tail, "~~~"].join("\n")
}

function listed(briefs: readonly Brief[]): string {
  return briefs.map((brief) => brief.side).join(", ")
}
