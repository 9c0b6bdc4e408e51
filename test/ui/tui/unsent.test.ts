// What was typed and not sent: it is there again, whatever became of the process that it was typed into.
import { expect, test } from "bun:test"
import { eventually } from "../../../testing/harness.ts"
import { reply } from "../../../testing/model-server.ts"
import { oneStored } from "./stored.ts"
import { type Talk, talk } from "./talk.ts"

const host = ({ bench }: Talk) => oneStored<{ pid: number }>(bench, "SELECT pid FROM lease")!.pid
const isStored =
  ({ bench }: Talk, text: string) =>
  () =>
    oneStored<{ n: number }>(
      bench,
      `SELECT COUNT(*) AS n FROM meta WHERE key LIKE 'unsent:%' AND instr(value, '${text}') > 0`,
    )!.n === 1
const nothingStored =
  ({ bench }: Talk) =>
  () =>
    oneStored(bench, "SELECT 1 FROM meta WHERE key LIKE 'unsent:%'") === undefined

/** With the program behind it: the prompt alone is there before that. */
async function begin(one: Talk, args = ""): Promise<void> {
  one.terminal.type(`meanwhile ${args}; echo "ended with $?"\n`)
  await one.terminal.shows("? keys")
  await one.terminal.shows("claude-sonnet-5-5")
}

test("a prompt of several lines is in the editor again after kill -9, and gone once it is sent", async () => {
  await using one = await talk({ shell: true, root: [reply.text("Hello.")] })
  const { terminal } = one
  await begin(one)
  one.say("Hello there")
  await terminal.shows("Hello.")
  terminal.type("A long thought")
  terminal.press("ctrl+j")
  terminal.type("of two lines")
  await eventually("it is stored", isStored(one, "of two lines"))
  process.kill(host(one), "SIGKILL")
  await terminal.shows("ended with 137")
  terminal.type("clear\n")
  await begin(one, "-c")
  await terminal.shows(/› A long thought\s*│\s*│ +of two lines/)
  terminal.press("enter")
  await terminal.shows("Noted.")
  await eventually("nothing is stored", nothingStored(one))
})

test("also the first one of a conversation in which nothing was said, and a shell line", async () => {
  await using one = await talk({ shell: true })
  const { terminal } = one
  await begin(one)
  terminal.type("!make the-first")
  await eventually("it is stored", isStored(one, "make the-first"))
  process.kill(host(one), "SIGKILL")
  await terminal.shows("ended with 137")
  terminal.type("clear\n")
  await begin(one, "-c")
  await terminal.shows(/! ?make the-first/)
  // Taken out again, nothing of the conversation is left.
  terminal.press("ctrl+c")
  await eventually("nothing is stored", nothingStored(one))
  terminal.press("ctrl+c", "ctrl+c")
  await terminal.shows("ended with 0")
  expect(oneStored(one.bench, "SELECT 1 FROM session")).toBeUndefined()
})

test("a viewer does not get what somebody else is typing just now", async () => {
  await using one = await talk({ root: [reply.text("Hello.")] })
  const { terminal } = one
  one.say("Hello there")
  await terminal.shows("Hello.")
  terminal.type("half a thought")
  await eventually("it is stored", isStored(one, "half a thought"))
  await using other = await one.open({ args: ["-c"] })
  await other.shows("Hello.")
  await other.shows("? keys")
  expect(other.text()).not.toContain("half a thought")
  other.type("of the other")
  await other.shows("of the other")
  await terminal.shows("half a thought")
})
