// What is read of tasks from rows: the facts of one, the edits of an agent and all below it, and the tasks of every
// conversation.
import { expect, test } from "bun:test"
import type { Tx } from "../../../src/store/store.ts"
import { taskView } from "../../../src/task/find.ts"
import { AllTasks } from "../../../src/ui/view/all-tasks.ts"
import { changesBelow } from "../../../src/ui/view/task-changes.ts"
import { taskFacts } from "../../../src/ui/view/task-facts.ts"
import { taskItem } from "../../../src/ui/view/task-item.ts"
import { temporaryStore } from "../../../testing/harness.ts"
import { seed, seedSession } from "../../../testing/seed.ts"

const NOW = 1_000_000
const MINUTE = 60_000

interface Agent {
  id: string
  root: string
  owner?: string
  task?: Record<string, string | number | null>
  run?: Record<string, string | number | null>
}

/** An agent with a session of its own, `session-ID`. */
function seedAgent(tx: Tx, { id, root, owner = root, task = {}, run = {} }: Agent): void {
  seed(tx, "task", {
    id,
    kind: "agent",
    owner_id: owner,
    root_id: root,
    session_id: `session-${id}`,
    parent_task_id: owner === root ? null : owner.replace("session-", ""),
    description: `work of ${id}`,
    input: JSON.stringify({ agent: "explore", prompt: `Do ${id}.` }),
    wake: "each",
    ...task,
  })
  const depth = owner === root ? 1 : 2
  seedSession(tx, { id: `session-${id}`, root_id: root, parent_id: owner, task_id: id, depth, model: "anthropic/opus" })
  seed(tx, "run", {
    id: `run-${id}`,
    task_id: id,
    n: 1,
    state: "running",
    background: 1,
    started_at: NOW - MINUTE,
    event_at: NOW,
    ...run,
  })
}

function seedUsage(
  tx: Tx,
  session: string,
  { id, tokens, cost, run }: { id: string; tokens: number; cost: number; run: string },
) {
  seed(tx, "ledger", {
    id,
    root_id: "root",
    session_id: session,
    run_id: run,
    step_id: `step-${id}`,
    state: "closed",
    input_tokens: tokens,
    cost_nanos: cost,
  })
}

test("the facts of an agent: its model, its folder, what is used of its caps with all below it, what it waits for", async () => {
  using it = await temporaryStore()
  const { store } = it
  await store.write((tx) => {
    seedSession(tx, { id: "root" })
    const caps = JSON.stringify({ costNanos: 1e9, tokens: 1000, steps: 10 })
    seedAgent(tx, { id: "need", root: "root", run: { state: "completed" } })
    seedAgent(tx, {
      id: "lead",
      root: "root",
      task: { caps, group_id: "g1", deadline_ms: 10 * MINUTE },
      run: { attempt: 2 },
    })
    seedAgent(tx, { id: "below", root: "root", owner: "session-lead" })
    tx.run("UPDATE session SET max_steps = 4 WHERE id = 'session-lead'")
    seed(tx, "dependency", { task_id: "lead", needs_id: "need", met: 1 })
    seedUsage(tx, "session-lead", { id: "a", tokens: 700, cost: 1e8, run: "run-lead" })
    seedUsage(tx, "session-below", { id: "b", tokens: 200, cost: 1e8, run: "run-below" })
  })
  const around = { depth: 0, asks: undefined, hasLiveTasks: true, isDriven: true, now: NOW }
  const facts = taskFacts(store, taskItem(taskView(store, "lead")!, around), NOW)!
  expect(facts).toMatchObject({ model: "opus", folder: "/work", asked: "Do lead.", output: "" })
  expect(facts.caps).toEqual([
    { text: "$0.20 of $1.00", isNear: false },
    { text: "900 of 1.0k tokens", isNear: true },
    { text: "2 of 10 steps", isNear: false },
    { text: "step 1 of 4", isNear: false },
    { text: "1 min 00 s of a deadline of 10 min 00 s", isNear: false },
    { text: "depth 1 of 3", isNear: false },
  ])
  expect(facts.needs).toEqual([{ id: "need", title: "work of need", state: "completed", isMet: true }])
  expect(facts.group).toEqual({ name: "g1", tasks: 1, settled: 0 })
})

