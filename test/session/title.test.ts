import { expect, test } from "bun:test"
import fc from "fast-check"
import { LONGEST_TITLE, promptTitle, titleByPrompt } from "../../src/session/title.ts"
import { saidTitle } from "../../src/session/titling.ts"
import { processorMs, temporaryStore } from "../../testing/harness.ts"
import { seed, seedSession } from "../../testing/seed.ts"

function titled(text: string): string | undefined {
  return promptTitle([{ type: "text", text }])
}

test("a title is the first line of the prompt that says something, without marks", () => {
  expect(titled("Why does the login test fail?")).toBe("Why does the login test fail?")
  expect(titled("\n\n  ## Fix `retry.ts`:\nIt gives up.")).toBe("Fix retry.ts")
  expect(titled("```ts\nconst a = 1\n```")).toBe("const a = 1")
  expect(titled("> quoted\n- item")).toBe("quoted")
  expect(titled("1. first\n2. second")).toBe("first")
  expect(titled("<task>\n**Do** it\n</task>")).toBe("Do it")
  expect(titled("日本語で説明してください")).toBe("日本語で説明してください")
  expect(titled("--- ***\n???")).toBeUndefined()
  expect(titled("")).toBeUndefined()
  expect(promptTitle([{ type: "image", mediaType: "image/png", data: "" }])).toBe("About an image")
  const text = { type: "text", text: "[Image #1] what is this" } as const
  expect(promptTitle([text, { type: "image", mediaType: "image/png", data: "" }])).toBe("what is this")
})

test("a session that began before there were titles gets that of its first prompt, a fork that of its own first one", async () => {
  using place = await temporaryStore()
  const { store } = place
  const text = (words: string) => JSON.stringify([{ type: "text", text: words }])
  await store.write((tx) => {
    seedSession(tx, { id: "old" })
    seedSession(tx, { id: "fork", forked_from: "old", fork_seq: 2 })
    seedSession(tx, { id: "done", title: "It has one", title_by: "model" })
    const said = { role: "user", origin: "human" }
    seed(tx, "message", { ...said, id: "1", session_id: "old", seq: 1, origin: "task", content: text("A notice") })
    seed(tx, "message", { ...said, id: "2", session_id: "old", seq: 2, content: text("First") })
    seed(tx, "message", { ...said, id: "3", session_id: "old", seq: 3, content: text("Second") })
    seed(tx, "message", { ...said, id: "4", session_id: "fork", seq: 3, content: text("Third") })
    seed(tx, "message", { ...said, id: "5", session_id: "done", seq: 1, content: text("Fourth") })
    for (const id of ["old", "fork", "done"]) titleByPrompt(tx, id)
  })
  const titles = store.all<{ title: string }>("SELECT title FROM session ORDER BY rowid").map(({ title }) => title)
  expect(titles).toEqual(["First", "Third", "It has one"])
})

test("a title of a line that never ends takes no time", () => {
  const took = processorMs(() => {
    for (const filler of [".", " ", "`", "*", "<a", "- "]) titled(`${filler.repeat(20_000)}x`)
  })
  expect(took).toBeLessThan(500)
})

test("a long title is cut between words", () => {
  const title = titled("Please look into the reason why the nightly build of the documentation fails on Fridays")
  expect(title).toBe("Please look into the reason why the nightly build of the…")
  expect(titled("x".repeat(1000))).toBe(`${"x".repeat(LONGEST_TITLE - 1)}…`)
})

test("whatever is asked, a title is one short line that a terminal can show", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
      for (const title of [titled(text), saidTitle(text)]) {
        if (title === undefined) continue
        expect(title.length).toBeLessThanOrEqual(LONGEST_TITLE)
        expect(title).not.toMatch(/[\x00-\x1f\x7f\x80-\x9f\u202a-\u202e\u2066-\u2069]/)
        expect(title).toMatch(/[\p{L}\p{N}]/u)
      }
    }),
    { numRuns: 500 },
  )
})

test("what a model answers is a title only when it is one", () => {
  expect(saidTitle("Retry logic in the client")).toBe("Retry logic in the client")
  expect(saidTitle('Title: "Retry logic."\n')).toBe("Retry logic")
  expect(saidTitle("**Retry logic**")).toBe("Retry logic")
  expect(saidTitle("# Title: Fehlersuche im Login")).toBe("Fehlersuche im Login")
  expect(saidTitle("\x1b[31mred\u202e title")).toBe("red title")
  expect(saidTitle(" \n…\n")).toBeUndefined()
  expect(saidTitle(`I am afraid that ${"I can't say what this is about ".repeat(9)}`)).toBeUndefined()
})
