// Where a compaction stands in the conversation that is shown, and what its line says.
import { expect, test } from "bun:test"
import type { CompactionRow, FeedRow } from "../../../src/store/rows.ts"
import type { Tx } from "../../../src/store/store.ts"
import { compactionLine } from "../../../src/ui/view/compaction.ts"
import { Transcript } from "../../../src/ui/view/transcript.ts"
import { temporaryStore } from "../../../testing/harness.ts"
import { seed, seedSession } from "../../../testing/seed.ts"
import { type Said, seedConversation } from "../../../testing/seed-conversation.ts"

const KEPT = { messages: 3, hasMemory: true, leftOut: 0, tasks: 0, todos: 0 }
const made = (
  tx: Tx,
  { id, seq, session = "s", kept = {} }: { id: string; seq: number; session?: string; kept?: object },
) =>
  seed(tx, "compaction", {
    id,
    session_id: session,
    seq,
    cause: "user",
    content: "[]",
    kept: JSON.stringify({ ...KEPT, ...kept }),
    tokens_before: 182_000,
    tokens_after: 14_200,
  })
const words = (n: number, from = 1): Said[] =>
  Array.from({ length: n }, (_, i) => ({ by: "user", text: `word ${from + i}` }))
const feed = (kind: FeedRow["kind"], ref: string): FeedRow => ({
  seq: 1,
  root_id: "s",
  session_id: "s",
  kind,
  ref,
  data: null,
  at: 1,
})

function shown(transcript: Transcript): string[] {
  return transcript.entries.map((entry) =>
    entry.type === "note" ? `(${entry.id})` : "text" in entry ? entry.text : entry.type,
  )
}

test("it stands behind the message that was the newest, on its page, and in a fork as well", async () => {
  using home = await temporaryStore()
  await home.store.write((tx) => {
    seedSession(tx, { id: "s" })
    seedConversation(tx, "s", { said: words(6) })
    made(tx, { id: "first", seq: 2 })
    made(tx, { id: "second", seq: 5 })
    seedSession(tx, { id: "fork", forked_from: "s", fork_seq: 4 })
  })
  const transcript = new Transcript(home.store, { sessionId: "s", tasks: { get: () => undefined }, page: 3 })
  expect(shown(transcript)).toEqual(["word 4", "word 5", "(second)", "word 6"])
  transcript.loadEarlier()
  expect(shown(transcript)).toEqual(["word 1", "word 2", "(first)", "word 3", "word 4", "word 5", "(second)", "word 6"])
  const fork = new Transcript(home.store, { sessionId: "fork", tasks: { get: () => undefined } })
  expect(shown(fork)).toEqual(["word 1", "word 2", "(first)", "word 3", "word 4"])
})

test("it comes live, once, before what was said after it, in whatever pieces the news come", async () => {
  using home = await temporaryStore()
  await home.store.write((tx) => {
    seedSession(tx, { id: "s" })
    seedConversation(tx, "s", { said: words(2) })
  })
  const open = () => new Transcript(home.store, { sessionId: "s", tasks: { get: () => undefined } })
  const [together, apart, again] = [open(), open(), open()]
  await home.store.write((tx) => made(tx, { id: "one", seq: 2 }))
  apart.apply([feed("compaction", "one")])
  expect(shown(apart)).toEqual(["word 1", "word 2", "(one)"])
  await home.store.write((tx) => {
    seedConversation(tx, "s", { said: words(2, 3), from: 3 })
    made(tx, { id: "two", seq: 3 })
  })
  const wanted = ["word 1", "word 2", "(one)", "word 3", "(two)", "word 4"]
  together.apply([
    feed("compaction", "one"),
    feed("message", "s-m3"),
    feed("compaction", "two"),
    feed("message", "s-m4"),
  ])
  expect(shown(together)).toEqual(wanted)
  apart.apply([feed("message", "s-m3"), feed("compaction", "two"), feed("message", "s-m4")])
  expect(shown(apart)).toEqual(wanted)
  again.apply([feed("message", "s-m3"), feed("message", "s-m4"), feed("compaction", "one")])
  again.apply([feed("compaction", "one"), feed("compaction", "two")])
  expect(shown(again).sort()).toEqual([...wanted].sort())
})

test("its line says what was kept, why it was made, and what had no room", async () => {
  using home = await temporaryStore()
  await home.store.write((tx) => {
    seedSession(tx, { id: "s" })
    made(tx, { id: "a", seq: 1 })
    made(tx, { id: "b", seq: 2, kept: { hasMemory: false, messages: 1, tasks: 2, todos: 1, leftOut: 1_200 } })
    tx.run("UPDATE compaction SET cause = 'overflow', focus = 'doors' WHERE id = 'b'")
  })
  const lines = home.store.all<CompactionRow>("SELECT * FROM compaction ORDER BY seq").map((row) => compactionLine(row))
  expect(lines).toEqual([
    "Compacted: kept the memory and the last 3 messages; 182.0k → about 14.2k tokens. Everything before stays scrollable and searchable.",
    "Compacted because the model found it too long, with a focus on doors: kept the last message, 2 live tasks and 1 open todo; 182.0k → about 14.2k tokens. 1,200 messages had no room and can only be read again. Everything before stays scrollable and searchable.",
  ])
})
