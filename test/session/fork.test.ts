import { expect, test } from "bun:test"
import { systemClock } from "../../src/base/clock.ts"
import { randomIds } from "../../src/base/ids.ts"
import { type ExportLine, exportTree } from "../../src/session/export.ts"
import { filesSeen } from "../../src/session/files-seen.ts"
import { firstPrompt } from "../../src/session/find.ts"
import { boundary, forkSession } from "../../src/session/fork.ts"
import { messagesAfter } from "../../src/session/lineage.ts"
import { removeSession } from "../../src/session/remove.ts"
import type { InboxRow, SessionRow } from "../../src/store/rows.ts"
import type { Store, Tx } from "../../src/store/store.ts"
import { type Driving, driving } from "../../testing/driving.ts"
import { temporaryStore } from "../../testing/harness.ts"
import { type RecordedRequest, reply } from "../../testing/model-server.ts"
import { seed, seedSession, seedTask } from "../../testing/seed.ts"

const parts = { clock: systemClock, ids: randomIds }

function bash(command: string, more: object = {}) {
  return { name: "Bash", input: { command, description: command, ...more } }
}

/** Asks the fork of the session under test something, and returns the request that came of it. */
async function askFork(it: Driving, text: string, row: SessionRow): Promise<RecordedRequest> {
  const hosted = (await it.program.host(row))!
  try {
    const before = it.asked().length
    await hosted.prompt([{ type: "text", text }])
    await hosted.converse({ signal: AbortSignal.timeout(20_000), steps: 9, awaits: "nothing" })
    return it.asked()[before]!
  } finally {
    hosted.release()
  }
}

test("a fork's request begins, byte for byte, as the origin's do", async () => {
  await using it = await driving({ root: [reply.calls([bash("build")]), reply.text("Built."), reply.text("Yes.")] })
  await it.say("Build it.")
  const talk = it.converse()
  await it.begun("build")
  await it.finish("build", "BUILT")
  await talk
  const { row, running } = await it.program.forkSession(it.hosted.row.id, {})
  expect(running).toBe(0)
  const asked = await askFork(it, "Is it good?", row)
  const last = it.asked()[1]!
  expect(asked.system).toBe(last.system)
  expect(JSON.stringify(asked.tools)).toBe(JSON.stringify(last.tools))
  // The marks for the cache stand at the last two places, as in every next request.
  const wire = ({ messages }: RecordedRequest) => messages.map(({ content }) => content.map((block) => block.wire))
  expect(JSON.stringify(wire(asked).slice(0, last.messages.length))).toBe(JSON.stringify(wire(last)))
  expect(asked.messages).toHaveLength(last.messages.length + 2)
  it.server.check()
  // The origin knows nothing of it.
  expect(messagesAfter(it.program.store, it.hosted.row.id, 0)).toHaveLength(3)
  expect(it.program.lastText(row)).toBe("Yes.")
})

test("a fork made while a call runs ends at the last complete step; the turn goes on, and its result stays there", async () => {
  await using it = await driving({
    root: [reply.calls([bash("first")]), reply.calls([bash("second")]), reply.text("Both are done.")],
  })
  await it.say("Run both.")
  const talk = it.converse()
  await it.begun("first")
  const origin = it.hosted.row.id
  // Before the first step is complete there is nothing that was answered.
  expect(it.program.forkSession(origin, {})).rejects.toThrow("nothing to fork")
  await it.finish("first", "FIRST")
  await it.begun("second")
  const { row, running } = await it.program.forkSession(origin, { name: "aside" })
  expect(row).toMatchObject({ name: "aside", forked_from: origin, fork_seq: 2 })
  expect(running).toBe(1)
  it.server.script = () => reply.text("Here we are.")
  const asked = await askFork(it, "And now?", row)
  const told = JSON.stringify(asked.messages)
  expect(told).toContain("FIRST")
  expect(told).toContain(`${it.run("second").task_id} shell`)
  expect(told).toContain("This conversation is a fork")
  expect(asked.messages.at(-1)?.role).toBe("user")
  it.server.script = () => reply.text("Both are done.")
  await it.finish("second", "SECOND")
  await talk
  expect(it.program.lastText(it.hosted.row)).toBe("Both are done.")
  expect(it.program.lastText(row)).toBe("Here we are.")
  expect(JSON.stringify(messagesAfter(it.program.store, row.id, 0))).not.toContain("SECOND")
  it.server.check()
})

