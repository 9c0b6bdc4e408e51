import { expect, test } from "bun:test"
import type { Tx } from "../../../src/store/store.ts"
import type { Entry } from "../../../src/ui/view/entry.ts"
import { Transcript } from "../../../src/ui/view/transcript.ts"
import { temporaryStore } from "../../../testing/harness.ts"
import { seed, seedSession } from "../../../testing/seed.ts"

const NO_TASKS = { get: () => undefined }

interface Message {
  seq: number
  role?: "user" | "assistant"
  origin?: string | null
  parts: object[]
  id?: string
  step?: string | null
  turn?: string
  at?: number
}

function say(tx: Tx, { seq, role = "user", origin = "human", parts, id, step = null, turn = "t", at }: Message): void {
  seed(tx, "message", {
    id: id ?? `m${seq}`,
    session_id: "s",
    seq,
    role,
    origin: role === "user" ? origin : null,
    content: JSON.stringify(parts),
    turn_id: turn,
    step_id: step,
    created_at: at ?? seq,
  })
}

const text = (said: string) => ({ type: "text", text: said })

function open(store: ConstructorParameters<typeof Transcript>[0], page?: number): Transcript {
  return new Transcript(store, { sessionId: "s", tasks: NO_TASKS, ...(page && { page }) })
}

function words(entries: readonly Entry[]): string[] {
  return entries.map((entry) => ("text" in entry ? entry.text : entry.type))
}

async function session() {
  const home = await temporaryStore()
  await home.store.write((tx) => {
    seedSession(tx, { id: "s" })
    seed(tx, "turn", { id: "t", session_id: "s", state: "open", cause: "human", started_at: 1 })
  })
  return home
}

test("the newest messages are there at once, and earlier ones come a page at a time, each once", async () => {
  using home = await session()
  await home.store.write((tx) => {
    for (let seq = 1; seq <= 25; seq++) say(tx, { seq, parts: [text(`word ${seq}`)] })
  })
  const transcript = open(home.store, 10)
  expect(words(transcript.entries)).toEqual(Array.from({ length: 10 }, (_, i) => `word ${16 + i}`))
  expect(transcript.hasEarlier).toBe(true)
  transcript.loadEarlier(10)
  transcript.loadEarlier(10)
  expect(words(transcript.entries)).toEqual(Array.from({ length: 25 }, (_, i) => `word ${i + 1}`))
  expect(transcript.hasEarlier).toBe(false)
  expect(transcript.loadEarlier(10)).toBe(0)
})

test("what streams stands at the end until its message is committed, and never beside it", async () => {
  using home = await session()
  const { store } = home
  await store.write((tx) => {
    seed(tx, "step", { id: "p", session_id: "s", turn_id: "t", n: 1, state: "asking" })
    say(tx, { seq: 1, parts: [text("ask")] })
  })
  const transcript = open(store)
  const draft = (parts: object[], restarted = false) =>
    transcript.stream([{ sessionId: "s", stepId: "p", restarted, parts: parts as never }], 5)
  draft([{ reasoning: "hm" }, { text: "Hel" }])
  draft([{ text: "lo" }, { tool: "Read" }])
  expect(words(transcript.entries)).toEqual(["ask", "hm", "Hello", "call"])
  draft([{ text: "Anew" }], true)
  expect(words(transcript.entries)).toEqual(["ask", "Anew"])
  await store.write((tx) => {
    tx.run("UPDATE step SET state = 'done' WHERE id = 'p'")
    say(tx, { seq: 2, role: "assistant", parts: [text("Anew, and whole")], step: "p" })
  })
  const published = { seq: 1, root_id: "s", session_id: "s", kind: "message", ref: "m2", data: null, at: 6 } as const
  transcript.apply([published])
  draft([{ text: "late" }])
  expect(words(transcript.entries)).toEqual(["ask", "Anew, and whole"])
  // The bell rings twice: nothing is said twice.
  transcript.apply([published])
  expect(words(transcript.entries)).toEqual(["ask", "Anew, and whole"])
})

test("a draft of a step that was given up goes", async () => {
  using home = await session()
  const { store } = home
  await store.write((tx) => seed(tx, "step", { id: "p", session_id: "s", turn_id: "t", n: 1, state: "asking" }))
  const transcript = open(store)
  transcript.stream([{ sessionId: "s", stepId: "p", restarted: false, parts: [{ text: "half" }] }], 1)
  await store.write((tx) => tx.run("UPDATE step SET state = 'failed' WHERE id = 'p'"))
  transcript.settleDrafts()
  expect(transcript.entries).toEqual([])
  expect(transcript.isStreaming).toBe(false)
})

test("notices that enter together are one line, and what the system says to the model is none", async () => {
  using home = await session()
  const { store } = home
  await store.write((tx) => {
    for (const n of [1, 2]) {
      seed(tx, "task", {
        id: `task${n}`,
        kind: "agent",
        owner_id: "s",
        root_id: "s",
        description: `work ${n}`,
        input: "{}",
        wake: "each",
      })
      seed(tx, "run", { id: `run${n}`, task_id: `task${n}`, n: 1, state: n === 1 ? "completed" : "failed" })
      say(tx, { seq: n, origin: "task", id: `notice:run${n}:settled`, parts: [text("<task-notification>")] })
    }
    say(tx, { seq: 3, origin: "system", parts: [text("<task-ledger>")] })
  })
  expect(open(store).entries).toMatchObject([
    {
      type: "wake",
      tasks: [
        { id: "task1", title: "work 1", state: "completed" },
        { id: "task2", title: "work 2", state: "failed" },
      ],
    },
  ])
})

