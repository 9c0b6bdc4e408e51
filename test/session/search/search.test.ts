// Full-text search: what is found, in which order, and that the index follows the messages whatever becomes of them.
import { expect, test } from "bun:test"
import { systemClock } from "../../../src/base/clock.ts"
import { indexMessages, keepSearchable, LONGEST_TEXT, toIndex } from "../../../src/session/search/index-messages.ts"
import { searchMessages, snippetOf, termsOf } from "../../../src/session/search/search.ts"
import type { Store } from "../../../src/store/store.ts"
import { HandClock } from "../../../testing/hand-clock.ts"
import { memoryLog, type TestStore, temporaryStore } from "../../../testing/harness.ts"
import { seed, seedSession } from "../../../testing/seed.ts"

let seq = 0

interface Said {
  id?: string
  session?: string
  role?: "user" | "assistant"
  origin?: string | null
  at?: number
}

async function say(store: Store, text: string, { id, session = "one", role = "assistant", origin, at }: Said = {}) {
  seq++
  const content = JSON.stringify([{ type: "text", text }])
  const known = origin === undefined ? (role === "user" ? "human" : null) : origin
  await store.write((tx) =>
    seed(tx, "message", {
      id: id ?? text,
      session_id: session,
      seq,
      role,
      origin: known,
      content,
      turn_id: "t",
      created_at: at ?? seq,
    }),
  )
}

async function place(): Promise<TestStore> {
  const made = await temporaryStore()
  await made.store.write((tx) => {
    seedSession(tx, { id: "one" })
    seedSession(tx, { id: "two", project: "/other" })
  })
  return made
}

async function found(store: Store, text: string, options: { project?: string; isTyping?: boolean } = {}) {
  await indexMessages({ store, clock: systemClock })
  return searchMessages(store, termsOf(text, options), options).hits.map(({ messageId }) => messageId)
}

test("words, phrases and beginnings find messages, the newest first", async () => {
  using made = await place()
  const { store } = made
  await say(store, "The session cookie is set in auth.ts", { id: "a" })
  await say(store, "Which cookie holds the session?", { id: "b", role: "user" })
  await say(store, "Authentication is elsewhere", { id: "c" })
  expect(await found(store, "session cookie")).toEqual(["b", "a"])
  expect(await found(store, '"session cookie"')).toEqual(["a"])
  expect(await found(store, "COOKIE")).toEqual(["b", "a"])
  expect(await found(store, "auth")).toEqual(["a"])
  expect(await found(store, "auth*")).toEqual(["c", "a"])
  expect(await found(store, '"is else"*')).toEqual(["c"])
  expect(await found(store, "auth.ts")).toEqual(["a"])
  expect(await found(store, "cookie nowhere")).toEqual([])
  // One letter is no beginning.
  expect(await found(store, "s*")).toEqual([])
  expect(await found(store, "s", { isTyping: true })).toEqual([])
})

test("the word that is being typed is taken for a beginning, and none before it", async () => {
  using made = await place()
  await say(made.store, "tokens are refreshed", { id: "a" })
  expect(await found(made.store, "refr", { isTyping: true })).toEqual(["a"])
  expect(await found(made.store, "refr ", { isTyping: true })).toEqual([])
  expect(await found(made.store, "toke refr", { isTyping: true })).toEqual([])
  expect(await found(made.store, '"are refr', { isTyping: true })).toEqual(["a"])
})

test("accents and the width of letters make no difference; scripts without blanks are found by any piece", async () => {
  using made = await place()
  const { store } = made
  await say(store, "Das Café ist geöffnet, sagt Ἀθηνᾶ", { id: "west" })
  await say(store, "数据库迁移已经完成，请检查索引", { id: "han" })
  await say(store, "データベースの移行が終わりました", { id: "kana" })
  await say(store, "데이터베이스를 이전했습니다", { id: "hangul" })
  await say(store, "ฐานข้อมูลถูกย้ายแล้ว", { id: "thai" })
  await say(store, "हिन्दी में लिखा", { id: "hindi" })
  await say(store, "ＡＢＣ ﬁle", { id: "wide" })
  expect(await found(store, "cafe")).toEqual(["west"])
  expect(await found(store, "GEÖFFNET")).toEqual(["west"])
  expect(await found(store, "αθηνα")).toEqual(["west"])
  expect(await found(store, "迁移")).toEqual(["han"])
  expect(await found(store, "移")).toEqual(["kana", "han"])
  expect(await found(store, "移迁")).toEqual([])
  expect(await found(store, "ベース")).toEqual(["kana"])
  expect(await found(store, "베이스")).toEqual(["hangul"])
  expect(await found(store, "ข้อมูล")).toEqual(["thai"])
  expect(await found(store, "हिन्दी")).toEqual(["hindi"])
  expect(await found(store, "abc file")).toEqual(["wide"])
})

