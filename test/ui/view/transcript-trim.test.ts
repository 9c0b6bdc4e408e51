// A transcript keeps no more in memory than somebody may want to see next.
import { expect, test } from "bun:test"
import type { Store } from "../../../src/store/store.ts"
import { Transcript } from "../../../src/ui/view/transcript.ts"
import { temporaryStore } from "../../../testing/harness.ts"
import { seed, seedSession } from "../../../testing/seed.ts"

async function talk(store: Store, count: number): Promise<void> {
  await store.write((tx) => {
    seedSession(tx, { id: "s" })
    for (let seq = 1; seq <= count; seq++) {
      const isUser = seq % 2 === 1
      seed(tx, "message", {
        id: `m${seq}`,
        session_id: "s",
        seq,
        role: isUser ? "user" : "assistant",
        ...(isUser && { origin: "human" }),
        content: JSON.stringify([{ type: "text", text: `message ${seq}` }]),
        turn_id: `t${seq}`,
        created_at: seq,
      })
    }
  })
}

const textsOf = (transcript: Transcript) =>
  transcript.entries.map((entry) => ("text" in entry ? Number(entry.text.replace("message ", "")) : 0))
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

test("what stands far above is let go of, and read again, each message once", async () => {
  using home = await temporaryStore()
  await talk(home.store, 100)
  const transcript = new Transcript(home.store, { sessionId: "s", tasks: { get: () => undefined }, page: 100 })
  expect(textsOf(transcript)).toEqual(range(1, 100))
  transcript.trim(60)
  expect(textsOf(transcript)).toEqual(range(1, 100))
  const before = transcript.version
  transcript.trim(30)
  expect(textsOf(transcript)).toEqual(range(71, 100))
  expect(transcript.version).toBeGreaterThan(before)
  expect(transcript.hasEarlier).toBeTrue()
  transcript.loadEarlier(20)
  expect(textsOf(transcript)).toEqual(range(51, 100))
  transcript.loadEarlier(100)
  expect(textsOf(transcript)).toEqual(range(1, 100))
  expect(transcript.hasEarlier).toBeFalse()
})