test("the edits of an agent are those of the agents below it too, in their order; what failed or did nothing is none", async () => {
  using it = await temporaryStore()
  const { store } = it
  const change = { path: "/work/a.ts", line: 3, before: "old\n", after: "new\n", added: 1, removed: 1, cut: false }
  const call = (tx: Tx, id: string, session: string, more: Record<string, string | number>) => {
    const result = JSON.stringify({ content: [], data: { ...change, path: `/work/${id}.ts` } })
    const row = { id, call_id: id, session_id: session, step_id: `step-${id}`, idx: 0, name: "Edit", input: "{}" }
    seed(tx, "tool_call", { ...row, state: "done", replay: "never", result, ...more })
  }
  await store.write((tx) => {
    seedSession(tx, { id: "root" })
    seedAgent(tx, { id: "lead", root: "root" })
    seedAgent(tx, { id: "below", root: "root", owner: "session-lead" })
    seedAgent(tx, { id: "other", root: "root" })
    call(tx, "second", "session-lead", { ended_at: 2 })
    call(tx, "first", "session-below", { ended_at: 1 })
    call(tx, "failed", "session-lead", { ended_at: 3, is_error: 1 })
    call(tx, "same", "session-lead", { ended_at: 4, result: JSON.stringify({ content: [] }) })
    call(tx, "read", "session-lead", { ended_at: 5, name: "Read" })
    call(tx, "elsewhere", "session-other", { ended_at: 6 })
  })
  const changes = changesBelow(store, "session-lead")
  expect(changes.map(({ id, sessionId }) => [id, sessionId])).toEqual([
    ["first", "session-below"],
    ["second", "session-lead"],
  ])
  expect(changes[1]!.change).toEqual({ ...change, path: "/work/second.ts" })
})

test("the tasks of other conversations: nested, with requests, those that live first, and whether anybody drives them", async () => {
  using it = await temporaryStore()
  const { store } = it
  await store.write((tx) => {
    for (const id of ["root", "quiet", "busy"]) seedSession(tx, { id, name: `${id} talk` })
    seedAgent(tx, { id: "mine", root: "root" })
    seedAgent(tx, { id: "old", root: "quiet", run: { state: "completed", result: "all good", ended_at: NOW } })
    seedAgent(tx, { id: "lead", root: "busy" })
    seedAgent(tx, { id: "else", root: "busy" })
    seedAgent(tx, { id: "child", root: "busy", owner: "session-lead" })
    seed(tx, "approval", {
      id: "ask",
      root_id: "busy",
      session_id: "session-child",
      task_id: "child",
      tool_call_id: "call",
      tool: "Bash",
      input: JSON.stringify({ command: "npm install" }),
      state: "open",
    })
  })
  let isDriven = true
  const all = new AllTasks({ reader: store, except: "root", isDriven: () => isDriven, now: () => NOW })
  const groups = all.look()
  expect(
    groups.map(({ name, isDriven, items }) => [name, isDriven, items.map(({ id, depth }) => `${depth} ${id}`)]),
  ).toEqual([
    ["busy talk", true, ["0 lead", "1 child", "0 else"]],
    ["quiet talk", false, ["0 old"]],
  ])
  expect(groups[0]!.items[1]).toMatchObject({ look: "asking", doing: "wants Bash: npm install" })
  expect(groups[1]!.items[0]).toMatchObject({ look: "done", doing: "all good" })
  expect(all.requests.map(({ id }) => id)).toEqual(["ask"])
  // What has settled is not read again; what lives is, and a process that dies is seen.
  isDriven = false
  const again = all.look()
  expect(again[1]!.items[0]).toBe(groups[1]!.items[0]!)
  expect(again[0]!.isDriven).toBe(false)
})
