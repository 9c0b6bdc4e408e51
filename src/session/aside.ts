// A small request beside a conversation: a title, an update of its memory. It is for the program's own use, so it comes
// after everything that the user waits for, within every cap, and is not insisted on: whoever asks does without the
// answer, or asks again later. What it used is in the ledger, under its purpose.
import type { ModelRequest, StopReason, Usage } from "../model/model.ts"
import { ModelError } from "../model/model.ts"
import { builtinProvider, splitId } from "../model/provider-table.ts"
import type { SessionRow } from "../store/rows.ts"
import type { Tx } from "../store/store.ts"
import type { Most } from "../task/caps.ts"
import { closeEntry, openEntry } from "./ledger.ts"
import type { SessionParts } from "./session.ts"

export type AsideParts = Pick<SessionParts, "store" | "clock" | "ids" | "models" | "budget">

export interface Aside {
  /** As `stats` and `/cost` show it. */
  purpose: "memory" | "title"
  /** A session with the user. */
  row: SessionRow
  /** `provider/model`. */
  model: string
  request: ModelRequest
  signal: AbortSignal
}

/** The model that is asked beside a conversation with another one; undefined where none should be. */
export async function asideModel({ models }: Pick<AsideParts, "models">, own: string): Promise<string | undefined> {
  if (own === "scout") return undefined
  const small = await models.small(own)
  // One's own server may have one place only, and would lose what it has read of the conversation.
  if (small === own && !builtinProvider(splitId(own).provider)) return undefined
  const isPriced = async (model: string) => (await models.price(model, SAMPLE)) !== null
  // What it costs must not make the cost of the whole unknown.
  if (small !== own && (await isPriced(own)) && !(await isPriced(small))) return own
  return small
}

const SAMPLE = { inputTokens: 1000, outputTokens: 20, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 }

export type AsideAnswer =
  | { type: "answered"; text: string; stop: StopReason }
  /** A cap of the session's has no room for it now. Nothing was asked. */
  | { type: "no-room" }

/**
 * Asks once. `keep` adds to the transaction that closes the request's entry in the ledger, so that nothing is paid for
 * and lost in between. Throws the ModelError or UserError of a request that failed, or the signal's reason; its entry is
 * closed then, too.
 */
export async function askAside(
  parts: AsideParts,
  aside: Aside,
  keep: (tx: Tx, answer: { text: string; stop: StopReason }) => void = () => undefined,
): Promise<AsideAnswer> {
  const { store, clock, ids, models, budget } = parts
  const { row, model, request, signal } = aside
  const most = await budget.most(store, row, request, model)
  const outputTokens = Math.min(most.outputTokens, request.maxOutputTokens ?? most.outputTokens)
  const id = ids.uuid()
  const isOpen = await store.write((tx) => {
    const verdict = budget.verdict(tx, row, { ...most, outputTokens })
    if (verdict.type !== "granted") return false
    openEntry(tx, clock, { ...entryOf(aside), id, most: { ...most, outputTokens } })
    return true
  })
  if (!isOpen) return { type: "no-room" }
  const heard: Heard = { text: "", usage: undefined }
  try {
    const { stop, usage } = await listen(parts, aside, heard)
    const costNanos = await models.price(model, usage)
    const answer = { text: heard.text, stop }
    await store.write((tx) => {
      closeEntry(tx, clock, { id, state: "closed", usage, costNanos })
      keep(tx, answer)
    })
    return { type: "answered", ...answer }
  } catch (error) {
    const known = (error instanceof ModelError ? error.options.usage : undefined) ?? heard.usage
    const usage = known ?? (signal.aborted ? guess(most, heard) : NOTHING)
    const costNanos = await models.price(model, usage)
    const state = known || signal.aborted ? "estimated" : "closed"
    await store.write((tx) => closeEntry(tx, clock, { id, state, usage, costNanos }))
    throw error
  }
}

/** All that is known of an answer that is cut off. */
interface Heard {
  text: string
  usage: Usage | undefined
}

async function listen(
  { store, clock, ids, models }: AsideParts,
  aside: Aside,
  heard: Heard,
): Promise<{ stop: StopReason; usage: Usage }> {
  const { row, model, signal } = aside
  const { effort, ...request } = aside.request
  const events = models.ask({
    model,
    // Others would begin to think where an effort is named, and think for more than the answer costs.
    request: { ...request, ...(effort && THINKERS.has(splitId(model).provider) && { effort }) },
    rootId: row.root_id,
    isRoot: false,
    isAside: true,
    signal,
    onRetry: async ({ usage }) => {
      if (!usage) return
      const costNanos = await models.price(model, usage)
      await store.write((tx) => {
        const id = ids.uuid()
        openEntry(tx, clock, { ...entryOf(aside), id, most: UNKNOWN })
        closeEntry(tx, clock, { id, state: "estimated", usage, costNanos })
      })
    },
  })
  for await (const event of events) {
    if (event.type === "restart") Object.assign(heard, { text: "", usage: undefined })
    if (event.type === "text") heard.text += event.delta
    if (event.type === "progress") heard.usage = event.usage ?? heard.usage
    if (event.type === "finish") return { stop: event.stop, usage: event.usage }
  }
  throw new ModelError("cut", `${model} ended its answer without finishing it.`)
}

/** Providers whose models think unless they are told how little. */
const THINKERS: ReadonlySet<string> = new Set(["openai"])

function entryOf({ row, purpose, model }: Aside) {
  return { row, runId: null, stepId: null, purpose, model }
}

function guess({ inputTokens }: Most, { text }: Heard): Usage {
  return { ...NOTHING, inputTokens, outputTokens: Math.ceil(text.length / 4) }
}

/** Of an entry that is closed in the same transaction. */
const UNKNOWN: Most = { inputTokens: 0, outputTokens: 0, cost: undefined }
const NOTHING: Usage = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 }
