import { expect, test } from "bun:test"
import fc from "fast-check"
import { systemClock } from "../../src/base/clock.ts"
import { randomIds } from "../../src/base/ids.ts"
import { compactionOf } from "../../src/session/compaction.ts"
import { forkSession } from "../../src/session/fork.ts"
import { History } from "../../src/session/history.ts"
import {
  countMessages,
  firstMessage,
  lastSeq,
  lineage,
  messagesAfter,
  messagesBefore,
  nextSeq,
  originsOf,
} from "../../src/session/lineage.ts"
import { removeSession } from "../../src/session/remove.ts"
import type { MessageRow, SessionRow } from "../../src/store/rows.ts"
import type { Store, Tx } from "../../src/store/store.ts"
import { temporaryStore } from "../../testing/harness.ts"
import { seed, seedSession } from "../../testing/seed.ts"

let count = 0

/** A prompt and its answer with one call, as a turn leaves them; the same text stands in all that belongs together. */
function say(tx: Tx, sessionId: string): string {
  const word = `word ${++count}`
  const turn = `turn-${count}`
  seed(tx, "turn", { id: turn, session_id: sessionId, state: "done", cause: "human" })
  const prompt = { id: `prompt-${count}`, session_id: sessionId, seq: nextSeq(tx, sessionId), role: "user" }
  seed(tx, "message", { ...prompt, origin: "human", turn_id: turn, content: text(word) })
  const step = `step-${count}`
  const answer = { id: `answer-${count}`, session_id: sessionId, seq: nextSeq(tx, sessionId), role: "assistant" }
  seed(tx, "message", { ...answer, turn_id: turn, step_id: step, content: text(word) })
  seed(tx, "step", { id: step, session_id: sessionId, turn_id: turn, n: count, state: "done", message_id: answer.id })
  const result = JSON.stringify({ content: [{ type: "text", text: word }] })
  const call = { id: `call-${count}`, call_id: `c${count}`, step_id: step, session_id: sessionId, name: "Read" }
  seed(tx, "tool_call", { ...call, input: "{}", state: "done", replay: "safe", result })
  return word
}

function text(word: string): string {
  return JSON.stringify([{ type: "text", text: word }])
}

function wordsOf(rows: readonly MessageRow[]): string[] {
  return rows.map((row) => (JSON.parse(row.content) as { text: string }[])[0]!.text)
}

/** What the model would be given, as one text. */
function seen(store: Store, id: string): string {
  return JSON.stringify(new History(store, id).messages())
}

test("a fork's messages are those it shares, then its own, whichever way they are read", async () => {
  using place = await temporaryStore()
  const { store } = place
  const parts = { clock: systemClock, ids: randomIds }
  const fork = await store.write((tx) => {
    seedSession(tx, { id: "a" })
    say(tx, "a")
    say(tx, "a")
    const { row } = forkSession(tx, parts, { originId: "a" })
    say(tx, "a")
    say(tx, row.id)
    return row
  })
  const { row: second } = await store.write((tx) => forkSession(tx, parts, { originId: fork.id }))
  const words = wordsOf(messagesAfter(store, fork.id, 0))
  expect(words).toHaveLength(6)
  expect(messagesAfter(store, fork.id, 0).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6])
  expect(messagesAfter(store, "a", 4).map(({ seq }) => seq)).toEqual([5, 6])
  expect(wordsOf(messagesAfter(store, second.id, 0))).toEqual(words)
  expect(wordsOf(messagesAfter(store, fork.id, 3))).toEqual(words.slice(3))
  expect(wordsOf(messagesBefore(store, fork.id, { limit: 100 })).reverse()).toEqual(words)
  expect(wordsOf(messagesBefore(store, fork.id, { before: 6, limit: 3 }))).toEqual(words.slice(2, 5).reverse())
  expect(wordsOf(messagesBefore(store, second.id, { after: 4, limit: 9 }))).toEqual(words.slice(4).reverse())
  expect(firstMessage(store, second.id, "role = 'assistant'")?.seq).toBe(2)
  expect(countMessages(store, second.id)).toBe(6)
  expect(lastSeq(store, second.id)).toBe(6)
  expect(originsOf(store, second.id)).toEqual([fork.id, "a"])
  expect(lineage(store, fork.id)).toMatchObject([
    { sessionId: "a", after: 0, upTo: 4 },
    { sessionId: fork.id, after: 4 },
  ])
})