test("a fork reads the tasks of its origin, but does not stop them, speak to them or hear of their ends", async () => {
  await using it = await driving({
    root: [
      reply.calls([bash("long", { run_in_background: true })]),
      reply.text("It runs."),
      reply.text("The origin has heard of it."),
    ],
  })
  await it.say("Start it.")
  void it.converse().catch(() => undefined)
  await it.turnOver()
  const { row } = await it.program.forkSession(it.hosted.row.id, {})
  const { task_id: id } = it.run("long")
  const call = (name: string, input: object) => ({ name, input })
  it.server.script = (request) =>
    request.results.length > 1
      ? reply.text("So it is.")
      : reply.calls([
          call("TaskList", {}),
          call("TaskOutput", { task_id: id }),
          call("TaskStop", { task_id: id }),
          call("SendMessage", { task_id: id, message: "stop" }),
        ])
  await askFork(it, "What runs?", row)
  const [list, output, stop, word] = it.asked().at(-1)!.results
  expect(list!.text).toContain("Of the session that this one was forked from")
  expect(list!.text).toContain(`${id}  running`)
  expect(output!.text).toContain(`${id} (shell): running`)
  expect(stop).toMatchObject({ isError: true, text: expect.stringContaining("only it can stop it") })
  expect(word).toMatchObject({ isError: true, text: expect.stringContaining("only it can speak to it") })
  expect(it.run("long").state).toBe("running")

  it.server.script = () => reply.text("Heard.")
  await it.finish("long", "THE RESULT")
  const fits = (request: RecordedRequest) => request.news.includes("THE RESULT")
  await it.server.receivedWhere(fits)
  // Told to the origin, readable in both, and its notice is not used up by the fork's looking.
  it.server.script = (request) =>
    request.results.length > 0 ? reply.text("Read.") : reply.calls([call("TaskOutput", { task_id: id, block: true })])
  await askFork(it, "And what came of it?", row)
  expect(it.asked().at(-1)!.results.at(-1)!.text).toContain("THE RESULT")
  await it.turnOver()
  expect(it.end("long")).toEqual({ state: "completed", notice: "delivered", inbox: 0, messages: 1 })
  it.server.check()
})

test("what a fork begins with is the origin's: folder, mode, checklist, files that were read; not its name or its cost", async () => {
  using place = await temporaryStore()
  const { store } = place
  const seen = { path: "/work/a.ts", hash: "x", partial: false }
  const { row } = await store.write((tx) => {
    seedSession(tx, { id: "a", name: "mine", title: "About a", todos: '[{"content":"b"}]', shell_cwd: "/work/src" })
    seed(tx, "turn", { id: "t", session_id: "a", state: "done", cause: "human" })
    const text = JSON.stringify([{ type: "text", text: "Look at a." }])
    const prompt = { id: "m1", session_id: "a", seq: 1, role: "user", origin: "human", turn_id: "t", content: text }
    seed(tx, "message", prompt)
    seed(tx, "message", {
      id: "m2",
      session_id: "a",
      seq: 2,
      role: "assistant",
      turn_id: "t",
      step_id: "s",
      content: "[]",
    })
    seed(tx, "step", { id: "s", session_id: "a", turn_id: "t", n: 1, state: "done", message_id: "m2" })
    const call = { id: "c", session_id: "a", step_id: "s", state: "done", replay: "safe", input: "{}" }
    seed(tx, "tool_call", { ...call, result: JSON.stringify({ content: [], data: { seen } }) })
    const fork = forkSession(tx, parts, { originId: "a" })
    seed(tx, "tool_call", {
      ...call,
      id: "later",
      step_id: "s2",
      result: JSON.stringify({ data: { seen: { path: "b" } } }),
    })
    return fork
  })
  expect(row).toMatchObject({
    name: null,
    title: null,
    todos: '[{"content":"b"}]',
    shell_cwd: "/work/src",
    root_id: row.id,
  })
  expect(filesSeen(store, row.id)).toEqual([seen] as never)
  expect(firstPrompt(store, row.id)).toBe("Look at a.")
  expect(store.one("SELECT 1 FROM ledger WHERE root_id = :id", { id: row.id })).toBeUndefined()
})

