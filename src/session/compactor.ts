// When a session is compacted: at a step boundary, where every call has its result. Because the user asked for it, by a
// control in the root's inbox; because its next request would be near the model's window; or because the model has
// refused a request as too long.
import type { Clock } from "../base/clock.ts"
import { messageOf } from "../base/error.ts"
import { tokens as amount, oneLine } from "../base/text.ts"
import { ModelError } from "../model/model.ts"
import { publish } from "../store/feed.ts"
import type { InboxRow } from "../store/rows.ts"
import type { Tx } from "../store/store.ts"
import { toolSpecs } from "../tool/registry.ts"
import type { CompactionPolicy } from "./compaction.ts"
import { type Made, makeCompaction } from "./compaction-make.ts"
import { contextTokens, type Fixed, fixedTokens, likelyTokens } from "./compaction-size.ts"
import type { Control, Refusal } from "./controls.ts"
import { filesInSight } from "./files-seen.ts"
import { lastSeq } from "./lineage.ts"
import { openTurn } from "./recover.ts"
import type { Session, SessionParts } from "./session.ts"

type Parts = Pick<SessionParts, "store" | "clock" | "ids" | "log" | "models" | "compacted" | "compaction">

/** Where the settings say nothing: what models have is larger by far, but for those that the user knows better. */
const DEFAULTS = { at: 0.8, window: 8_000 }

export function compactionPolicy({ compactAt: at = DEFAULTS.at, models = {} }: PolicySettings): CompactionPolicy {
  const windows = Object.values(models).flatMap(({ contextWindow }) => contextWindow ?? [])
  return { at, smallestWindow: Math.min(DEFAULTS.window, ...windows) }
}

interface PolicySettings {
  compactAt?: number
  models?: Readonly<Record<string, { contextWindow?: number }>>
}

/** Before a request: what the user asked for, or what its length asks for. */
export async function compactAtBoundary(session: Session, parts: Parts): Promise<void> {
  await compactAsked(session, parts, { during: "turn" })
  const { at, smallestWindow } = parts.compaction
  if (at <= 0 || lastSeq(parts.store, session.row.id) < 2) return
  const now = contextTokens(parts.store, session.row.id, fixedOf(session))
  // The catalogue of models takes a moment to load: a conversation of a few words is not worth it.
  if (now < smallestWindow * at) return
  const { contextWindow } = await parts.models.facts(session.row.model)
  if (now < contextWindow * at || isFutile(session, now)) return
  const made = await makeCompaction(parts.store, parts.clock, {
    id: parts.ids.uuid(),
    row: session.row,
    fixed: fixedOf(session),
    cause: "auto",
    window: contextWindow,
    mayBegin: () => true,
  })
  after(session, parts, made)
}

/** What the user has asked for, in that order. `during`: "idle" leaves it to a turn that is under way. */
export async function compactAsked(
  session: Session,
  parts: Parts,
  { during }: { during: "turn" | "idle" },
): Promise<void> {
  if (session.row.parent_id !== null) return
  const { store, clock } = parts
  for (const control of store.all<InboxRow>(ASKED, { id: session.row.id })) {
    const { focus } = JSON.parse(control.content) as Extract<Control, { action: "compact" }>
    const { contextWindow } = await parts.models.facts(session.row.model)
    const made = await makeCompaction(store, clock, {
      id: control.id,
      row: session.row,
      fixed: fixedOf(session),
      cause: "user",
      focus: oneLine(focus ?? "", FOCUS_CHARS) || undefined,
      window: contextWindow,
      mayBegin: (tx) =>
        (during === "turn" || !openTurn(tx, session.row.id)) &&
        tx.one("SELECT 1 FROM inbox WHERE id = :id", { id: control.id }) !== undefined,
      // The control goes in the transaction in which it takes effect: a second time would compact what is compacted.
      done: (tx, gained, now) => {
        tx.run("DELETE FROM inbox WHERE id = :id", { id: control.id })
        if (!gained) refuse(tx, clock, { session, control, why: nothingGained(now) })
      },
    })
    if (made.type === "failed")
      await store.write((tx) => {
        tx.run("DELETE FROM inbox WHERE id = :id", { id: control.id })
        refuse(tx, clock, {
          session,
          control,
          why: `The conversation could not be compacted: ${messageOf(made.error)}`,
        })
      })
    after(session, parts, made)
  }
}

/** More is no focus. */
const FOCUS_CHARS = 1_000

const ASKED = `SELECT * FROM inbox WHERE session_id = :id AND kind = 'control' AND content ->> '$.action' = 'compact'
  ORDER BY seq`

/** After the model has refused a request as too long: whether it is shorter now. */
export async function compactAfterOverflow(session: Session, parts: Parts): Promise<boolean> {
  const { contextWindow } = await parts.models.facts(session.row.model)
  const fixed = fixedOf(session)
  // It was too long, whatever was counted before.
  const sent = fixedTokens(fixed) + likelyTokens(session.history.messages())
  const tokens = Math.max(sent, contextTokens(parts.store, session.row.id, fixed))
  const made = await makeCompaction(parts.store, parts.clock, {
    id: parts.ids.uuid(),
    row: session.row,
    fixed,
    cause: "overflow",
    // What the catalogue says of the window is not to be trusted now.
    window: Math.floor(Math.min(contextWindow, tokens) / 2),
    tokens,
    mayBegin: () => true,
  })
  after(session, parts, made)
  return made.type === "made"
}

export function isTooLong(error: unknown): error is ModelError {
  return error instanceof ModelError && error.kind === "too-long"
}

/** Of a request that is too long although all has been done that can be. */
export function stillTooLong(error: ModelError, { model }: { model: string }): ModelError {
  const detail = /\(.*\)/.exec(error.message)?.[0]
  return new ModelError(
    "too-long",
    `The conversation is too long for ${model}${detail ? ` ${detail}` : ""}, also compacted: its last message alone may be too long. Take another model (--model), say it in fewer words, or start a new session.`,
    error.options,
  )
}

function after(session: Session, { store, log, compacted }: Parts, made: Made): void {
  // A conversation that can't be compacted goes on as it is: the model may take it yet.
  if (made.type === "failed") {
    futile.set(session, Number.POSITIVE_INFINITY)
    log.error("compacting failed", { error: made.error, session: session.row.id })
  }
  if (made.type === "nothing-gained") futile.set(session, made.tokens)
  if (made.type === "made") compacted(session.row.id, filesInSight(store, session.row.id, made.compaction))
}

/** Sessions of which a compaction would not have gained anything, and how long they were then. */
const futile = new WeakMap<Session, number>()

function isFutile(session: Session, now: number): boolean {
  const then = futile.get(session)
  return then !== undefined && now < then * 1.1
}

function fixedOf({ row, tools }: Session): Fixed {
  return { system: row.system, tools: toolSpecs([...tools.values()]) }
}

function nothingGained(now: number): string {
  return `There is nothing to compact yet: what would be kept is about all there is (≈ ${amount(now)} tokens).`
}

function refuse(
  tx: Tx,
  clock: Clock,
  { session, control, why }: { session: Session; control: InboxRow; why: string },
): void {
  const { root_id: rootId, id } = session.row
  const data: Refusal = { action: "compact", message: why }
  publish(tx, clock, { rootId, sessionId: id, kind: "refused", ref: control.id, data })
}
