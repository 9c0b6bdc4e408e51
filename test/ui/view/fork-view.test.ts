// What is shown of a conversation that begins in another session.
import { expect, test } from "bun:test"
import { systemClock } from "../../../src/base/clock.ts"
import { randomIds } from "../../../src/base/ids.ts"
import { forkSession } from "../../../src/session/fork.ts"
import { workElsewhere } from "../../../src/ui/view/elsewhere.ts"
import { promptHistory } from "../../../src/ui/view/prompt-history.ts"
import { Transcript } from "../../../src/ui/view/transcript.ts"
import { temporaryStore } from "../../../testing/harness.ts"
import { seed, seedSession, seedTask } from "../../../testing/seed.ts"

const NOBODY = { get: () => undefined }
const text = (words: string) => JSON.stringify([{ type: "text", text: words }])

/** A session "a" whose second turn is under way, with a shell line in each; and a fork from before the second one. */
async function forked(place: Awaited<ReturnType<typeof temporaryStore>>) {
  let now = 1000
  const clock = { ...systemClock, now: () => now }
  return place.store.write((tx) => {
    seedSession(tx, { id: "a", name: "oak" })
    const line = (id: string) =>
      seedTask(tx, {
        id,
        root: "a",
        task: { owner_id: "a", call_id: `line:${id}`, created_at: ++now },
        run: { state: "completed" },
      })
    const said = (seq: number, words: string, more: Record<string, string>) =>
      seed(tx, "message", { id: `m${seq}`, session_id: "a", seq, content: text(words), created_at: ++now, ...more })
    seed(tx, "turn", { id: "t1", session_id: "a", state: "done", cause: "human", ended_at: now })
    line("first")
    said(1, "First?", { role: "user", origin: "human", turn_id: "t1" })
    said(2, "Yes.", { role: "assistant", turn_id: "t1", step_id: "s1" })
    seed(tx, "step", { id: "s1", session_id: "a", turn_id: "t1", n: 1, state: "done", message_id: "m2" })
    seed(tx, "turn", { id: "t2", session_id: "a", state: "open", cause: "human" })
    said(3, "Second?", { role: "user", origin: "human", turn_id: "t2" })
    said(4, "I begin.", { role: "assistant", turn_id: "t2", step_id: "s2" })
    seed(tx, "step", { id: "s2", session_id: "a", turn_id: "t2", n: 2, state: "done", message_id: "m4" })
    now += 10
    const { row } = forkSession(tx, { clock, ids: randomIds }, { originId: "a" })
    now += 10
    line("later")
    said(5, "I go on.", { role: "assistant", turn_id: "t2", step_id: "s3" })
    tx.run("UPDATE turn SET state = 'interrupted', ended_at = :now WHERE id = 't2'", { now: ++now })
    seed(tx, "turn", { id: "t3", session_id: row.id, state: "done", cause: "human" })
    const own = { id: "own", session_id: row.id, seq: 5, role: "user", origin: "human", turn_id: "t3" }
    seed(tx, "message", { ...own, content: text("Third?"), created_at: ++now })
    return row
  })
}

test("a fork shows what it shares with the user's shell lines of then, and not how the origin went on", async () => {
  using place = await temporaryStore()
  const row = await forked(place)
  const shown = (page: number) => {
    const transcript = new Transcript(place.store, { sessionId: row.id, tasks: NOBODY, page })
    while (transcript.hasEarlier) transcript.loadEarlier(page)
    return transcript.entries.map((entry) => ("text" in entry ? entry.text : entry.id))
  }
  const all = ["line:first", "First?", "Yes.", "Second?", "I begin.", "Third?"]
  expect(shown(200)).toEqual(all)
  for (const page of [1, 2, 3]) expect(shown(page)).toEqual(all)
  const origin = new Transcript(place.store, { sessionId: "a", tasks: NOBODY }).entries
  expect(origin.map((entry) => ("text" in entry ? entry.text : entry.id))).toEqual([
    ...all.slice(0, 5),
    "line:later",
    "I go on.",
    "Interrupted.",
  ])
})

test("looking back through prompts finds each once, those of forks too", async () => {
  using place = await temporaryStore()
  await forked(place)
  expect(await promptHistory({ reader: place.store, project: "/work" })).toEqual(["Third?", "Second?", "First?"])
})

test("what is at work elsewhere are open turns, words that wait and live tasks, of the sessions that are asked about", async () => {
  using place = await temporaryStore()
  const { store } = place
  await store.write((tx) => {
    for (const id of ["idle", "turn", "words", "task", "another"]) seedSession(tx, { id, title: `About ${id}` })
    seed(tx, "turn", { id: "t", session_id: "turn", state: "open", cause: "human" })
    seed(tx, "inbox", {
      id: "i",
      session_id: "words",
      kind: "prompt",
      delivery: "steer",
      origin: "human",
      wake: 1,
      content: "[]",
    })
    seed(tx, "inbox", {
      id: "q",
      session_id: "idle",
      kind: "notice",
      delivery: "queue",
      origin: "system",
      wake: 0,
      content: "[]",
    })
    for (const root of ["task", "another"])
      seedTask(tx, { id: `${root}1`, root, task: { owner_id: root }, run: { state: "running" } })
    seedTask(tx, { id: "over", root: "idle", task: { owner_id: "idle" }, run: { state: "completed" } })
  })
  const work = workElsewhere(store, ["idle", "turn", "words", "task", "gone"], 0)
  expect(work.map(({ name, isTurnOpen, tasks }) => [name, isTurnOpen, tasks.map(({ id }) => id)])).toEqual([
    ["About turn", true, []],
    ["About words", true, []],
    ["About task", false, ["task1"]],
  ])
})