test("an open turn is left at its last complete step, or before its first message", async () => {
  using place = await temporaryStore()
  const { store } = place
  await store.write((tx) => {
    seedSession(tx, { id: "a" })
    for (const [n, state] of [
      [1, "done"],
      [2, "open"],
    ] as const)
      seed(tx, "turn", { id: `t${n}`, session_id: "a", state, cause: "human" })
    const say = (seq: number, turn_id: string, step_id: string | null = null) =>
      seed(tx, "message", {
        id: `m${seq}`,
        session_id: "a",
        seq,
        role: step_id ? "assistant" : "user",
        turn_id,
        step_id,
      })
    say(1, "t1")
    say(2, "t1", "s1")
    seed(tx, "step", { id: "s1", session_id: "a", turn_id: "t1", n: 1, state: "done", message_id: "m2" })
    say(3, "t2")
    say(4, "t2", "s2")
    seed(tx, "step", { id: "s2", session_id: "a", turn_id: "t2", n: 2, state: "calling", message_id: "m4" })
  })
  expect(boundary(store, "a")).toBe(2)
  await store.write((tx) => tx.run("UPDATE step SET state = 'done' WHERE id = 's2'"))
  expect(boundary(store, "a")).toBe(4)
  await store.write((tx) => tx.run("UPDATE turn SET state = 'interrupted' WHERE id = 't2'"))
  await store.write((tx) => tx.run("UPDATE step SET state = 'aborted' WHERE id = 's2'"))
  expect(boundary(store, "a")).toBe(4)
})

test("a fork that dies before it is committed has never been", async () => {
  using place = await temporaryStore()
  const { store } = place
  await store.write((tx) => {
    seedSession(tx, { id: "a" })
    seed(tx, "message", { id: "m", session_id: "a", seq: 1, role: "user", content: "[]" })
    seedTask(tx, { id: "abcdef", root: "a", task: { owner_id: "a" }, run: { state: "running" } })
  })
  const died = store.write((tx) => {
    forkSession(tx, parts, { originId: "a", name: "twig" })
    throw new Error("died here")
  })
  expect(died).rejects.toThrow("died here")
  await died.catch(() => undefined)
  expect(store.all("SELECT id FROM session")).toEqual([{ id: "a" }])
  expect(store.all("SELECT id FROM inbox")).toEqual([])
  const { row, running } = await store.write((tx) => forkSession(tx, parts, { originId: "a", name: "twig" }))
  expect({ name: row.name, running }).toEqual({ name: "twig", running: 1 })
  const [notice] = store.all<InboxRow>("SELECT * FROM inbox")
  expect(notice).toMatchObject({ session_id: row.id, wake: 0, origin: "system" })
  expect(notice!.content).toContain("abcdef")
})

