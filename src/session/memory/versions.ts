// The versions of a session's memory, as rows. The newest is the one in force; a new one is inserted whole, in one
// transaction, and none is ever changed, so that whatever dies leaves a memory that is true.
import { UserError } from "../../base/error.ts"
import type { MemoryRow } from "../../store/rows.ts"
import { insertRow, type Reader, type Tx } from "../../store/store.ts"
import { sessionsBack } from "../lineage.ts"
import { edited, type KeptSections } from "./kept.ts"
import type { KeptSection } from "./sections.ts"

/** A version as it is used: its row with the sections read. */
export interface Version {
  version: number
  coversSeq: number
  sections: KeptSections
  madeBy: MemoryRow["made_by"]
  at: number
}

/** Of a session that has no memory yet. */
export const NO_VERSION: Version = { version: 0, coversSeq: 0, sections: {}, madeBy: "rules", at: 0 }

/** All of the newest are kept, and of those before each tenth and hundredth: a fork may begin anywhere. */
const KEPT_VERSIONS = 20
const KEPT_TENTHS = 200

/** In characters; far more than anybody reads. */
const LARGEST_SECTION = 1_000_000

export function newestVersion(reader: Reader, sessionId: string): Version {
  const row = reader.one<MemoryRow>(
    "SELECT * FROM memory WHERE session_id = :sessionId ORDER BY version DESC LIMIT 1",
    { sessionId },
  )
  return row ? versionOf(row) : NO_VERSION
}

/** The newest first. */
export function versionsOf(reader: Reader, sessionId: string): Version[] {
  const sql = "SELECT * FROM memory WHERE session_id = :sessionId ORDER BY version DESC"
  return reader.all<MemoryRow>(sql, { sessionId }).map(versionOf)
}

export interface NewVersion extends Pick<Version, "coversSeq" | "sections" | "madeBy"> {
  sessionId: string
  now: number
}

/** Returns its number. */
export function addVersion(tx: Tx, { sessionId, coversSeq, sections, madeBy, now }: NewVersion): number {
  const version = newestVersion(tx, sessionId).version + 1
  const row: MemoryRow = {
    session_id: sessionId,
    version,
    covers_seq: coversSeq,
    sections: JSON.stringify(sections),
    made_by: madeBy,
    created_at: now,
  }
  insertRow(tx, "memory", row)
  tx.run(
    `DELETE FROM memory WHERE session_id = :sessionId AND version <= :recent AND version % 100 <> 0
       AND (version % 10 <> 0 OR version <= :tenths)`,
    { sessionId, recent: version - KEPT_VERSIONS, tenths: version - KEPT_TENTHS },
  )
  // Whoever looks at it sees it at once.
  tx.ring(`feed:${sessionId}`)
  tx.ring(`watch:${sessionId}`)
  return version
}

/** A section as the user saved it; `base`: the version that it was made from. */
export function editSection(
  tx: Tx,
  edit: { sessionId: string; name: KeptSection; base: Version; text: string; now: number },
): void {
  const { sessionId, name, base, text, now } = edit
  if (text.length > LARGEST_SECTION)
    throw new UserError(
      "memory-too-long",
      `A section of the memory has at most ${LARGEST_SECTION} characters, not ${text.length}. Nothing was changed.`,
    )
  const newest = newestVersion(tx, sessionId)
  const kept = edited({ base: base.sections[name], now: newest.sections[name], text })
  if (JSON.stringify(kept) === JSON.stringify(newest.sections[name] ?? { lines: [] })) return
  const sections = { ...newest.sections, [name]: kept }
  addVersion(tx, { sessionId, coversSeq: newest.coversSeq, sections, madeBy: "user", now })
}

/**
 * Goes back to an earlier version, as a new one. The messages that came after it are no longer covered: they will be
 * taken in again. Throws a UserError when the version is gone.
 */
export function restoreVersion(tx: Tx, wanted: { sessionId: string; version: number; now: number }): void {
  const { sessionId, version, now } = wanted
  const row = tx.one<MemoryRow>("SELECT * FROM memory WHERE session_id = :sessionId AND version = :version", {
    sessionId,
    version,
  })
  if (!row) throw new UserError("no-version", `Version ${version} of the memory is no longer kept.`)
  const { coversSeq, sections } = versionOf(row)
  addVersion(tx, { sessionId, coversSeq, sections, madeBy: "user", now })
}

/** A fork begins with what its origin remembered of the messages that they share, as far as a version of then is kept. */
export function inheritMemory(tx: Tx, fork: { id: string; originId: string; seq: number; now: number }): void {
  for (const { sessionId } of sessionsBack(tx, fork.originId)) {
    const row = tx.one<MemoryRow>(
      "SELECT * FROM memory WHERE session_id = :sessionId AND covers_seq <= :seq ORDER BY version DESC LIMIT 1",
      { sessionId, seq: fork.seq },
    )
    if (!row) continue
    const { coversSeq, sections } = versionOf(row)
    addVersion(tx, { sessionId: fork.id, coversSeq, sections, madeBy: "fork", now: fork.now })
    return
  }
}

function versionOf(row: MemoryRow): Version {
  return {
    version: row.version,
    coversSeq: row.covers_seq,
    sections: JSON.parse(row.sections) as KeptSections,
    madeBy: row.made_by,
    at: row.created_at,
  }
}
