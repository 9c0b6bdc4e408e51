// What a command line gave to the work that it began, kept while that work is under way: a process that takes over after
// a crash may do as much as the one that died, and no more. docs/decisions/0018-permissions-after-a-crash.md.
import type { Reader, Store, Tx } from "../store/store.ts"
import { LIVE } from "../task/task.ts"

export interface Given {
  /** Permission rules as they were written. */
  allow: readonly string[]
  deny: readonly string[]
  /** The most that the call may spend, and the ledger's last row when it began. */
  maxBudgetUsd?: number | undefined
  ledger: number
  /** Somebody was there who could answer requests for permission, and may come again. */
  answerable: boolean
  /** Most steps of the root session in this call, and the number of its last one before. */
  maxSteps?: number | undefined
  step: number
}

export type OwnGiven = Pick<Given, "allow" | "deny" | "answerable" | "maxBudgetUsd" | "maxSteps">

/** What holds for the work that a host finds or begins. */
export interface Held extends Given {
  /** Its rules are those of a process that died, so this one does not know them from its own command line. */
  isCarriedOn: boolean
}

/**
 * For a host that has just taken the lease. `carriesOn`: it has no command line of its own for this session, and goes on
 * under the one of the process that died. Any other start brings its own: what was allowed before is gone; what was
 * forbidden to the work that is still under way stays so until that work is done.
 */
export async function enterGiven(
  store: Store,
  rootId: string,
  { own, carriesOn }: { own: OwnGiven; carriesOn: boolean },
): Promise<Held> {
  const left = givenOf(store, rootId)
  const start = { ledger: lastLedger(store), step: lastStep(store, rootId) }
  if (carriesOn) return { ...(left ?? { allow: [], deny: [], answerable: false, ...start }), isCarriedOn: true }
  const given: Given = { ...own, deny: [...new Set([...own.deny, ...(left?.deny ?? [])])], ...start }
  if (isEmpty(given)) {
    if (left) await store.write((tx) => removeGiven(tx, rootId))
    return { ...given, isCarriedOn: false }
  }
  // Durably: whoever takes over must know what was forbidden.
  await store.writeDurably((tx) =>
    tx.run(
      `INSERT INTO meta (key, value) VALUES (:key, :value) ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
      { key: keyOf(rootId), value: JSON.stringify(given) },
    ),
  )
  return { ...given, isCarriedOn: false }
}

/** At the end of a host: nothing of it stays, unless work does. */
export async function leaveGiven(store: Store, rootId: string): Promise<void> {
  if (!givenOf(store, rootId) || isUnderWay(store, rootId)) return
  await store.write((tx) => {
    if (!isUnderWay(tx, rootId)) removeGiven(tx, rootId)
  })
}

/** How many steps of the root the call has left. */
export function stepsLeft(reader: Reader, rootId: string, { maxSteps, step }: Given): number {
  if (maxSteps === undefined) return Number.POSITIVE_INFINITY
  const { taken } = reader.one<{ taken: number }>(
    `SELECT COUNT(*) AS taken FROM step WHERE session_id = :rootId AND n > :step AND ${COUNTS}`,
    { rootId, step },
  )!
  return Math.max(0, maxSteps - taken)
}

/** For SQL: a step that counts as one of those that a session may take. One whose process died is asked again. */
export const COUNTS = "state IN ('calling', 'done', 'failed')"

/** The rules that the command line gave to the work of a tree, whichever process drives it. */
export function givenRules(reader: Reader, rootId: string): Pick<Given, "allow" | "deny"> {
  return givenOf(reader, rootId) ?? { allow: [], deny: [] }
}

function givenOf(reader: Reader, rootId: string): Given | undefined {
  const row = reader.one<{ value: string }>("SELECT value FROM meta WHERE key = :key", { key: keyOf(rootId) })
  return row && (JSON.parse(row.value) as Given)
}

function isEmpty({ allow, deny, answerable, maxBudgetUsd, maxSteps }: Given): boolean {
  return allow.length === 0 && deny.length === 0 && !answerable && maxBudgetUsd === undefined && maxSteps === undefined
}

/** A turn, a task or a prompt that the next host would go on with. */
function isUnderWay(reader: Reader, rootId: string): boolean {
  const sql = `SELECT 1 WHERE
    EXISTS (SELECT 1 FROM turn JOIN session ON session.id = turn.session_id
      WHERE session.root_id = :rootId AND turn.state = 'open')
    OR EXISTS (SELECT 1 FROM run JOIN task ON task.id = run.task_id
      WHERE task.root_id = :rootId AND run.state IN ${LIVE} AND run.service = 0)
    OR EXISTS (SELECT 1 FROM inbox WHERE session_id = :rootId AND wake = 1)`
  return reader.one(sql, { rootId }) !== undefined
}

export function removeGiven(tx: Tx, rootId: string): void {
  tx.run("DELETE FROM meta WHERE key = :key", { key: keyOf(rootId) })
}

function keyOf(rootId: string): string {
  return `given:${rootId}`
}

function lastLedger(reader: Reader): number {
  return reader.one<{ end: number | null }>("SELECT MAX(rowid) AS end FROM ledger")?.end ?? 0
}

function lastStep(reader: Reader, rootId: string): number {
  return reader.one<{ n: number | null }>("SELECT MAX(n) AS n FROM step WHERE session_id = :rootId", { rootId })?.n ?? 0
}
