import { describe, expect, test } from "bun:test"
import type { Tx } from "../../../src/store/store.ts"
import { promptHistory } from "../../../src/ui/view/prompt-history.ts"
import { temporaryStore } from "../../../testing/harness.ts"
import { seed, seedSession } from "../../../testing/seed.ts"

const PROJECT = "/work"
let count = 0

function say(tx: Tx, session: string, text: string, more: Record<string, string | number | null> = {}): void {
  count++
  seed(tx, "message", {
    id: `message-${count}`,
    session_id: session,
    seq: count,
    role: "user",
    origin: "human",
    content: JSON.stringify([{ type: "text", text }]),
    created_at: count,
    ...more,
  })
}

describe("what the user asked before", () => {
  test("is read newest first, each once, over all sessions of the project", async () => {
    using temporary = await temporaryStore()
    const { store } = temporary
    await store.write((tx) => {
      seedSession(tx, { id: "a", project: PROJECT, updated_at: 1 })
      seedSession(tx, { id: "b", project: PROJECT, updated_at: 2 })
      say(tx, "a", "twice")
      say(tx, "a", "first")
      say(tx, "b", "again")
      say(tx, "b", "twice")
      say(tx, "b", "second")
      say(tx, "a", "again")
      say(tx, "a", "third\nof two lines  ")
    })
    expect(await promptHistory({ reader: store, project: PROJECT })).toEqual([
      "third\nof two lines",
      "again",
      "second",
      "twice",
      "first",
    ])
  })

  test("has no word of others: agents, notices, other projects, sub-agents' sessions", async () => {
    using temporary = await temporaryStore()
    const { store } = temporary
    await store.write((tx) => {
      seedSession(tx, { id: "a", project: PROJECT })
      seedSession(tx, { id: "child", project: PROJECT, parent_id: "a", root_id: "a" })
      seedSession(tx, { id: "other", project: "/other" })
      say(tx, "a", "mine")
      say(tx, "a", "a task has ended", { origin: "task" })
      say(tx, "a", "from elsewhere", { origin: "peer" })
      say(tx, "a", "the model's", { role: "assistant", origin: null })
      say(tx, "child", "an agent's prompt")
      say(tx, "other", "another project's")
    })
    expect(await promptHistory({ reader: store, project: PROJECT })).toEqual(["mine"])
    expect(await promptHistory({ reader: store, project: "/nothing" })).toEqual([])
  })

  test("leaves out images and what is no prompt to come back to", async () => {
    using temporary = await temporaryStore()
    const { store } = temporary
    const parts = [
      { type: "text", text: "what is [Image #1] for" },
      { type: "image", mediaType: "image/png", data: "A".repeat(500_000) },
    ]
    await store.write((tx) => {
      seedSession(tx, { id: "a", project: PROJECT })
      say(tx, "a", "", { content: JSON.stringify(parts) })
      say(tx, "a", " \n ")
      say(tx, "a", "[Image #1] was only typed")
      say(tx, "a", "x".repeat(300_000))
    })
    expect(await promptHistory({ reader: store, project: PROJECT })).toEqual([
      "[Image #1] was only typed",
      "what is for",
    ])
  })

  test("is bounded, and keeps what is newest", async () => {
    using temporary = await temporaryStore()
    const { store } = temporary
    await store.write((tx) => {
      seedSession(tx, { id: "a", project: PROJECT })
      for (let n = 1; n <= 50; n++) say(tx, "a", `prompt ${n}`)
    })
    const found = await promptHistory({ reader: store, project: PROJECT, limit: 3 })
    expect(found).toEqual(["prompt 50", "prompt 49", "prompt 48"])
  })

  test("is read in slices between which keys are answered, and can be given up", async () => {
    using temporary = await temporaryStore()
    const { store } = temporary
    await store.write((tx) => {
      seedSession(tx, { id: "a", project: PROJECT })
      say(tx, "a", "first", { seq: 1 })
      for (let seq = 2; seq < 20_000; seq++) say(tx, "a", "t", { seq, origin: "task" })
      say(tx, "a", "last", { seq: 20_000 })
    })
    let turns = 0
    let reading = true
    const turn = () => {
      turns++
      if (reading) setImmediate(turn)
    }
    setImmediate(turn)
    expect(await promptHistory({ reader: store, project: PROJECT })).toEqual(["last", "first"])
    reading = false
    expect(turns).toBeGreaterThanOrEqual(30)

    const end = new AbortController()
    const given = promptHistory({ reader: store, project: PROJECT, signal: end.signal })
    end.abort(new Error("gone"))
    expect(given).rejects.toThrow("gone")
  })
})