test("a call is shown as it is: done, failed, denied, interrupted", async () => {
  using home = await session()
  const { store } = home
  await store.write((tx) => {
    seed(tx, "step", { id: "p", session_id: "s", turn_id: "t", n: 1, state: "calling" })
    const calls = ["Read", "Grep", "Write", "Bash"]
    say(tx, {
      seq: 1,
      role: "assistant",
      step: "p",
      parts: calls.map((name) => ({ type: "tool-call", callId: name, name, input: {} })),
    })
    const result = (said: string) => JSON.stringify({ content: [text(said)] })
    const common = { session_id: "s", step_id: "p", input: "{}", replay: "safe" }
    seed(tx, "tool_call", {
      ...common,
      id: "a",
      call_id: "Read",
      idx: 0,
      name: "Read",
      state: "done",
      result: result("3 lines"),
    })
    seed(tx, "tool_call", {
      ...common,
      id: "b",
      call_id: "Grep",
      idx: 1,
      name: "Grep",
      state: "done",
      is_error: 1,
      result: result("no"),
    })
    seed(tx, "tool_call", {
      ...common,
      id: "c",
      call_id: "Write",
      idx: 2,
      name: "Write",
      state: "done",
      is_error: 1,
      denied: 1,
      result: result("no"),
    })
    seed(tx, "tool_call", { ...common, id: "d", call_id: "Bash", idx: 3, name: "Bash", state: "running" })
  })
  const states = (transcript: Transcript) =>
    transcript.entries.map((entry) => (entry.type === "call" ? entry.state : entry.type))
  const transcript = open(store)
  expect(states(transcript)).toEqual(["done", "failed", "denied", "running"])
  await store.write((tx) => tx.run("UPDATE turn SET state = 'interrupted', ended_at = 9 WHERE id = 't'"))
  transcript.apply([{ seq: 1, root_id: "s", session_id: "s", kind: "turn", ref: "t", data: null, at: 9 }])
  expect(states(transcript)).toEqual(["done", "failed", "denied", "interrupted", "note"])
  // Somebody who opens it later sees the same.
  expect(states(open(store))).toEqual(["done", "failed", "denied", "interrupted", "note"])
})

test("a turn that failed says why, after its last message", async () => {
  using home = await session()
  await home.store.write((tx) => {
    tx.run("UPDATE turn SET state = 'failed', error = 'no key', ended_at = 2 WHERE id = 't'")
    say(tx, { seq: 1, parts: [text("ask")] })
    say(tx, { seq: 2, parts: [text("again")], turn: "t2" })
  })
  expect(words(open(home.store).entries)).toEqual(["ask", "no key", "again"])
})

test("the user's own shell line stands where it was started", async () => {
  using home = await session()
  const { store } = home
  const line = (tx: Tx, id: string, at: number) => {
    const task = { kind: "shell", owner_id: "s", root_id: "s", description: "npm test", wake: "each" }
    seed(tx, "task", { ...task, id, call_id: `line:${id}`, input: '{"command":"npm test"}', created_at: at })
    seed(tx, "run", { id: `run-${id}`, task_id: id, n: 1, state: "running" })
  }
  await store.write((tx) => {
    say(tx, { seq: 1, parts: [text("one")], at: 10 })
    line(tx, "x", 15)
    say(tx, { seq: 2, parts: [text("two")], at: 20 })
  })
  const transcript = open(store)
  expect(words(transcript.entries)).toEqual(["one", "call", "two"])
  await store.write((tx) => line(tx, "y", 30))
  const published = {
    seq: 1,
    root_id: "s",
    session_id: "s",
    kind: "task_started",
    ref: "run-y",
    data: null,
    at: 30,
  } as const
  transcript.apply([published])
  transcript.apply([published])
  expect(words(transcript.entries)).toEqual(["one", "call", "two", "call"])
})

test("an entry that has not changed stays the same object, so that what was laid out may be kept", async () => {
  using home = await session()
  const { store } = home
  await store.write((tx) => say(tx, { seq: 1, parts: [text("one")] }))
  const transcript = open(store)
  const [first] = transcript.entries
  await store.write((tx) => say(tx, { seq: 2, parts: [text("two")] }))
  transcript.apply([{ seq: 1, root_id: "s", session_id: "s", kind: "message", ref: "m2", data: null, at: 2 }])
  expect(transcript.entries[0]).toBe(first!)
})

test("a message that was committed after the news was read takes its draft's place at once, and is not said twice", async () => {
  using home = await session()
  const { store } = home
  await store.write((tx) => seed(tx, "step", { id: "p", session_id: "s", turn_id: "t", n: 1, state: "asking" }))
  const transcript = open(store)
  transcript.stream([{ sessionId: "s", stepId: "p", restarted: false, parts: [{ text: "Hello" }] }], 1)
  await store.write((tx) => {
    tx.run("UPDATE step SET state = 'done' WHERE id = 'p'")
    say(tx, { seq: 1, role: "assistant", parts: [text("Hello there")], step: "p" })
  })
  transcript.settleDrafts()
  expect(words(transcript.entries)).toEqual(["Hello there"])
  transcript.apply([{ seq: 1, root_id: "s", session_id: "s", kind: "message", ref: "m1", data: null, at: 6 }])
  expect(words(transcript.entries)).toEqual(["Hello there"])
})
