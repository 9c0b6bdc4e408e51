import { expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { Draft, type DraftPart, DraftTail } from "../../src/session/draft.ts"
import { eventually, memoryLog, temporaryFolder } from "../../testing/harness.ts"

function fixture() {
  const folder = temporaryFolder()
  const path = join(folder.path, "step")
  const log = memoryLog()
  const audience = { present: true, asked: 0, writes: 0 }
  const isPresent = () => {
    audience.asked++
    return audience.present
  }
  const draft = new Draft(path, { isPresent, written: () => audience.writes++ }, log)
  return { path, log, audience, draft, tail: new DraftTail(path), [Symbol.dispose]: () => folder[Symbol.dispose]() }
}

test("pieces that come at once are one line, and a reader gets each of them once", async () => {
  using it = fixture()
  for (const text of ["Now, ", "la", "ter"]) it.draft.add({ text })
  it.draft.add({ reasoning: "hm" })
  it.draft.add({ tool: "Bash" })
  await eventually("it is written", () => it.audience.writes === 1)
  const parts: DraftPart[] = [{ text: "Now, later" }, { reasoning: "hm" }, { tool: "Bash" }]
  expect(it.tail.read()).toEqual({ restarted: false, parts })
  expect(it.tail.read()).toEqual({ restarted: false, parts: [] })
  it.draft.add({ text: "." })
  await eventually("the rest is written", () => it.audience.writes === 2)
  expect(it.tail.read()).toEqual({ restarted: false, parts: [{ text: "." }] })
  it.draft.end()
})

test("an answer that begins anew is taken back, also when it has grown past the old one since", async () => {
  using it = fixture()
  it.draft.add({ text: "short" })
  await eventually("it is written", () => it.audience.writes === 1)
  it.tail.read()
  it.draft.restart()
  it.draft.add({ text: "much longer than before" })
  await eventually("it is written anew", () => it.audience.writes === 3)
  expect(it.tail.read()).toEqual({ restarted: true, parts: [{ text: "much longer than before" }] })
  it.draft.end()
})

test("who comes in the middle gets all of it; while nobody looks there is no file", async () => {
  using it = fixture()
  it.audience.present = false
  it.draft.add({ text: "Before. " })
  await eventually("it was asked whether somebody looks", () => it.audience.asked > 0)
  expect(existsSync(it.path)).toBeFalse()
  it.audience.present = true
  await eventually("it is written", () => it.audience.writes === 1)
  expect(it.tail.read()?.parts).toEqual([{ text: "Before. " }])
  it.draft.end()
})

test("at its end it is gone, and what comes late is left out", async () => {
  using it = fixture()
  it.draft.add({ text: "a" })
  await eventually("it is written", () => it.audience.writes === 1)
  it.draft.add({ text: "b" })
  it.draft.end()
  it.draft.add({ text: "c" })
  it.draft.end()
  expect(it.tail.read()).toBeUndefined()
  expect(it.log.entries).toEqual([])
})

test("a draft that can't be written is logged once, and the answer goes on", async () => {
  using it = fixture()
  const draft = new Draft(join(it.path, "no", "folder"), { isPresent: () => true, written: () => {} }, it.log)
  draft.add({ text: "a" })
  await eventually("it was tried", () => it.log.entries.length > 0)
  draft.add({ text: "b" })
  draft.restart()
  draft.end()
  expect(it.log.entries).toHaveLength(1)
})
