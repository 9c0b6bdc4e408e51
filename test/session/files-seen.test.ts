import { expect, test } from "bun:test"
import { filesSeen } from "../../src/session/files-seen.ts"
import { explaining, temporaryStore } from "../../testing/harness.ts"
import { seed, seedSession } from "../../testing/seed.ts"

test("files that were seen are read from their index, in the order of the calls, whatever else was called", async () => {
  using it = await temporaryStore()
  await it.store.write((tx) => {
    seedSession(tx, { id: "origin" })
    seedSession(tx, { id: "fork", forked_from: "origin", fork_seq: 20 })
    const call = (session: string, n: number, data: object) => {
      const step = `${session}-${n}`
      seed(tx, "message", { id: step, session_id: session, seq: n, role: "assistant", step_id: step, content: "[]" })
      seed(tx, "step", { id: step, session_id: session, n, state: "done", message_id: step })
      const result = JSON.stringify({ content: [{ type: "text", text: "long" }], data })
      seed(tx, "tool_call", {
        id: step,
        session_id: session,
        step_id: step,
        state: "done",
        replay: "safe",
        input: "{}",
        result,
      })
    }
    for (const n of [1, 2, 3, 30]) call("origin", n, n === 2 ? {} : { seen: { path: `z${9 - (n % 10)}` } })
    for (const n of [21, 22]) call("fork", n, { seen: { path: `a${30 - n}` } })
  })
  const { reader, plans } = explaining(it.store, "tool_call")
  expect(filesSeen(reader, "fork").map(({ path }) => path)).toEqual(["z8", "z6", "a9", "a8"])
  expect(plans).toHaveLength(2)
  for (const plan of plans) expect(plan).toContain("INDEX tool_call_seen (session_id=?)")
})
