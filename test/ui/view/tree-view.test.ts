import { expect, test } from "bun:test"
import type { Reader, Store, Tx } from "../../../src/store/store.ts"
import { awayOf } from "../../../src/ui/view/away.ts"
import { TreeView } from "../../../src/ui/view/tree-view.ts"
import { temporaryStore } from "../../../testing/harness.ts"
import { seed, seedSession } from "../../../testing/seed.ts"

const clock = { now: 10_000 }

function open(store: Store, isDriven = true): TreeView {
  return new TreeView({ reader: store, rootId: "s", isDriven: () => isDriven, now: () => clock.now })
}

async function session() {
  clock.now = 10_000
  const home = await temporaryStore()
  await home.store.write((tx) => seedSession(tx, { id: "s" }))
  return home
}

function turn(tx: Tx, state = "open"): void {
  seed(tx, "turn", { id: "t", session_id: "s", state, cause: "human", started_at: 4000 })
}

function step(tx: Tx, state: string): void {
  seed(tx, "step", { id: "p", session_id: "s", turn_id: "t", n: 1, state })
}

function task(
  tx: Tx,
  id: string,
  run: Record<string, string | number | null>,
  more: Record<string, string | null> = {},
): void {
  const common = { owner_id: "s", root_id: "s", description: id, input: '{"command":"x"}', wake: "each" }
  seed(tx, "task", { kind: "shell", call_id: `call-${id}`, ...common, id, ...more })
  seed(tx, "run", { id: `run-${id}`, task_id: id, n: 1, state: "running", event_at: clock.now, ...run })
}

test("a session whose turn is over is idle, one that nobody drives was abandoned", async () => {
  using home = await session()
  expect(open(home.store).activity()).toEqual({ type: "idle" })
  await home.store.write((tx) => turn(tx))
  expect(open(home.store, false).activity()).toEqual({ type: "abandoned" })
  await home.store.write((tx) => tx.run("UPDATE turn SET state = 'done'"))
  expect(open(home.store, false).activity()).toEqual({ type: "idle" })
})

test("while the model is asked it thinks, and speaks as soon as something comes", async () => {
  using home = await session()
  await home.store.write((tx) => {
    turn(tx)
    step(tx, "asking")
  })
  const view = open(home.store)
  expect(view.activity()).toEqual({ type: "thinking", since: 4000 })
  view.refresh([], [{ sessionId: "s", stepId: "p", restarted: false, parts: [{ text: "Hel" }] }])
  expect(view.activity()).toEqual({ type: "speaking", since: 4000 })
})

test("what streams while no row changes is taken in without a look at the rows", async () => {
  using home = await session()
  await home.store.write((tx) => {
    turn(tx)
    step(tx, "asking")
  })
  let mayRead = true
  const reading = <T>(read: () => T): T => {
    if (!mayRead) throw new Error("rows are read")
    return read()
  }
  const reader: Reader = {
    one: (sql, params) => reading(() => home.store.one(sql, params)),
    all: (sql, params) => reading(() => home.store.all(sql, params)),
  }
  const view = new TreeView({ reader, rootId: "s", isDriven: () => true, now: () => clock.now })
  const news = (text: string) => [{ sessionId: "s", stepId: "p", restarted: false, parts: [{ text }] }]
  expect(view.activity()).toMatchObject({ type: "thinking" })
  view.stream(news("Hel"))
  expect(view.activity()).toMatchObject({ type: "speaking" })
  mayRead = false
  view.stream(news("lo"))
  expect(view.activity()).toMatchObject({ type: "speaking" })
  expect(view.root.entries).toMatchObject([{ type: "text", text: "Hello" }])
})

test("the turn is blocked on its foreground tasks, not on those in the background nor on the user's own shell line", async () => {
  using home = await session()
  const { store } = home
  await store.write((tx) => {
    turn(tx)
    step(tx, "calling")
    task(tx, "back", { background: 1 })
    task(tx, "line", { background: 0 }, { call_id: "line:1" })
    seed(tx, "tool_call", {
      id: "c",
      call_id: "c",
      session_id: "s",
      step_id: "p",
      idx: 0,
      name: "Read",
      input: "{}",
      state: "running",
      replay: "safe",
    })
  })
  const view = open(store)
  expect(view.activity()).toEqual({ type: "tools", since: 4000, tools: ["Read"] })
  expect(view.foreground().map(({ id }) => id)).toEqual(["line"])
  await store.write((tx) => task(tx, "front", { background: 0 }))
  view.refresh(
    [{ seq: 1, root_id: "s", session_id: "s", kind: "task_started", ref: "run-front", data: null, at: 1 }],
    [],
  )
  expect(view.activity()).toMatchObject({ type: "blocked", on: [{ id: "front" }] })
})

