import { expect, test } from "bun:test"
import { workbench } from "../../../testing/headless.ts"
import { openTerminal } from "../../../testing/terminal.ts"

test("an interface in which nothing happens writes no byte", async () => {
  await using bench = workbench()
  await using terminal = await openTerminal(bench)
  await terminal.shows("offline scout")
  await terminal.settled(1000)
  const before = terminal.mark()
  await terminal.settled(4000)
  expect(terminal.written(before)).toMatchObject({ bytes: 0, fullRepaints: 0 })
})
