// A better title by a model, in the background: once, after the first reply, by one small request. Where that would cost
// what nobody knows, or a server of the user's own could be busy with it, the prompt's beginning stays the title.
import type { Log } from "../base/log.ts"
import type { AssistantPart, UserPart } from "../model/message.ts"
import type { MessageRow, SessionRow } from "../store/rows.ts"
import type { Reader, Tx } from "../store/store.ts"
import { type AsideParts, asideModel, askAside } from "./aside.ts"
import { textOf } from "./history.ts"
import { LONGEST_TITLE, shortened } from "./title.ts"

/** Of the prompt and of the reply, the beginning is enough to know what it is about. */
const MOST_PROMPT = 2_000
const MOST_REPLY = 1_000
/** Some models think before they answer, however little there is to think about. */
const MOST_TOKENS = 500
/** What fails is tried again after the next turns, so often. */
const MOST_TRIES = 2

export const TITLE_PROMPT = `You give a conversation with a coding agent its title. Answer with the title alone: what it is about, in 3 to 7 words, at most ${LONGEST_TITLE - 10} characters, in the language of the user, without quotes and without a full stop.`

export interface TitlingParts extends AsideParts {
  log: Log
}

/** Looks after each turn whether a title is still to be made, until it is; or until disposed. */
export function keepTitled(parts: TitlingParts, rootId: string): Disposable {
  const { store, log } = parts
  const over = new AbortController()
  let isAsking = false
  let tries = 0
  const look = () => {
    if (isAsking || over.signal.aborted) return
    const row = store.one<SessionRow>("SELECT * FROM session WHERE id = :rootId", { rootId })
    if (!row || row.name !== null || row.title_by === "model") return over.abort()
    if (row.title_by === null || isTurnOpen(store, rootId)) return
    isAsking = true
    tries++
    improve(parts, row, over.signal)
      .then(
        () => over.abort(),
        (error) => {
          if (over.signal.aborted) return
          log.warn("no title could be made", { error, session: rootId })
          if (tries >= MOST_TRIES) over.abort()
        },
      )
      .finally(() => {
        isAsking = false
      })
  }
  const bell = store.listen(`feed:${rootId}`, look)
  over.signal.addEventListener("abort", () => bell[Symbol.dispose](), { once: true })
  look()
  return { [Symbol.dispose]: () => over.abort() }
}

async function improve(parts: TitlingParts, row: SessionRow, signal: AbortSignal): Promise<void> {
  const model = await asideModel(parts, row.model)
  const text = model && beginning(parts.store, row)
  if (!text) return
  await askAside(
    parts,
    {
      purpose: "title",
      row,
      model,
      request: {
        system: TITLE_PROMPT,
        messages: [{ role: "user", content: [{ type: "text", text }] }],
        tools: [],
        maxOutputTokens: MOST_TOKENS,
        effort: "minimal",
      },
      signal,
    },
    (tx, answer) => {
      const title = answer.stop === "refused" ? undefined : saidTitle(answer.text)
      if (title !== undefined) keep(tx, row.id, title)
    },
  )
}

/** A name that the user has given meanwhile stays what is shown, and needs no title. */
function keep(tx: Tx, id: string, title: string): void {
  tx.run("UPDATE session SET title = :title, title_by = 'model' WHERE id = :id AND title_by = 'prompt'", { id, title })
  tx.ring(`feed:${id}`)
  tx.ring(`watch:${id}`)
}

/** What the user asked first in this very session, and what was answered; undefined while nothing was. */
function beginning(reader: Reader, { id }: SessionRow): string | undefined {
  const prompt = first(reader, id, "role = 'user' AND origin = 'human'")
  const reply = prompt && first(reader, id, `role = 'assistant' AND seq > ${prompt.seq}`)
  const asked = prompt && textOf(JSON.parse(prompt.content) as UserPart[])
  if (!asked || !reply) return undefined
  const answered = textOf(JSON.parse(reply.content) as AssistantPart[]) ?? ""
  return `The user:\n${asked.slice(0, MOST_PROMPT)}\n\nThe agent:\n${answered.slice(0, MOST_REPLY)}\n\nThe title:`
}

function first(reader: Reader, sessionId: string, which: string): MessageRow | undefined {
  const sql = `SELECT * FROM message WHERE session_id = :sessionId AND ${which} ORDER BY seq LIMIT 1`
  return reader.one<MessageRow>(sql, { sessionId })
}

/** The title that an answer holds, cleaned; undefined when it holds none. */
export function saidTitle(answer: string): string | undefined {
  const line = answer
    .slice(0, 2_000)
    .split("\n")
    .map((each) => each.replace(/^\s*(?:#+\s+)?(?:\*\*)?title(?:\*\*)?\s*:\s*/i, "").trim())
    .find((each) => /[\p{L}\p{N}]/u.test(each))
  if (line === undefined) return undefined
  const bare = line.replace(/^["'“”„«»*_`]+|["'“”„«»*_`]+$/gu, "")
  // Whoever answers with a paragraph has not understood what was wanted.
  return bare.length > 2 * LONGEST_TITLE ? undefined : shortened(bare)
}

function isTurnOpen(reader: Reader, sessionId: string): boolean {
  const sql = "SELECT 1 FROM turn WHERE session_id = :sessionId AND state = 'open' LIMIT 1"
  return reader.one(sql, { sessionId }) !== undefined
}
