// A tree with a row in every table that can hold some, a value in every column; and the lines of its export.
import { join } from "node:path"
import { type ExportLine, exportTree } from "../../src/session/export.ts"
import type { Reader } from "../../src/store/store.ts"
import { treeTables } from "../../src/store/tables.ts"
import type { TestStore } from "../../testing/harness.ts"
import { columnsOf, seed, seedFull, seedSession } from "../../testing/seed.ts"

/** What the columns with a CHECK may hold. */
const CHECKED: Record<string, Record<string, string | number>> = {
  turn: { state: "done", cause: "human" },
  message: { role: "user", origin: "human" },
  step: { state: "done" },
  tool_call: { state: "done", replay: "safe" },
  inbox: { kind: "prompt", delivery: "steer", origin: "human" },
  task: { wake: "each" },
  run: { state: "completed", stop_by: "user", notice: "none" },
  approval: { state: "denied" },
  file_change: { cause: "write", kept: "git" },
  rewind: { state: "done" },
  ledger: { state: "closed" },
  compaction: { cause: "user", content: "[]", kept: "{}" },
  memory: { made_by: "rules", sections: "{}" },
}

/** A root with a child; each table that can belong to a tree has two rows of it, with a value in every column. */
export async function fullTree(place: TestStore): Promise<void> {
  await place.store.write((tx) => {
    seedFull(tx, "session", {
      id: "root",
      root_id: "root",
      parent_id: null,
      depth: 0,
      tools: '["Read"]',
      limits: '{"only":[]}',
      title_by: "model",
    })
    seedFull(tx, "session", {
      id: "child",
      root_id: "root",
      parent_id: "root",
      depth: 1,
      tools: "[]",
      limits: "{}",
      title_by: null,
    })
    for (const n of [1, 2])
      for (const { name } of treeTables) {
        const ids = columnsOf(tx, name).map((column) => column.name)
        const scope = {
          root_id: "root",
          session_id: n === 1 ? "root" : "child",
          owner_id: "root",
          task_id: `task-${n}`,
        }
        const scoped = Object.fromEntries(Object.entries(scope).filter(([column]) => ids.includes(column)))
        const own =
          name === "task"
            ? { id: `task-${n}` }
            : name === "run"
              ? { id: `run-${n}`, spool: join(place.folder, "spool", `run-${n}.out`), n }
              : name === "step"
                ? { id: `step-${n}` }
                : {}
        seedFull(tx, name, { ...CHECKED[name], ...scoped, ...own })
      }
    const odd = { session_id: "root", step_id: "odd", replay: "never", state: "done" }
    // Not as JSON.stringify writes it, not JSON, and what would be taken for the mark of those.
    seed(tx, "tool_call", { ...odd, id: "spaced", idx: 1, input: '{ "a": 1 }', result: '{"content":[]}' })
    seed(tx, "tool_call", { ...odd, id: "broken", idx: 2, input: "{ not json" })
    seed(tx, "tool_call", { ...odd, id: "marked", idx: 3, input: '{"$text":"x"}' })
    seedSession(tx, { id: "other" })
    seed(tx, "message", { id: "of-another", session_id: "other", role: "user", content: "[]" })
  })
}

export async function linesOf(reader: Reader, rootId = "root"): Promise<ExportLine[]> {
  const lines: ExportLine[] = []
  for await (const group of exportTree(reader, rootId)) lines.push(...group)
  return lines
}
