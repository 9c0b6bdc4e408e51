// Which files a session's model has seen, and as what: its tools store that with their results, so that a session which
// goes on in another process need not read again what it knows.
import type { Reader } from "../store/store.ts"
import type { SeenFile } from "../tool/files.ts"
import { lineage, type Stretch } from "./lineage.ts"

export function filesSeen(reader: Reader, sessionId: string): SeenFile[] {
  const shared = lineage(reader, sessionId).filter((stretch) => stretch.sessionId !== sessionId)
  const own = reader.all<Seen>(
    `SELECT ${SEEN} FROM tool_call
     WHERE session_id = :sessionId AND state = 'done' AND seen IS NOT NULL ORDER BY rowid`,
    { sessionId },
  )
  const rows = [...shared.flatMap((stretch) => seenIn(reader, stretch)), ...own]
  return rows.map((row) => JSON.parse(row.seen) as SeenFile)
}

interface Seen {
  seen: string
}

const SEEN = "json_extract(result, '$.data.seen') AS seen"

/** In what a fork shares: by the calls of those messages, since the origin has gone on since. */
function seenIn(reader: Reader, stretch: Stretch): Seen[] {
  return reader.all<Seen>(
    `SELECT ${SEEN} FROM message JOIN tool_call ON tool_call.step_id = message.step_id
     WHERE message.session_id = :sessionId AND message.seq > :after AND message.seq <= :upTo
       AND tool_call.state = 'done' AND seen IS NOT NULL ORDER BY message.seq, tool_call.idx`,
    { ...stretch },
  )
}
