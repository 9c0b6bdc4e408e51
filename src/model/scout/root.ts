// The root: turns a question into background explorers and their findings into a report, runs a command, and says
// plainly what it cannot do. A pure function of the request.
import { oneLine } from "../../base/text.ts"
import type { ModelRequest } from "../model.ts"
import { type Conversation, type Member, membersOf, readConversation, type Step, taskIn } from "./conversation.ts"
import { explore } from "./explore.ts"
import { type Brief, briefIn, LABEL, promptOf, type Side, subjectText } from "./findings.ts"
import { report } from "./report.ts"
import type { Round, ScoutCall } from "./search.ts"
import { subjectOf } from "./words.ts"

export interface Reply {
  text: string
  calls: ScoutCall[]
}

const HELP = `This is the ${LABEL}. It can:
- answer questions about this code base with file:line references: “How does the retry logic work?”, “What calls startServer?”
- run a command when told so: “run npm test”, “run in background npm run build”

It cannot write code or talk. To connect a language model set ANTHROPIC_API_KEY or OPENAI_API_KEY and choose one with \`--model provider/model\`, or name a local server in settings.json under "providers" and use \`--model local/NAME\`.`

const LONG =
  /\b(?:build|tests?|install|ci|watch|serve|server|dev|start|docker|make|cargo|gradle|mvn|sleep|tail -f|bench)\b/
const WORK = new Set(
  `write add fix create implement refactor change remove delete rename make build generate update translate install commit
  convert improve optimize move replace run solve draw`.split(/\s+/),
)
const TAIL_LINES = 15

export function reply({ messages, tools }: ModelRequest): Reply {
  const conversation = readConversation(messages)
  const { human, lastReply, steps } = conversation
  const isNew = human.at > lastReply
  const searches = steps.filter((step) => step.at > human.at && step.calls.every(isSearch))
  const rounds = searches.map((step) => step.calls)
  const brief = briefIn(human.text)
  if (brief) return search([brief], rounds, ([text]) => text!)
  const news = newsOf(conversation)
  if (!isNew && searches.at(-1)?.at !== lastReply) return { text: news.join("\n\n") || HELP, calls: [] }
  const briefs = briefsOf(human.text)
  const whole = (texts: string[]) => report(texts.map((text, i) => ({ brief: briefs[i]!, text, failed: false })))
  const started = isNew ? start(human.text, briefs, new Set(tools.map((tool) => tool.name))) : undefined
  const { text, calls } = started ?? search(briefs, rounds, whole)
  return { text: [...news, text].filter(Boolean).join("\n\n"), calls }
}

function isSearch({ name }: ScoutCall): boolean {
  return name === "Grep" || name === "Read"
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
function start(text: string, briefs: readonly Brief[], tools: ReadonlySet<string>): Reply | undefined {
  const [, background, command] =
    /^run (in (?:the )?background:?\s+)?(?!(?:the|all|my|an?|this|it|some)\b)(.+)$/is.exec(text.trim()) ?? []
  if (command && tools.has("Bash")) return run(command.replace(/^`(.*)`$/s, "$1"), Boolean(background))
  if (briefs.length === 0 || asksForWork(text)) return { text: HELP, calls: [] }
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

/** Work that needs a language model. */
function asksForWork(text: string): boolean {
  const [first = ""] =
    /[a-z]+/i.exec(text.slice(0, 200).replace(/^\W*(?:(?:please|now|(?:can|could|would|will) you)\s+)*/i, "")) ?? []
  return WORK.has(first.toLowerCase())
}

/** Two to four sides of a question, the most important first; none when it holds no word to look for. */
function briefsOf(question: string): Brief[] {
  const { names, words } = subjectOf(question)
  if (names.length + words.length === 0) return []
  return sidesOf(question.slice(0, 1000)).map((side) => ({ side, names, words }))
}

function sidesOf(question: string): Side[] {
  if (/\b(?:tested|tests? (?:for|of|cover)|covered|which tests?|unit tests?)\b/i.test(question))
    return ["tests", "definitions"]
  if (/\b(?:documented|documentation|docs|readme)\b/i.test(question)) return ["documents", "definitions"]
  if (/\b(?:settings?|options?|environment variables?|env|flags?|config\w*)\b/i.test(question))
    return ["definitions", "configuration", "documents"]
  if (/\b(?:where|defined|definition|declared|calls?|called by|callers?|uses?|used|usages?)\b/i.test(question))
    return ["definitions", "uses"]
  return ["definitions", "uses", "tests", "documents"]
}

/** What came in since the last reply: ends of commands, who is still out, whole reports. */
function newsOf({ lastReply, notices, steps }: Conversation): string[] {
  const calls = steps.find((step) => step.at === lastReply)?.calls.filter((call) => call.name === "Bash") ?? []
  const commands = calls.map((call) =>
    taskIn(call)
      ? oneLine(call.text, 300)
      : ended(String(call.input.command), call.failed ? " with an error" : "", call.text),
  )
  const ours = new Set(steps.flatMap((step) => step.calls.filter((call) => call.name === "Agent").map(taskIn)))
  const others = [...notices].filter(([task, one]) => one.at > lastReply && !ours.has(task))
  const settled = others.map(([, { description, status, exitCode, body }]) =>
    ended(description, ` (${status}${exitCode && `, exit code ${exitCode}`})`, body),
  )
  const agents = steps.flatMap((step) => newsOfAgents(step, membersOf(step, notices), lastReply))
  return [...commands, ...settled, ...agents]
}

function newsOfAgents({ at }: Step, members: readonly Member[], lastReply: number): string[] {
  const isFresh = at === lastReply || members.some((one) => (one.at ?? -1) > lastReply)
  if (!isFresh || members.length === 0) return []
  const out = members.filter((one) => one.at === undefined).map((one) => one.brief)
  if (out.length === 0) return [report(members)]
  return [`${out.length === members.length ? "Waiting for" : "Still out:"} ${listed(out)}.`]
}

function ended(what: string, how: string, output: string): string {
  const tail = output.trimEnd().split("\n").slice(-TAIL_LINES)
  return [`\`${oneLine(what, 120)}\` ended${how}:`, "", "~~~", ...tail, "~~~"].join("\n")
}

function listed(briefs: readonly Brief[]): string {
  return briefs.map((brief) => brief.side).join(", ")
}
