// What the model of the terminal's rows says: it starts 50 tasks that report all the time, and speaks meanwhile.
import { type RecordedRequest, type Reply, reply } from "../../testing/model-server.ts"
import {
  ABOUT,
  AGENTS,
  BUSY,
  FEW,
  LATER,
  PIECE,
  PIECE_CHARS,
  PIECE_MS,
  SHELL,
  SHELLS,
  SMALL,
  TOKEN_CHARS,
  TOKEN_MS,
} from "./story.ts"

const agent = (n: number) => ({
  name: "Agent",
  input: {
    subagent_type: "general-purpose",
    description: `part ${n}`,
    prompt: `Work on part ${n}`,
    run_in_background: true,
  },
})

const shell = (n: number) => ({
  name: "Bash",
  input: { command: SHELL, description: `watch ${n}`, run_in_background: true },
})

/** Prose with what markdown has, so that laying it out is no less work than of a real answer. */
const PARAGRAPH = `The **session** is read from its rows, and \`openStore\` waits for nobody: what another process has
locked is waited for asynchronously. See [the design](https://example.com/design) for why that is so.

- one row for each run, written before it begins
- a doorbell that *carries nothing* and may be lost

\`\`\`ts
const row = store.one<SessionRow>("SELECT * FROM session WHERE id = :id", { id })
\`\`\`

`

/** `asked`: told of each request of the user's own conversation. */
export function busyScript(asked: (at: number, news: string) => void): (request: RecordedRequest) => Reply {
  /** The long answer comes once, after the tasks were started. */
  let mustSpeak = false
  return (request) => {
    const step = request.messages.filter((message) => message.role === "assistant").length
    if (/^Work on part/.test(request.prompt)) {
      const part = Number(/\d+/.exec(request.prompt)?.[0])
      return reply
        .parts([
          { type: "delay", ms: step === 0 ? (part * 4000) / AGENTS : 0 },
          { type: "text", text: PIECE },
          { type: "call", name: "Read", input: { file_path: SMALL } },
        ])
        .chunk({ chars: PIECE_CHARS, everyMs: PIECE_MS })
    }
    const news = request.news.slice(-800)
    asked(request.at, news)
    if (news.includes(BUSY)) {
      mustSpeak = true
      return reply.calls([...each(AGENTS, agent), ...each(SHELLS, shell)])
    }
    const few = FEW.exec(news)
    if (few) return reply.calls(each(Number(few[1]), agent))
    const about = ABOUT.exec(news)
    if (about) return reply.text(`${PARAGRAPH.repeat(5)}That was all about part ${about[1]}.`)
    const later = LATER.exec(news)
    if (later) return reply.calls([{ name: "Bash", input: { command: later[1]!, run_in_background: true } }])
    if (!mustSpeak) return reply.text("Noted.")
    mustSpeak = false
    return reply.text(PARAGRAPH.repeat(120)).chunk({ chars: TOKEN_CHARS, everyMs: TOKEN_MS })
  }
}

function each<T>(count: number, make: (n: number) => T): T[] {
  return Array.from({ length: count }, (_, n) => make(n))
}