test("a pause before the next try is told until it is over", async () => {
  using home = await session()
  await home.store.write((tx) => {
    turn(tx)
    step(tx, "asking")
  })
  const view = open(home.store)
  const data = JSON.stringify({ attempt: 1, wait_ms: 2000, reason: "overloaded" })
  view.refresh([{ seq: 1, root_id: "s", session_id: "s", kind: "retry", ref: "p", data, at: clock.now }], [])
  expect(view.activity()).toMatchObject({ type: "retrying", until: 12_000, reason: "overloaded" })
  clock.now = 12_001
  view.tick()
  expect(view.activity()).toMatchObject({ type: "thinking" })
})

test("a request for the user's word is shown by its task, and goes when it is answered", async () => {
  using home = await session()
  const { store } = home
  await store.write((tx) => {
    task(
      tx,
      "agent",
      { background: 1, activity: "Bash" },
      { kind: "agent", session_id: "child", input: '{"agent":"explore"}' },
    )
    seed(tx, "approval", {
      id: "a",
      root_id: "s",
      session_id: "child",
      task_id: "agent",
      tool_call_id: "c",
      tool: "Bash",
      input: '{"command":"npm install"}',
      rule: "Bash(npm install:*)",
      state: "open",
    })
  })
  const view = open(store)
  expect(view.requests).toMatchObject([{ what: "npm install", rule: "Bash(npm install:*)", taskId: "agent" }])
  expect(view.board.get("agent")).toMatchObject({ look: "asking", doing: "wants Bash: npm install" })
  await store.write((tx) => tx.run("UPDATE approval SET state = 'allowed'"))
  view.refresh([{ seq: 1, root_id: "s", session_id: "child", kind: "approval", ref: "a", data: null, at: 1 }], [])
  expect(view.requests).toEqual([])
  expect(view.board.get("agent")?.look).toBe("running")
})

test("prompts that wait are listed in their order, and notices are not among them", async () => {
  using home = await session()
  const { store } = home
  const wait = (tx: Tx, id: string, more: object) =>
    seed(tx, "inbox", {
      id,
      session_id: "s",
      kind: "prompt",
      delivery: "steer",
      wake: 1,
      origin: "human",
      content: '[{"type":"text","text":"x"}]',
      ...more,
    })
  await store.write((tx) => {
    wait(tx, "one", { content: '[{"type":"text","text":"first"},{"type":"image","mediaType":"image/png","data":""}]' })
    wait(tx, "two", { delivery: "queue" })
    wait(tx, "notice", { kind: "notice", origin: "task" })
  })
  expect(open(store).queue).toMatchObject([
    { id: "one", text: "first", images: 1, delivery: "steer" },
    { id: "two", delivery: "queue" },
  ])
})

test("what ended while nobody looked is told, and what goes on is no news", async () => {
  using home = await session()
  const { store } = home
  await store.write((tx) => {
    task(tx, "early", { state: "completed", ended_at: 100 })
    task(tx, "late", { state: "failed", ended_at: 9000 })
    task(tx, "on", {})
    const ledger = { root_id: "s", session_id: "s", purpose: "turn", provider: "x", model: "y", state: "closed" }
    seed(tx, "ledger", { ...ledger, id: "before", input_tokens: 5, cost_nanos: 5, closed_at: 50 })
    seed(tx, "ledger", { ...ledger, id: "since", input_tokens: 7, cost_nanos: 9, closed_at: 8000 })
  })
  const { board } = open(store)
  const away = (since: number) => awayOf(store, { rootId: "s", since, now: clock.now, tasks: board.items })
  expect(away(5000)).toMatchObject({ since: 5000, ended: [{ id: "late" }], tokens: 7, costNanos: 9 })
  expect(away(9500)).toBeUndefined()
})
