// /fork in a real terminal: the screen goes to the fork, and what the origin does goes on in the same process.
import { expect, test } from "bun:test"
import { PROGRAM } from "../../../testing/headless.ts"
import { reply } from "../../../testing/model-server.ts"
import { storedAll } from "./stored.ts"
import { shell, talk, waits } from "./talk.ts"

const TITLES = { settings: { titles: "prompt" } }

test("/fork during a turn goes to a fork at its last step; the origin's turn comes to its end behind it", async () => {
  await using it = await talk({
    ...TITLES,
    root: [
      reply.calls([shell("sh -c 'echo step one'")]),
      reply.calls([shell(`sh -c '${waits("slow")}; echo SLOW'`)]),
      reply.text("The slow one is done."),
    ],
  })
  it.say("Do both")
  await it.terminal.shows("-e slow")
  await it.terminal.shows("ctrl+b")
  it.say("/fork twig")
  await it.terminal.shows('This is a fork "twig" of "Do both". Its turn and 1 task go on there.')
  await it.terminal.shows(/^ twig /)
  await it.terminal.shows("step one")
  expect(it.terminal.text()).not.toContain("SLOW")
  it.server.script = () => reply.text("Here we talk.")
  it.say("What have we done?")
  await it.terminal.shows("Here we talk.")
  const asked = it.server.requests.at(-1)!
  expect(JSON.stringify(asked.messages)).toContain("This conversation is a fork")
  // Nothing is busy here: but it is there, and leaving asks what becomes of it.
  it.say("/exit")
  await it.terminal.shows("1 task still runs, and the turn is not over")
  await it.terminal.shows("In Do both, where a turn is not over:")
  it.terminal.press("escape")
  it.server.script = () => reply.text("The slow one is done.")
  it.go("slow")
  await it.bench.stored("SELECT 1 FROM message WHERE content LIKE '%The slow one is done.%'")
  it.server.check()
  it.say("/exit")
  expect(await it.terminal.exited).toBe(0)
  const rows = storedAll<{ session_id: string; n: number }>(
    it.bench,
    "SELECT session_id, COUNT(*) AS n FROM turn WHERE state = 'done' GROUP BY session_id",
  )
  expect(rows.map(({ n }) => n)).toEqual([1, 1])
}, 40_000)

test("leaving a fork with the origin at work keeps that going, and says how to come back to both", async () => {
  await using it = await talk({
    ...TITLES,
    shell: true,
    root: [
      reply.calls([shell(`sh -c '${waits()}; echo built'`, { description: "build it", run_in_background: true })]),
      reply.text("It runs."),
      reply.text("It is built."),
    ],
  })
  it.say(`${PROGRAM} --allowedTools "Bash(sh:*)"`)
  await it.terminal.shows("? keys")
  it.say("Build")
  await it.terminal.shows("It runs.")
  it.say("/fork twig")
  await it.terminal.shows("1 task goes on there.")
  it.say("/rename branch")
  await it.terminal.shows(/^ branch /)
  it.terminal.press("ctrl+z")
  await it.terminal.shows("meanwhile --resume branch")
  await it.terminal.shows(/Also at work: Build \(meanwhile --resume [0-9a-f]{8}\)/)
  it.go()
  await it.bench.stored("SELECT 1 FROM message WHERE content LIKE '%It is built.%'")
  it.server.check()
}, 40_000)

test("a task of the origin is seen in the fork, also how it ends", async () => {
  await using it = await talk({
    ...TITLES,
    root: [
      reply.calls([shell(`sh -c '${waits()}; echo built'`, { description: "build it", run_in_background: true })]),
      reply.text("It runs."),
    ],
  })
  it.say("Build")
  await it.terminal.shows("It runs.")
  it.say("/fork")
  await it.terminal.shows('This is a fork of "Build". 1 task goes on there.')
  await it.terminal.shows(/build it.*\d+ s|build it.*<1 s/)
  it.go()
  await it.terminal.shows(/✓ .*build it/)
  // It is the origin that hears of it: here nothing was said.
  await it.heard("built")
  expect(storedAll(it.bench, "SELECT 1 FROM turn")).toHaveLength(2)
}, 40_000)

test("a session at work is opened by its name in another terminal, and can be forked from there", async () => {
  await using it = await talk({
    ...TITLES,
    args: ["-n", "oak", "--allowedTools", "Bash(sh:*)"],
    root: [
      reply.calls([shell("sh -c 'echo step one'")]),
      reply.calls([shell(`sh -c '${waits()}'`)]),
      reply.text("Done."),
    ],
  })
  it.say("Begin")
  await it.terminal.shows("-e go")
  await using other = await it.open({ args: ["-r", "oak"] })
  await other.shows(/^ oak .*viewing/)
  await other.shows("step one")
  other.type("/fork")
  other.press("enter")
  await other.shows('This is a fork of "oak". Its turn and 1 task go on there.')
  await other.shows((terminal) => !terminal.text().includes("viewing"))
  it.server.script = () => reply.text("Heard in the fork.")
  other.type("And here?")
  other.press("enter")
  await other.shows("Heard in the fork.")
  // Its own first prompt is what it is about.
  await other.shows(/^ And here\? /)
  it.server.script = () => reply.text("Done.")
  it.go()
  await it.terminal.shows("Done.")
  expect(it.terminal.text()).not.toContain("Heard in the fork.")
  it.server.check()
}, 40_000)

test("a conversation in which nothing was answered can't be forked, and says so", async () => {
  await using it = await talk(TITLES)
  it.say("/fork")
  await it.terminal.shows("there is nothing to fork")
  await it.terminal.shows("/fork")
}, 30_000)