test("tool results, notices and what the program adds are not searched", async () => {
  using made = await place()
  const { store } = made
  await say(store, "needle of a task", { id: "notice", role: "user", origin: "task" })
  await say(store, "needle of the program", { id: "system", role: "user", origin: "system" })
  await say(store, "needle of a peer", { id: "peer", role: "user", origin: "peer" })
  await store.write((tx) =>
    seed(tx, "message", {
      id: "parts",
      session_id: "one",
      seq: 999_999,
      role: "assistant",
      content: JSON.stringify([
        { type: "reasoning", text: "needle in thought" },
        { type: "tool-call", input: { command: "needle" } },
      ]),
    }),
  )
  expect(await found(store, "needle")).toEqual(["peer"])
})

test("a search in a project finds nothing of another one, and a name of a project is no word", async () => {
  using made = await place()
  const { store } = made
  await say(store, "needle here", { id: "here" })
  await say(store, "needle there", { id: "there", session: "two" })
  expect(await found(store, "needle")).toEqual(["there", "here"])
  expect(await found(store, "needle", { project: "/other" })).toEqual(["there"])
  expect(await found(store, "p*")).toEqual([])
})

test("rubbish finds nothing or something, and is never an error", async () => {
  using made = await place()
  const { store } = made
  await say(store, "a plain message about NEAR and OR", { id: "a" })
  const rubbish = [
    "",
    " ",
    '"',
    '""',
    '"""',
    "*",
    '"*',
    '"" *',
    "AND",
    "OR NOT",
    "NEAR(a b)",
    "text:a",
    "{text}:a",
    "-a",
    "^a",
    "a*b*",
    "(((",
    ")",
    "'; DROP TABLE message; --",
    "\0",
    "\u0000a",
    "\ud800",
    "🙂",
    "\u0301",
    "a".repeat(100_000),
    "a ".repeat(50_000),
    '"a" '.repeat(1000),
    "+ - * / \\ % $ # @ !",
  ]
  for (const text of rubbish)
    for (const isTyping of [false, true]) expect(Array.isArray(await found(store, text, { isTyping }))).toBe(true)
  expect(await found(store, "near or")).toEqual(["a"])
  expect(store.one("SELECT 1 FROM message LIMIT 1")).toBeDefined()
})

test("what is deleted is not found, and what comes after it is", async () => {
  using made = await place()
  const { store } = made
  await say(store, "needle one", { id: "one" })
  await say(store, "needle two", { id: "two" })
  expect(await found(store, "needle")).toEqual(["two", "one"])
  // The next message gets the row number of the one that goes.
  await store.write((tx) => tx.run("DELETE FROM message WHERE id = 'two'"))
  await say(store, "needle three", { id: "three" })
  expect(await found(store, "needle")).toEqual(["three", "one"])
  const rows = () => store.one<{ n: number }>("SELECT COUNT(*) AS n FROM message_search_docsize")?.n
  expect(rows()).toBe(2)
  await store.write((tx) => tx.run("DELETE FROM message WHERE id = 'one'"))
  expect(rows()).toBe(1)
  await store.write((tx) => tx.run("DELETE FROM message"))
  expect(await found(store, "needle")).toEqual([])
  await say(store, "needle four", { id: "four" })
  expect(await found(store, "needle")).toEqual(["four"])
})

test("a message that was never indexed can be deleted", async () => {
  using made = await place()
  const { store } = made
  await say(store, "needle", { id: "kept" })
  await found(store, "needle")
  await say(store, "needle", { id: "gone" })
  await store.write((tx) => tx.run("DELETE FROM message WHERE id = 'gone'"))
  expect(await found(store, "needle")).toEqual(["kept"])
  expect(store.one<{ n: number }>("SELECT COUNT(*) AS n FROM message_search_docsize")).toEqual({ n: 1 })
})

