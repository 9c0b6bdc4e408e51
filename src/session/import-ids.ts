// New ids for rows that come into a database in which theirs are taken: every id, wherever it is mentioned. Ids are
// random enough (base/ids.ts) that a text which has one means it.
import type { Ids } from "../base/ids.ts"
import type { Reader } from "../store/store.ts"

const UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
const SHORT = "(?<![a-z0-9])[a-hjkmnp-z2-9]{12}(?![a-z0-9])"
const ID = new RegExp(`${UUID}|${SHORT}`, "g")
const IS_UUID = new RegExp(`^${UUID}$`)
const IS_SHORT = new RegExp(`^${SHORT}$`)

export type Renaming = ReadonlyMap<string, string>

/** Adds a new id for each of these. Ids that are made of others (a notice's, of its run's) follow from them. */
export function renameIds(renaming: Map<string, string>, ids: Ids, known: Iterable<string>): void {
  for (const id of known) {
    if (renaming.has(id)) continue
    if (IS_UUID.test(id)) renaming.set(id, ids.uuid())
    else if (IS_SHORT.test(id)) renaming.set(id, ids.short())
  }
}

/** For a single id, of whatever form. */
export function newId(id: string, ids: Ids): string {
  const fresh = id.replace(ID, (one) => (IS_UUID.test(one) ? ids.uuid() : ids.short()))
  return fresh === id ? ids.uuid() : fresh
}

export function* idsIn(reader: Reader, tables: Iterable<string>): Generator<string> {
  for (const table of tables) for (const { id } of reader.all<{ id: string }>(`SELECT id FROM ${table}`)) yield id
}

/** The text with the new ids in it. */
export function renamed(text: string, renaming: Renaming): string {
  if (renaming.size === 0) return text
  return renaming.get(text) ?? text.replace(ID, (id) => renaming.get(id) ?? id)
}

/**
 * As `renamed`, for what a model has said: its reasoning stays as it is, because providers sign it and take it back
 * unchanged only.
 */
export function renamedContent(text: string, renaming: Renaming): string {
  if (renaming.size === 0 || !text.includes('"reasoning"')) return renamed(text, renaming)
  try {
    const parts: unknown = JSON.parse(text)
    if (!Array.isArray(parts)) return renamed(text, renaming)
    return `[${parts.map((part: unknown) => (isReasoning(part) ? JSON.stringify(part) : renamed(JSON.stringify(part), renaming))).join(",")}]`
  } catch {
    return renamed(text, renaming)
  }
}

function isReasoning(part: unknown): boolean {
  return typeof part === "object" && part !== null && "type" in part && part.type === "reasoning"
}
