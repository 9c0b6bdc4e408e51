// What somebody sees first: who answers, how a model is connected, and what the program could not use.
import { describe, expect, test } from "bun:test"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { openingLines } from "../../../src/ui/tui/conversation/opening-lines.ts"
import { createTheme } from "../../../src/ui/tui/theme.ts"
import { workbench } from "../../../testing/headless.ts"
import { startModelServer } from "../../../testing/model-server.ts"
import { expectScreen } from "../../../testing/screens.ts"
import { openTerminal } from "../../../testing/terminal.ts"

const SCOUT = "This is the offline scout, not a language model"

test("without a key it is the scout that answers, which says so, and how a model is connected", async () => {
  await using bench = workbench()
  await using terminal = await openTerminal(bench)
  await terminal.shows(SCOUT)
  await terminal.shows("/model connects a model")
  terminal.type("/model")
  terminal.press("enter")
  await terminal.shows("set ANTHROPIC_API_KEY")
})

test("with a key there is the model's name and nothing else, also when the scout is left for it", async () => {
  await using server = await startModelServer()
  await using bench = workbench(server)
  await using terminal = await openTerminal(bench)
  await terminal.shows("anthropic/claude-sonnet-5-5")
  expect(terminal.text()).not.toContain(SCOUT)
  terminal.type("/model scout")
  terminal.press("enter")
  await terminal.shows(SCOUT)
  terminal.type("/model sonnet")
  terminal.press("enter")
  await terminal.hides(SCOUT)
})

test("what could not be used is said once, above the first conversation", async () => {
  await using bench = workbench()
  mkdirSync(join(bench.home, "agents"), { recursive: true })
  writeFileSync(join(bench.home, "keybindings.json"), '{ "conversation.taks": "f5" }')
  writeFileSync(join(bench.home, "agents/broken.md"), "---\nname: [\n---\nx")
  await using terminal = await openTerminal(bench, { columns: 120 })
  await terminal.shows("! ")
  expect(terminal.text()).toContain("conversation.taks")
  expect(terminal.text()).toContain("broken.md")
  terminal.type("run echo said")
  terminal.press("enter")
  await terminal.shows("exit code 0")
  terminal.type("/clear")
  terminal.press("enter")
  await terminal.hides("conversation.taks")
  await terminal.shows(SCOUT)
  expect(terminal.text()).not.toContain("broken.md")
})

test("notes come from files of strangers: nothing in them reaches the terminal", () => {
  const notes = ["bad \u001b[2J\u0007 note that goes on and on and does not fit into one line of a narrow terminal"]
  const theme = createTheme("dark", { hasColour: false })
  const lines = openingLines({ model: "a/b\u001b[31m", notes }, { width: 40, theme }).map(({ text }) => text)
  // All that is left are the styles of the program's own.
  expect(lines.join("").replace(/\u001b\[(?:1|22)m/g, "")).not.toMatch(/[\u0000-\u001f]/)
  for (const line of lines) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(40)
})

describe("the first screen", () => {
  for (const [name, options] of [
    ["first-run-dark-80", { columns: 80 }],
    ["first-run-light-140", { columns: 140, theme: "light" }],
    ["first-run-plain-80", { columns: 80, colours: false }],
  ] as const)
    test(name, async () => {
      await using bench = workbench()
      await using terminal = await openTerminal(bench, { rows: 24, ...options })
      await terminal.shows(SCOUT)
      await expectScreen(terminal, name, { styles: true })
    })
})
