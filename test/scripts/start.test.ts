// `npm start`: the first thing that somebody sees of the program.
import { expect, test } from "bun:test"
import { resolve } from "node:path"
import { workbench } from "../../testing/headless.ts"
import { openTerminal } from "../../testing/terminal.ts"

const START = resolve(import.meta.dir, "../../scripts/start.sh")
const REPOSITORY = resolve(import.meta.dir, "../..")

test("in a terminal it opens the interface with a first question, which agents answer offline", async () => {
  await using bench = workbench()
  await using terminal = await openTerminal(bench, { command: [START], cwd: REPOSITORY, rows: 40 })
  await terminal.shows("offline scout")
  await terminal.shows("› How does a background task wake the conversation when it is done?")
  await terminal.shows(/✓ explore/)
  await terminal.shows(/● \d+ tasks? finished, picking up/)
  await terminal.shows((screen) => !screen.text().includes("esc interrupt") && !/\d agents?/.test(screen.text()))
  await terminal.shows(/src\/task\//)
  terminal.press("ctrl+c", "ctrl+c")
  expect(await terminal.exited).toBe(0)
}, 60_000)
