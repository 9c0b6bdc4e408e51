// A session's own messages, read again and searched like a file.
import { expect, test } from "bun:test"
import { earlierMessages } from "../../src/session/earlier-messages.ts"
import { isAllMessages, messageRange, readMessages, searchMessages } from "../../src/tool/earlier.ts"
import type { ToolOutput } from "../../src/tool/tool.ts"
import { type TestStore, temporaryStore } from "../../testing/harness.ts"
import { seedSession } from "../../testing/seed.ts"
import { type Said, seedConversation } from "../../testing/seed-conversation.ts"

async function placeWith(said: readonly Said[]): Promise<TestStore> {
  const place = await temporaryStore()
  await place.store.write((tx) => {
    seedSession(tx, { id: "root" })
    seedConversation(tx, "root", { said })
    seedSession(tx, { id: "other" })
    seedConversation(tx, "other", { said: [{ by: "user", text: "a secret of another session" }] })
    seedSession(tx, { id: "fork", forked_from: "root", fork_seq: 2 })
    seedConversation(tx, "fork", { said: [{ by: "user", text: "Only in the fork." }], from: 3 })
  })
  return place
}

const TALK: Said[] = [
  { by: "user", text: "Look at the door.", images: 1 },
  {
    by: "model",
    text: "I look.",
    calls: [
      { name: "Bash", input: { command: "ls" }, result: "door.txt\nWindow.txt" },
      { name: "Read", input: { file_path: "door.txt" }, result: "oak (brown)" },
    ],
  },
  { by: "model", text: "It is of oak." },
]

const textOf = ({ content }: ToolOutput) => content.map((part) => (part.type === "text" ? part.text : "")).join("\n")
const SIGNAL = new AbortController().signal

test("only what looks like messages is not a file", () => {
  expect(messageRange("message:12")).toEqual({ from: 12, to: 12 })
  expect(messageRange("messages:12-20")).toEqual({ from: 12, to: 20 })
  expect(messageRange("message:12-message:20")).toEqual({ from: 12, to: 20 })
  for (const path of ["./message:12", "message:", "message:x", "message:12-", "a/message:12", "message:1-2-3", ""])
    expect(messageRange(path)).toBeUndefined()
  expect([isAllMessages("message:"), isAllMessages("messages:"), isAllMessages("."), isAllMessages(undefined)]).toEqual(
    [true, true, false, false],
  )
})

test("messages are read with their calls and the whole results", async () => {
  using place = await placeWith(TALK)
  const earlier = earlierMessages(place.store)
  const read = (range: { from: number; to: number }, more: { offset?: number; limit?: number } = {}) =>
    textOf(readMessages(earlier, "root", { range, offset: more.offset, limit: more.limit }))
  expect(read({ from: 1, to: 9 })).toBe(
    [
      "── message 1, the user",
      "Look at the door.",
      "[an image, image/png]",
      "",
      "── message 2, you",
      "I look.",
      '[call] Bash {"command":"ls"}',
      "[result] door.txt",
      "Window.txt",
      '[call] Read {"file_path":"door.txt"}',
      "[result] oak (brown)",
      "",
      "── message 3, you",
      "It is of oak.",
    ].join("\n"),
  )
  expect(read({ from: 1, to: 1 }, { offset: 2, limit: 1 })).toBe(
    "Look at the door.\n[1 more line. Go on with offset 3.]",
  )
  for (const range of [
    { from: 0, to: 0 },
    { from: 4, to: 4 },
    { from: 3, to: 2 },
  ])
    expect(() => read(range)).toThrow("messages have numbers from 1 to 3")
})

test("a long range is read in parts, and each says how to go on", async () => {
  using place = await placeWith(Array.from({ length: 250 }, (_, i): Said => ({ by: "user", text: `word ${i + 1}` })))
  const earlier = earlierMessages(place.store)
  const text = textOf(
    readMessages(earlier, "root", { range: { from: 11, to: 400 }, offset: undefined, limit: undefined }),
  )
  expect(text).toContain("word 110\n")
  expect(text).toEndWith('[Go on with "message:111-250".]')
  using big = await placeWith([{ by: "user", text: "a line of some length\n".repeat(3_000) }])
  const cut = textOf(
    readMessages(earlierMessages(big.store), "root", {
      range: { from: 1, to: 1 },
      offset: undefined,
      limit: undefined,
    }),
  )
  expect(cut.length).toBeLessThan(31_000)
  expect(cut).toMatch(/more lines\. Go on with offset \d+\.\]$/)
})

test("a search finds plain text in all that was said and what came of it, the newest first", async () => {
  using place = await placeWith(TALK)
  const earlier = earlierMessages(place.store)
  const search = async (pattern: string, more: object = {}, sessionId = "root") =>
    textOf(
      await searchMessages(earlier, sessionId, {
        ...{ pattern, ignoreCase: false, limit: undefined, offset: 0, signal: SIGNAL },
        ...more,
      }),
    )
  expect(await search("oak")).toBe("message:3: It is of oak.\nmessage:2: [result] oak (brown)")
  expect(await search("oak \\(brown\\)")).toBe("message:2: [result] oak (brown)")
  expect(await search("window")).toContain("No message has")
  expect(await search("window", { ignoreCase: true })).toBe("message:2: Window.txt")
  expect(await search("Window|of oak")).toBe("message:3: It is of oak.\nmessage:2: Window.txt")
  expect(await search("oak", { limit: 1 })).toBe("message:3: It is of oak.\n[There are more. Go on with offset 1.]")
  expect(await search("oak", { offset: 1 })).toBe("message:2: [result] oak (brown)")
  expect(await search("secret")).toContain("No message has")
  expect(await search("door|fork", {}, "fork")).toContain("message:3: Only in the fork.\nmessage:2: ")
  expect(await search("of oak", {}, "fork")).toContain("No message has")
  // What would take a regular expression's engine for ever is only text here.
  expect(await search(`(a+)+${"$".repeat(50)}`)).toContain("No message has")
  await expect(search(" | ")).rejects.toThrow("nothing to search for")
})