test("an exported fork holds the whole conversation, and nothing that was said elsewhere", async () => {
  using place = await temporaryStore()
  const { store } = place
  const { row } = await store.write((tx) => {
    seedSession(tx, { id: "a" })
    seed(tx, "turn", { id: "t", session_id: "a", state: "open", cause: "human" })
    const said = (seq: number, session_id: string, step_id: string | null = null) =>
      seed(tx, "message", {
        id: `m${seq}-${session_id}`,
        session_id,
        seq,
        role: step_id ? "assistant" : "user",
        turn_id: "t",
        step_id,
        content: "[]",
      })
    said(1, "a")
    said(2, "a", "s")
    seed(tx, "step", { id: "s", session_id: "a", turn_id: "t", n: 1, state: "done", message_id: "m2-a" })
    seed(tx, "tool_call", { id: "c", session_id: "a", step_id: "s", state: "done", replay: "safe", input: "{}" })
    const fork = forkSession(tx, parts, { originId: "a" })
    said(3, "a")
    said(3, fork.row.id)
    return fork
  })
  const lines: ExportLine[] = []
  for await (const group of exportTree(store, row.id)) lines.push(...group)
  const of = (type: string) => lines.filter((line) => line.type === type)
  expect(of("session")).toMatchObject([{ id: row.id, forked_from: null, fork_seq: null }])
  expect(of("message").map(({ id }) => id)).toEqual(["m1-a", "m2-a", `m3-${row.id}`])
  expect(of("turn")).toMatchObject([{ id: "t", session_id: row.id, state: "interrupted" }])
  expect(of("step")).toMatchObject([{ id: "s", session_id: row.id }])
  expect(of("tool_call")).toMatchObject([{ id: "c", session_id: row.id }])
  expect(of("end")).toMatchObject([{ rows: { session: 1, message: 3, turn: 1, step: 1, tool_call: 1 } }])
  for (const line of lines) if ("session_id" in line) expect(line.session_id).toBe(row.id)
})

/** The store, whose n-th write from now on is the last one that a dying process makes. */
function dyingAfter(store: Store, writes: number): Store {
  let left = writes
  const dying: Store = Object.create(store)
  dying.write = <T>(change: (tx: Tx) => T) => {
    if (left-- <= 0) throw new Error("died here")
    return store.write(change)
  }
  for (const name of ["one", "all", "writeDurably", "writeFreely", "listen", "ring", "fence", "folder"] as const)
    Object.assign(dying, { [name]: (store[name] as (...args: never[]) => unknown).bind(store) })
  return dying
}

test("deleting the origin of a long conversation, dying at any moment, leaves the fork all of it", async () => {
  using place = await temporaryStore()
  const { store } = place
  const long = 150
  await store.write((tx) => {
    seedSession(tx, { id: "a" })
    for (let seq = 1; seq <= long; seq++)
      seed(tx, "message", { id: `m${seq}`, session_id: "a", seq, role: "user", content: `["${seq}"]` })
    seed(tx, "compaction", {
      id: "c",
      session_id: "a",
      seq: 40,
      kept_after: 30,
      content: "[]",
      kept: "{}",
      cause: "user",
    })
  })
  const { row: fork } = await store.write((tx) => forkSession(tx, parts, { originId: "a", at: 120 }))
  const { row: twig } = await store.write((tx) => forkSession(tx, parts, { originId: "a", at: 50 }))
  const contents = (id: string) => messagesAfter(store, id, 0).map(({ content }) => content)
  const expected = contents(fork.id)
  const rest = contents(twig.id)
  const rowOf = (id: string) => store.one<SessionRow>("SELECT * FROM session WHERE id = :id", { id })
  let died = 0
  for (let writes = 1; rowOf("a"); writes++) {
    await removeSession(dyingAfter(store, writes), systemClock, rowOf("a")!).catch((error: Error) => {
      expect(error.message).toBe("died here")
      died++
    })
    expect(contents(fork.id)).toEqual(expected)
    expect(contents(twig.id)).toEqual(rest)
    // Half of it is gone: nobody begins with that.
    const isGoing = store.one("SELECT 1 FROM meta WHERE key = 'removing:a'") !== undefined
    if (isGoing) expect(store.write((tx) => forkSession(tx, parts, { originId: "a" }))).rejects.toThrow("deleted")
  }
  expect(died).toBeGreaterThan(4)
  expect(rowOf(fork.id)).toMatchObject({ forked_from: null, fork_seq: null })
  expect(rowOf(twig.id)).toMatchObject({ forked_from: fork.id, fork_seq: 50 })
  const kept = store.all<{ session_id: string }>("SELECT session_id FROM compaction ORDER BY session_id")
  expect(kept.map((each) => each.session_id)).toEqual([fork.id, twig.id].sort())
  expect(store.all("SELECT key FROM meta WHERE key LIKE 'removing:%'")).toEqual([])
})
