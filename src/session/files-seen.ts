// Which files a session's model has seen, and as what: its tools store that with their results, so that a session which
// goes on in another process need not read again what it knows.
import type { Reader } from "../store/store.ts"
import type { Recalled, SeenFile } from "../tool/files.ts"
import { type Compaction, compactionOf, isWhole, resultLimit } from "./compaction.ts"
import { lineage, messagesAfter, type Stretch } from "./lineage.ts"

/** As its rows say. */
export function recallFiles(reader: Reader, sessionId: string): Recalled {
  const compaction = compactionOf(reader, sessionId)
  const inSight = compaction && filesInSight(reader, sessionId, compaction)
  return { files: filesSeen(reader, sessionId), inSight }
}

/** Files of which a compaction has left the content in sight, and those that were seen later. */
export function filesInSight(reader: Reader, sessionId: string, compaction: Compaction): ReadonlySet<string> {
  const { seq, kept } = compaction
  const paths = messagesAfter(reader, sessionId, compaction.kept_after).flatMap((message) => {
    if (message.step_id === null) return []
    const limit = message.seq > seq ? undefined : resultLimit(message.seq, kept)
    const rows = reader.all<{ path: string; shown: string | null; name: string }>(
      `SELECT json_extract(result, '$.data.seen.path') AS path, json_extract(result, '$.content[0].text') AS shown, name
       FROM tool_call WHERE step_id = :step AND name IN ('Read', 'Write') AND state = 'done' AND path IS NOT NULL`,
      { step: message.step_id },
    )
    return rows
      .filter(({ name, shown }) => name === "Write" || limit === undefined || isWhole(shown ?? "", limit))
      .map(({ path }) => path)
  })
  return new Set(paths)
}

export function filesSeen(reader: Reader, sessionId: string): SeenFile[] {
  const shared = lineage(reader, sessionId).filter((stretch) => stretch.sessionId !== sessionId)
  const own = reader.all<Seen>(
    `SELECT ${SEEN} FROM tool_call
     WHERE session_id = :sessionId AND state = 'done' AND seen IS NOT NULL ORDER BY +rowid`,
    { sessionId },
  )
  const rows = [...shared.flatMap((stretch) => seenIn(reader, stretch)), ...own]
  return rows.map((row) => JSON.parse(row.seen) as SeenFile)
}

interface Seen {
  seen: string
}

/** As in the index tool_call_seen, word for word. */
const SEEN = "json_extract(result, '$.data.seen') AS seen"

/** In what a fork shares: by the calls of those messages, since the origin has gone on since. */
function seenIn(reader: Reader, stretch: Stretch): Seen[] {
  return reader.all<Seen>(
    `SELECT ${SEEN} FROM tool_call
       CROSS JOIN step ON step.id = tool_call.step_id
       CROSS JOIN message ON message.id = step.message_id AND message.seq > :after AND message.seq <= :upTo
     WHERE tool_call.session_id = :sessionId AND tool_call.state = 'done' AND seen IS NOT NULL
     ORDER BY message.seq, tool_call.idx`,
    { ...stretch },
  )
}
