// The list of sessions without any screen: what is in it, in which order, and how it stands with each.
import { describe, expect, test } from "bun:test"
import {
  ago,
  familyOf,
  goingOn,
  grouped,
  readSessions,
  type SessionItem,
  sizeOf,
  standingOf,
} from "../../../src/ui/view/session-list.ts"
import { previewOf, splitOf } from "../../../src/ui/view/session-preview.ts"
import { temporaryStore } from "../../../testing/harness.ts"
import { seed, seedSession, seedTask } from "../../../testing/seed.ts"

function item(id: string, usedAt: number, forkedFrom: string | null = null): SessionItem {
  const rest = { name: id, hasName: true, project: "/p", cwd: "/p", branch: null, model: "m", agent: "main" }
  return { id, usedAt, forkedFrom, forkSeq: forkedFrom === null ? null : 2, createdAt: 0, ...rest }
}

const shape = (items: readonly SessionItem[]) =>
  grouped(items.toSorted((a, b) => b.usedAt - a.usedAt)).map(({ id, depth }) => `${"-".repeat(depth)}${id}`)

describe("grouping", () => {
  test("forks stand below their origin, which stands where the newest of them would", () => {
    expect(shape([item("a", 1), item("b", 5), item("c", 9, "a"), item("d", 7), item("e", 8, "c")])).toEqual([
      "a",
      "-c",
      "--e",
      "d",
      "b",
    ])
  })

  test("forks of one origin stand by the newest of what is below each", () => {
    expect(shape([item("a", 1), item("x", 2, "a"), item("y", 3, "a"), item("deep", 9, "x")])).toEqual([
      "a",
      "-x",
      "--deep",
      "-y",
    ])
  })

  test("a fork whose origin is gone or elsewhere stands alone", () => {
    expect(shape([item("a", 1), item("b", 2, "gone")])).toEqual(["b", "a"])
  })

  test("rows that come from themselves or each other are shown once each", () => {
    expect(
      shape([item("a", 1, "b"), item("b", 2, "a"), item("c", 3, "c")])
        .map((name) => name.replace(/-/g, ""))
        .sort(),
    ).toEqual(["a", "b", "c"])
  })

  test("the family of a fork is all that shares with it", () => {
    const items = grouped([item("z", 9), item("a", 8), item("f", 7, "a"), item("g", 6, "f"), item("b", 5)])
    expect(familyOf(items, "g").map(({ id }) => id)).toEqual(["a", "f", "g"])
    expect(familyOf(items, "b").map(({ id }) => id)).toEqual(["b"])
    expect(familyOf(items, "none")).toEqual([])
  })
})

describe("rows", () => {
  test("are of one project or of all; conversations without a word are left out", async () => {
    using place = await temporaryStore()
    const { store } = place
    await store.write((tx) => {
      seedSession(tx, { id: "named", name: "n", updated_at: 1 })
      seedSession(tx, { id: "titled", title: "t", updated_at: 2 })
      seedSession(tx, { id: "silent", updated_at: 3 })
      seedSession(tx, { id: "said", updated_at: 4 })
      seed(tx, "message", { id: "m", session_id: "said", seq: 1, role: "user", origin: "human", content: "[]" })
      seedSession(tx, { id: "waits", updated_at: 5 })
      seed(tx, "inbox", { id: "i", session_id: "waits", kind: "prompt", delivery: "steer", origin: "human" })
      seedSession(tx, { id: "elsewhere", project: "/other", name: "o", updated_at: 6 })
      seedSession(tx, { id: "child", root_id: "named", parent_id: "named", name: "c", updated_at: 7 })
    })
    expect(readSessions(store, { project: "/work" }).map(({ id }) => id)).toEqual(["waits", "said", "titled", "named"])
    expect(readSessions(store)[0]!.id).toBe("elsewhere")
  })

  test("the list is read from its index alone", async () => {
    using place = await temporaryStore()
    const plan = place.store.all<{ detail: string }>(
      `EXPLAIN QUERY PLAN SELECT id, name, title, project, cwd, branch, model, agent, created_at, updated_at, forked_from,
         fork_seq FROM session INDEXED BY session_list WHERE parent_id IS NULL AND project = 'p' ORDER BY updated_at DESC`,
    )
    expect(plan.map(({ detail }) => detail).join()).toContain("USING COVERING INDEX session_list")
  })

  test("figures are sums over the whole tree, as far as prices are known", async () => {
    using place = await temporaryStore()
    const { store } = place
    const entry = { root_id: "a", purpose: "turn", state: "closed", input_tokens: 10, output_tokens: 1 }
    await store.write((tx) => {
      seedSession(tx, { id: "a" })
      seed(tx, "turn", { id: "t1", session_id: "a", state: "done", cause: "human", started_at: 1 })
      seed(tx, "turn", { id: "t2", session_id: "a", state: "open", cause: "human", started_at: 2 })
      seed(tx, "ledger", { id: "1", session_id: "a", ...entry, cost_nanos: 5 })
      seed(tx, "ledger", { id: "2", session_id: "child", ...entry, cost_nanos: 7, state: "estimated" })
      seed(tx, "ledger", { id: "3", session_id: "a", ...entry, cost_nanos: 1000, state: "open" })
    })
    expect(sizeOf(store, "a")).toEqual({ turns: 2, tokens: 22, costNanos: 12, isEstimated: true, isTurnOpen: true })
    await store.write((tx) => seed(tx, "ledger", { id: "4", session_id: "a", ...entry }))
    expect(sizeOf(store, "a").costNanos).toBeNull()
    expect(sizeOf(store, "nobody")).toEqual({
      turns: 0,
      tokens: 0,
      costNanos: 0,
      isEstimated: false,
      isTurnOpen: false,
    })
  })
})

