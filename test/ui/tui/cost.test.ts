// /cost in a real terminal: its total is the header's and that of /stats, and its keys are those of a page.
import { expect, test } from "bun:test"
import { reply } from "../../../testing/model-server.ts"
import { agent, talk } from "./talk.ts"

test("/cost adds up to what the header and /stats say; esc and enter go back", async () => {
  await using it = await talk({
    columns: 90,
    root: [reply.calls([agent("look around", "Look around here.")]), reply.text("All is well.")],
    agents: { "Look around here.": [reply.text("It is a folder.")] },
  })
  const { terminal } = it
  it.say("Have it looked at.")
  await terminal.shows("All is well.")
  const money = /[≈<]*\$\d+\.\d\d/
  await terminal.shows((screen) => money.test(screen.line(0)))
  it.say("/cost")
  await terminal.shows("By who used it")
  await terminal.shows(/this conversation +2 requests/)
  await terminal.shows(/general-purpose +look around +1 request/)
  const total = money.exec(terminal.lines().find((line) => line.includes("in all"))!)![0]
  terminal.press("esc")
  await terminal.shows((screen) => money.exec(screen.line(0))?.[0] === total)
  it.say("/cost")
  await terminal.shows("By model")
  terminal.press("down", "end", "home", "enter")
  await terminal.hides("By model")
  it.say("/stats")
  await terminal.shows((screen) => screen.text().includes(`Cost              ${total}`))
  expect(total).toMatch(money)
}, 30_000)
