// What a conversation is called, in a real terminal: its title at once and by a model, /rename, and what the window says.
import { expect, test } from "bun:test"
import { Gate } from "../../../testing/gate.ts"
import { reply } from "../../../testing/model-server.ts"
import { storedAll } from "./stored.ts"
import { type Talk, talk } from "./talk.ts"

function named(it: Talk) {
  return storedAll<{ name: string | null; title: string | null; title_by: string | null }>(
    it.bench,
    "SELECT name, title, title_by FROM session ORDER BY rowid",
  )
}

const NO_TITLES = { titles: "prompt" }

test("the first prompt is the title at once, and a model's better one comes after the first reply", async () => {
  const first = new Gate()
  const better = new Gate()
  await using it = await talk({ root: [reply.text("They are in src/retry.ts.").gate(first)] })
  it.server.aside = () => reply.text('"Where retries are decided."').gate(better)
  it.say("## Please find out: where are retries decided?\nAnd say why.")
  await it.terminal.shows(/^ Please find out: where are retries decided/)
  expect(it.terminal.title()).toContain("Please find out: where are retries decided")
  // Nothing is asked beside the conversation while the user waits for an answer.
  expect(it.server.asides).toHaveLength(0)
  first.open()
  const asked = await it.server.askedAside(1)
  expect(JSON.stringify(asked.messages)).toContain("They are in src/retry.ts.")
  await it.terminal.shows("They are in src/retry.ts.")
  better.open()
  await it.terminal.shows(/^ Where retries are decided /)
  it.say("Thanks.")
  await it.terminal.shows("Noted.")
  expect(it.server.asides).toHaveLength(1)
  expect(named(it)).toMatchObject([{ name: null, title: "Where retries are decided", title_by: "model" }])
  const [entry] = storedAll<{ state: string; cost_nanos: number }>(
    it.bench,
    "SELECT state, cost_nanos FROM ledger WHERE purpose = 'title'",
  )
  expect(entry).toMatchObject({ state: "closed" })
  expect(entry!.cost_nanos).toBeGreaterThan(0)
}, 30_000)

test("/rename names it, and without a name proposes the title; a name that is taken gets a number, and that is said", async () => {
  await using it = await talk({ settings: NO_TITLES })
  it.say("Tidy up the tests")
  await it.terminal.shows("Noted.")
  it.say("/rename")
  await it.terminal.shows("/rename Tidy up the tests")
  it.terminal.press("enter")
  await it.terminal.shows('This is "Tidy up the tests" now.')
  it.say("/rename spring clean")
  await it.terminal.shows(/^ spring clean /)
  expect(it.terminal.title()).toContain("spring clean")
  it.say("/clear")
  await it.terminal.shows(/^ new conversation/)
  it.say("/rename spring clean")
  await it.terminal.shows('There is a "spring clean" already: this is "spring clean (2)".')
  await it.terminal.shows(/^ spring clean \(2\) /)
  expect(named(it).map(({ name }) => name)).toEqual(["spring clean", "spring clean (2)"])
  // What can't be one is refused, and can be mended where it stands.
  it.say(`/rename ${"x".repeat(201)}`)
  await it.terminal.shows("That is no name for a session")
  expect(it.server.asides).toHaveLength(0)
}, 30_000)

test("a name that another process gives is shown at once", async () => {
  await using it = await talk({ settings: NO_TITLES })
  it.say("Hello")
  await it.terminal.shows("Noted.")
  const [session] = storedAll<{ id: string }>(it.bench, "SELECT id FROM session")
  await it.bench.run(["sessions", "rename", session!.id, "from outside"])
  await it.terminal.shows(/^ from outside /)
}, 30_000)