test("how it stands: what needs you first, then what works, then what nobody drives", async () => {
  using place = await temporaryStore()
  const { store } = place
  await store.write((tx) => {
    for (const id of ["a", "b"]) seedSession(tx, { id })
    seedTask(tx, { id: "t", root: "a", run: { state: "paused" } })
    seedTask(tx, { id: "u", root: "a", run: { state: "completed" } })
    seed(tx, "approval", { id: "x", root_id: "b", session_id: "b", state: "open", input: "{}" })
    seed(tx, "approval", { id: "y", root_id: "b", session_id: "b", state: "denied", input: "{}" })
  })
  const going = goingOn(store)
  expect(Object.fromEntries(going)).toEqual({ a: { running: 1, asking: 0 }, b: { running: 0, asking: 1 } })
  const rests = { isTurnOpen: false, isDriven: false }
  expect(standingOf(going.get("b"), { isTurnOpen: true, isDriven: true })).toBe("asks")
  expect(standingOf(going.get("a"), { isTurnOpen: false, isDriven: true })).toBe("works")
  expect(standingOf(going.get("a"), rests)).toBe("left-behind")
  expect(standingOf(undefined, { isTurnOpen: true, isDriven: true })).toBe("works")
  expect(standingOf(undefined, { isTurnOpen: true, isDriven: false })).toBe("left-behind")
  expect(standingOf(undefined, rests)).toBe("rests")
})

test("the preview of a fork shows what it shares, and where it splits off", async () => {
  using place = await temporaryStore()
  const { store } = place
  const said = (id: string, seq: number, role: "user" | "assistant", text: string) => ({
    id: `${id}${seq}`,
    session_id: id,
    seq,
    role,
    origin: role === "user" ? "human" : null,
    content: JSON.stringify([{ type: "text", text }]),
  })
  await store.write((tx) => {
    seedSession(tx, { id: "a" })
    seedSession(tx, { id: "b", forked_from: "a", fork_seq: 3 })
    seed(tx, "message", said("a", 1, "user", "Ask"))
    seed(tx, "message", said("a", 2, "assistant", "Answer"))
    seed(tx, "message", { ...said("a", 3, "assistant", ""), content: '[{"type":"tool-call"}]' })
    seed(tx, "message", said("a", 4, "user", "Only in the origin"))
  })
  expect(previewOf(store, "b")).toMatchObject({ prompt: "Ask", reply: "Answer", memory: undefined, taskCount: 0 })
  expect(previewOf(store, "a")).toMatchObject({ prompt: "Only in the origin", reply: undefined })
  expect(splitOf(store, { forkedFrom: "a", forkSeq: 3 })).toEqual({ seq: 3, role: "assistant", text: "Answer" })
  expect(splitOf(store, { forkedFrom: null, forkSeq: null })).toBeUndefined()
  expect(previewOf(store, "nobody")).toMatchObject({ prompt: undefined, reply: undefined })
})

test("ages are told in a few characters, and as a day after two weeks", () => {
  const now = new Date(2026, 5, 15, 12).getTime()
  const second = 1000
  const told = [0, 59, 60, 3599, 3600, 86_399, 86_400, 13.9 * 86_400].map((s) => ago(now - s * second, now))
  expect(told).toEqual(["now", "now", "1 min", "59 min", "1 h", "23 h", "1 d", "13 d"])
  expect(ago(new Date(2026, 2, 9, 23).getTime(), now)).toBe("2026-03-09")
  expect(ago(now + 5000, now)).toBe("now")
})
