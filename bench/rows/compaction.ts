// Compaction of a session of 20,000 messages: how long nothing else gets through while it is made, with a memory that
// is up to date and without any, and how long a process takes to see the conversation after it.
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { join } from "node:path"
import { systemClock } from "../../src/base/clock.ts"
import { makeCompaction } from "../../src/session/compaction-make.ts"
import { History } from "../../src/session/history.ts"
import { openStore } from "../../src/store/open.ts"
import type { SessionRow } from "../../src/store/rows.ts"
import type { Store } from "../../src/store/store.ts"
import { seed, seedSession, seedTask } from "../../testing/seed.ts"
import { type Said, seedConversation } from "../../testing/seed-conversation.ts"
import { type MeasureRows, median } from "../measure.ts"

const MESSAGES = 20_000
const TASKS = 1_000
const SAMPLES = 15
const WINDOW = 200_000

export const rows: MeasureRows = async ({ folder }) => {
  const data = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : folder, "meanwhile-compaction-"))
  const store = await openStore({ folder: data, clock: systemClock })
  try {
    await store.write(seedSessionOf)
    const without = await measure(store)
    await store.write((tx) =>
      seed(tx, "memory", {
        session_id: "root",
        version: 1,
        covers_seq: MESSAGES - 10,
        sections: JSON.stringify({ log: { lines: lines(200) }, completed: { lines: lines(100) } }),
        made_by: "model",
      }),
    )
    const covered = await measure(store)
    const row = { unit: "ms" as const, floor: 0 }
    return [
      { ...row, name: "compaction of 20,000 messages, memory up to date", median: covered.make, budget: { most: 50 } },
      { ...row, name: "compaction of 20,000 messages, no memory", median: without.make, budget: { most: 50 } },
      { ...row, name: "a compacted conversation, read anew", median: covered.read, budget: { most: 20 } },
    ]
  } finally {
    store.close()
    rmSync(data, { recursive: true, force: true })
  }
}

function lines(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `- ${i}: something was done, and this is what came of it in a line`)
}

/** Turns of eight steps with a call each; every tenth call changes a file. */
function seedSessionOf(tx: Parameters<typeof seedConversation>[0]): void {
  seedSession(tx, { id: "root", told_tasks: "[]" })
  const result = "a line of some output that is not long\n".repeat(80)
  const said = Array.from({ length: MESSAGES }, (_, i): Said => {
    if (i % 10 === 0)
      return { by: "user", text: `Question ${i}: what about that other thing? ${"And this. ".repeat(20)}` }
    if (i % 10 === 9) return { by: "model", text: `Answer ${i}. ${"It is so. ".repeat(100)}` }
    if (i % 10 === 5) {
      const path = `/work/src/file-${i % 400}.ts`
      const data = { path, added: 3, removed: 1, before: "old", seen: { path, sha256: "a", mtimeMs: i, size: 1 } }
      return { by: "model", calls: [{ name: "Edit", input: { file_path: path }, result: "Edited.", data }] }
    }
    return { by: "model", calls: [{ name: "Bash", input: { command: `make ${i}` }, result }] }
  })
  seedConversation(tx, "root", { said })
  // What the provider counted at the last answer.
  const counted = { session_id: "root", step_id: `root-s${MESSAGES}`, state: "closed", input_tokens: 160_000 }
  seed(tx, "ledger", { id: "last", root_id: "root", purpose: "turn", ...counted })
  for (let i = 0; i < TASKS; i++) seedTask(tx, { id: `task-${i}`, root: "root", run: { state: "completed" } })
  for (let i = 0; i < 20; i++) seedTask(tx, { id: `live-${i}`, root: "root" })
}

async function measure(store: Store): Promise<{ make: number; read: number }> {
  const row = store.one<SessionRow>("SELECT * FROM session WHERE id = 'root'")!
  const times: { make: number; read: number }[] = []
  for (let i = 0; i < SAMPLES; i++) {
    const began = performance.now()
    const made = await makeCompaction(store, systemClock, {
      id: `made-${i}`,
      row,
      fixed: { system: "You are helpful.", tools: [] },
      cause: "user",
      window: WINDOW,
      mayBegin: () => true,
    })
    const after = performance.now()
    if (made.type !== "made") throw new Error(`nothing was compacted: ${made.type}`)
    new History(store, "root").messages()
    times.push({ make: after - began, read: performance.now() - after })
    await store.write((tx) => tx.run("DELETE FROM compaction"))
  }
  return { make: median(times.map(({ make }) => make)), read: median(times.map(({ read }) => read)) }
}