test("a circle of forks, as a broken import could make one, ends", async () => {
  using place = await temporaryStore()
  await place.store.write((tx) => {
    seedSession(tx, { id: "a", forked_from: "b", fork_seq: 3 })
    seedSession(tx, { id: "b", forked_from: "a", fork_seq: 3 })
  })
  expect(messagesAfter(place.store, "a", 0)).toEqual([])
  expect(originsOf(place.store, "a")).toEqual(["b"])
})

test("a session that is compacted where it was forked changes nothing for its fork, or for forks of that", async () => {
  using place = await temporaryStore()
  const { store } = place
  const parts = { clock: systemClock, ids: randomIds }
  const fork = await store.write((tx) => {
    seedSession(tx, { id: "a" })
    say(tx, "a")
    say(tx, "a")
    return forkSession(tx, parts, { originId: "a" }).row
  })
  const whole = seen(store, fork.id)
  await store.write((tx) => compact(tx, "a"))
  expect(seen(store, fork.id)).toBe(whole)
  const { row: second } = await store.write((tx) => forkSession(tx, parts, { originId: fork.id }))
  expect(seen(store, second.id)).toBe(whole)
  // Whoever is forked from then on begins with it, unless it is left before.
  const { row: late } = await store.write((tx) => forkSession(tx, parts, { originId: "a" }))
  expect(seen(store, late.id)).toBe(seen(store, "a"))
  expect(seen(store, late.id)).toContain("memory")
  const { row: early } = await store.write((tx) => forkSession(tx, parts, { originId: late.id, at: 2 }))
  expect(seen(store, early.id)).not.toContain("memory")
})

test("any sessions forked anywhere, and deleted in any order, leave the others with their whole conversation", async () => {
  const act = fc.oneof(
    { weight: 4, arbitrary: fc.record({ type: fc.constant("say" as const), at: fc.nat() }) },
    { weight: 3, arbitrary: fc.record({ type: fc.constant("fork" as const), at: fc.nat(), back: fc.nat(3) }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant("compact" as const), at: fc.nat() }) },
    { weight: 2, arbitrary: fc.record({ type: fc.constant("remove" as const), at: fc.nat() }) },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 8, maxLength: 40, size: "max" }), async (acts) => {
      using place = await temporaryStore()
      const { store } = place
      const parts = { clock: systemClock, ids: randomIds }
      /** By session: what its model must see, kept by copying. */
      const model = new Map<string, string[]>([["a", []]])
      await store.write((tx) => seedSession(tx, { id: "a" }))
      for (const act of acts) {
        const ids = [...model.keys()]
        const id = ids[act.at % ids.length]
        if (id === undefined) continue
        const words = model.get(id)!
        if (act.type === "say") {
          const word = await store.write((tx) => say(tx, id))
          words.push(word, word)
        }
        if (act.type === "compact" && words.length > 0) await store.write((tx) => compact(tx, id))
        if (act.type === "fork" && words.length > 2 * act.back) {
          const at = words.length - 2 * act.back
          const { row } = await store.write((tx) => forkSession(tx, parts, { originId: id, at }))
          model.set(row.id, words.slice(0, at))
          if (at === words.length) expect(seen(store, row.id)).toBe(seen(store, id))
        }
        if (act.type === "remove" && ids.length > 1) {
          const before = new Map([...model.keys()].map((each) => [each, seen(store, each)]))
          const row = store.one<SessionRow>("SELECT * FROM session WHERE id = :id", { id })!
          await removeSession(store, systemClock, row)
          model.delete(id)
          for (const each of model.keys()) expect(seen(store, each)).toBe(before.get(each)!)
        }
        for (const [each, expected] of model) {
          expect(wordsOf(messagesAfter(store, each, 0))).toEqual(expected)
          expect(nextSeq(store, each)).toBe(expected.length + 1)
        }
      }
      // What nobody shares any more is gone.
      const left = store.one<{ n: number }>("SELECT COUNT(*) AS n FROM message")!.n
      expect(left).toBe(new Set([...model.values()].flat()).size * 2)
      for (const table of ["step", "tool_call", "turn"])
        expect(store.one<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`)!.n).toBe(left / 2)
    }),
    { numRuns: 40 },
  )
})

function compact(tx: Tx, id: string): void {
  const seq = lastSeq(tx, id)
  const kept = { resultChars: 9, newestChars: 9, newest: seq, noImagesUpTo: 0 }
  seed(tx, "compaction", {
    id: `compaction-${++count}`,
    session_id: id,
    seq,
    kept_after: Math.max(0, seq - 2),
    content: text(`memory ${count}`),
    kept: JSON.stringify(kept),
    cause: "user",
  })
  expect(compactionOf(tx, id)?.seq).toBe(seq)
}
