// /compact in a real terminal: at once while nothing happens, at the next step boundary while the model is at work; the
// conversation stays on the screen, and a line says what was kept.
import { expect, test } from "bun:test"
import type { CompactionRow } from "../../../src/store/rows.ts"
import { type RecordedRequest, reply } from "../../../testing/model-server.ts"
import { oneStored } from "./stored.ts"
import { shell, type Talk, talk, waits } from "./talk.ts"

const MODEL = "anthropic/claude-sonnet-5-5"
const settings = {
  models: { [MODEL]: { contextWindow: 12_000 } },
  compactAt: 0,
  memory: { updates: false },
  titles: "prompt",
}
const long = (end: string) => `${"Much was said of doors. ".repeat(1_200)}${end}`
const TWO = [reply.text(long("The first end.")), reply.text(long("The second end."))]

/** Two questions that were answered at length. */
async function speak({ say, terminal }: Talk): Promise<void> {
  say("Tell me of doors")
  await terminal.shows("The first end.")
  say("And again, please")
  await terminal.shows("The second end.")
}

const isCompacted = (request: RecordedRequest) => request.prompt.includes("The conversation was compacted")

test("/compact says what was kept, and everything before stays on the screen and is not sent again", async () => {
  await using one = await talk({
    settings,
    restarts: isCompacted,
    root: [...TWO, reply.text("Blue.")],
  })
  const { terminal, server, bench } = one
  await speak(one)
  one.say("/compact the blue door")
  await terminal.shows(/Compacted, with a focus on the blue door: kept the last message; [\d.]+k →/)
  const row = oneStored<CompactionRow>(bench, "SELECT * FROM compaction")
  expect(row).toMatchObject({ cause: "user", focus: "the blue door" })
  // It was there before, and is still.
  terminal.press("home")
  await terminal.shows("Tell me of doors")
  one.say("Which door?")
  await terminal.shows("Blue.")
  const last = server.requests.at(-1)!
  expect(last.prompt).toContain("The user wants the focus to be on: the blue door")
  expect(JSON.stringify(last.body)).not.toContain(long("The first end."))
  expect(JSON.stringify(last.body)).toContain(long("The second end."))
  server.check()
})

test("with nothing to gain it says so, and nothing is changed", async () => {
  await using one = await talk({ settings, root: [reply.text("Hello.")] })
  one.say("Hi")
  await one.terminal.shows("Hello.")
  one.say("/compact")
  await one.terminal.shows("There is nothing to compact yet")
})

test("while a command runs it waits for the step's end, and what is typed meanwhile is kept", async () => {
  await using one = await talk({
    settings,
    restarts: isCompacted,
    root: [...TWO, reply.calls([shell("sh wait.sh")]), reply.text("It is over.")],
    files: { "wait.sh": `echo begun; ${waits()}; echo went` },
  })
  const { terminal, server } = one
  await speak(one)
  one.say("Run it")
  await terminal.shows("begun")
  one.say("/compact")
  await terminal.shows("It will be compacted when this step is over.")
  terminal.type("half a thought")
  one.go()
  await terminal.shows("Compacted: kept the")
  await terminal.shows("It is over.")
  await terminal.shows("half a thought")
  const last = server.requests.at(-1)!
  expect(isCompacted(last)).toBe(true)
  expect(last.results.map(({ text }) => text).join()).toContain("went")
  server.check()
})

test("a second window on the session compacts it as well", async () => {
  await using one = await talk({ settings, restarts: isCompacted, root: TWO })
  await speak(one)
  const other = await one.open({ args: ["--continue"] })
  await other.shows("The second end.")
  other.type("/compact")
  other.press("enter")
  await other.shows("Compacted: kept the")
  await one.terminal.shows("Compacted: kept the")
})
