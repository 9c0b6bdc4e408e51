// The versions of a session's memory, as rows. The newest is the one in force; a new one is inserted whole, in one
// transaction, and none is ever changed, so that whatever dies leaves a memory that is true.
import type { MemoryRow } from "../../store/rows.ts"
import type { Reader } from "../../store/store.ts"
import type { KeptSections } from "./kept.ts"

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

export function newestVersion(reader: Reader, sessionId: string): Version {
  const row = reader.one<MemoryRow>(
    "SELECT * FROM memory WHERE session_id = :sessionId ORDER BY version DESC LIMIT 1",
    { sessionId },
  )
  return row ? versionOf(row) : NO_VERSION
}

/** The newest first. */
export function versions(reader: Reader, sessionId: string): Version[] {
  const sql = "SELECT * FROM memory WHERE session_id = :sessionId ORDER BY version DESC"
  return reader.all<MemoryRow>(sql, { sessionId }).map(versionOf)
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