test("cut off at any part, the index goes on where it was, and two at once do nothing twice", async () => {
  using made = await place()
  const { store } = made
  for (let n = 0; n < 700; n++) await say(store, `needle number ${n} of many`, { id: `m${n}` })
  const over = new AbortController()
  const first = indexMessages({ store, clock: systemClock, signal: over.signal })
  over.abort(new Error("cut off"))
  await expect(first).rejects.toThrow("cut off")
  const left = toIndex(store)
  expect(left).toBeGreaterThan(0)
  expect(left).toBeLessThan(700)
  await Promise.all([indexMessages({ store, clock: systemClock }), indexMessages({ store, clock: systemClock })])
  expect(toIndex(store)).toBe(0)
  expect(store.one<{ n: number }>("SELECT COUNT(*) AS n FROM message_search_docsize")).toEqual({ n: 700 })
  expect((await found(store, "needle")).length).toBe(700)
})

test("of more than a thousand finds the newest thousand are shown, and it is said that there are more", async () => {
  using made = await place()
  const { store } = made
  await store.write((tx) => {
    for (let n = 1; n <= 1200; n++)
      seed(tx, "message", {
        id: `m${n}`,
        session_id: "one",
        seq: n,
        role: "assistant",
        content: JSON.stringify([{ type: "text", text: "needle" }]),
        created_at: n,
      })
  })
  await indexMessages({ store, clock: systemClock })
  const { hits, hasMore } = searchMessages(store, termsOf("needle"), {})
  expect([hits.length, hasMore, hits[0]!.messageId, hits.at(-1)!.messageId]).toEqual([1000, true, "m1200", "m201"])
})

test("contents that are not as the program writes them stop nothing", async () => {
  using made = await place()
  const { store } = made
  await store.write((tx) => {
    for (const [i, content] of ["{ not json", "null", "[null, 3]", '{"a":1}', ""].entries())
      seed(tx, "message", { id: `odd${i}`, session_id: "gone", seq: 5000 + i, role: "assistant", content })
  })
  await say(store, "needle", { id: "fine" })
  expect(await found(store, "needle")).toEqual(["fine"])
  expect(toIndex(store)).toBe(0)
})

test("of a huge message the beginning is searched", async () => {
  using made = await place()
  await say(made.store, `start ${"x ".repeat(LONGEST_TEXT)} needle`, { id: "huge" })
  expect(await found(made.store, "start")).toEqual(["huge"])
  expect(await found(made.store, "needle")).toEqual([])
})

const shown = (text: string, query: string, most = 60) =>
  snippetOf(text, termsOf(query), most)
    .map((piece) => (piece.isFound ? `[${piece.text}]` : piece.text))
    .join("")

test("a snippet shows where most of the terms stand, with each word marked", () => {
  expect(shown("The Session cookie", "session")).toBe("The [Session] cookie")
  expect(shown("a session cookie, a cookie", '"session cookie"')).toBe("a [session cookie], a cookie")
  expect(shown("authentication", "auth*")).toBe("[authentication]")
  expect(shown("数据库迁移完成", "迁移")).toBe("数据库[迁移]完成")
  expect(shown("Café\n\n\tist \x1b[31mrot", "cafe rot")).toBe("[Café] ist [rot]")
  const far = `${"filler word ".repeat(20)}one needle and a cookie here ${"more text ".repeat(20)}`
  expect(shown(far, "needle cookie")).toMatch(/^….*\[needle\] and a \[cookie\] here.*…$/)
  expect(shown("nothing of it", "needle")).toBe("nothing of it")
  expect(shown("", "needle")).toBe("")
})

test("while a tree is driven, what was said becomes searchable when it rests, and not before", async () => {
  const clock = new HandClock()
  using made = await temporaryStore(clock)
  const { store } = made
  await store.write((tx) => seedSession(tx, { id: "one" }))
  await say(store, "left behind by an earlier process", { id: "a" })
  const log = memoryLog()
  using _ = keepSearchable({ store, clock, log }, "one")
  const isSearchable = () => toIndex(store) === 0
  await clock.pass(1500)
  expect(isSearchable()).toBe(false)
  await clock.pass(1500)
  expect(isSearchable()).toBe(true)
  await say(store, "said now", { id: "b" })
  await store.write((tx) => tx.ring("feed:one"))
  await clock.pass(1500)
  // Something goes on: it waits again.
  await store.write((tx) => tx.ring("feed:one"))
  await clock.pass(1500)
  expect(isSearchable()).toBe(false)
  await clock.pass(1500)
  expect(isSearchable()).toBe(true)
  expect(log.entries).toEqual([])
})
