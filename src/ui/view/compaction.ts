// A compaction in a line: what was kept, and how long the conversation was and is.
import { oneLine, plural, tokens } from "../../base/text.ts"
import type { Kept } from "../../session/compaction.ts"
import type { CompactionRow } from "../../store/rows.ts"

const CAUSE: Readonly<Record<CompactionRow["cause"], string>> = {
  user: "",
  auto: " by itself, near the end of the model's window",
  overflow: " because the model found it too long",
}

/** `short`: without what it means for the person who looks at the conversation. */
export function compactionLine(row: CompactionRow, { short = false }: { short?: boolean } = {}): string {
  const kept = JSON.parse(row.kept) as Kept
  const parts = [
    ...(kept.hasMemory ? ["the memory"] : []),
    kept.messages === 1 ? "the last message" : `the last ${plural(kept.messages, "message")}`,
    ...(kept.tasks > 0 ? [plural(kept.tasks, "live task")] : []),
    ...(kept.todos > 0 ? [plural(kept.todos, "open todo")] : []),
  ]
  const lost = kept.leftOut > 0 ? ` ${plural(kept.leftOut, "message")} had no room and can only be read again.` : ""
  const focus = row.focus ? `, with a focus on ${oneLine(row.focus, 80)}` : ""
  const line = `Compacted${CAUSE[row.cause]}${focus}: kept ${listed(parts)}; ${tokens(row.tokens_before)} → about ${tokens(row.tokens_after)} tokens.${lost}`
  return short ? line : `${line} Everything before stays scrollable and searchable.`
}

function listed(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`
}
