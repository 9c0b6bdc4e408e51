// /fork in a real terminal: the screen goes to the fork, and what the origin does goes on in the same process.
import { expect, test } from "bun:test"
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

test("a conversation in which nothing was answered can't be forked, and says so", async () => {
  await using it = await talk(TITLES)
  it.say("/fork")
  await it.terminal.shows("there is nothing to fork")
  await it.terminal.shows("/fork")
}, 30_000)
