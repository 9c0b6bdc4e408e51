// Which files a session's model has seen, and as what: its tools store that with their results, so that a session which
// goes on in another process need not read again what it knows.
import type { Reader } from "../store/store.ts"
import type { SeenFile } from "../tool/files.ts"

export function filesSeen(reader: Reader, sessionId: string): SeenFile[] {
  const rows = reader.all<{ seen: string }>(
    `SELECT json_extract(result, '$.data.seen') AS seen FROM tool_call
     WHERE session_id = :sessionId AND state = 'done' AND seen IS NOT NULL ORDER BY rowid`,
    { sessionId },
  )
  return rows.map((row) => JSON.parse(row.seen) as SeenFile)
}
