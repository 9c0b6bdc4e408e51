// /memory in a real terminal: its sections, editing them, updates, and versions.
import { describe, expect, test } from "bun:test"
import { Gate } from "../../../testing/gate.ts"
import { reply } from "../../../testing/model-server.ts"
import { expectScreen } from "../../../testing/screens.ts"
import type { Terminal, TerminalOptions } from "../../../testing/terminal.ts"
import { storedAll } from "./stored.ts"
import { agent, BEHIND, type Talk, talk } from "./talk.ts"

const UPDATED = reply.text(
  JSON.stringify({
    status: ["The parser is done; its tests are next."],
    decisions: ["Use Bun, not Node.", "No new dependencies, says the user."],
    questions: ["Does the parser need to know tabs?"],
    log: ["2026-01-31 14:05 wrote notes.txt: done"],
  }),
)

/** A session that has done something, and a model that knows what to remember of it. */
async function story(options: TerminalOptions & { editor?: string } = {}): Promise<Talk> {
  const { editor = "exit 0", ...rest } = options
  const it = await talk({
    ...rest,
    settings: { titles: "prompt" },
    args: ["--permission-mode", "bypassPermissions"],
    env: { EDITOR: "sh ./editor.sh" },
    files: { "editor.sh": editor },
    root: [
      reply.calls([
        { name: "Write", input: { file_path: "notes.txt", content: "one\ntwo\n" } },
        { name: "Bash", input: { command: "sh -c 'exit 3'" } },
        {
          name: "TodoWrite",
          input: {
            todos: [
              { content: "write the parser", status: "completed" },
              { content: "test it", status: "in_progress" },
            ],
          },
        },
      ]),
      reply.text("I wrote it."),
    ],
  })
  it.server.aside = (_, purpose) => (purpose === "memory" ? UPDATED : undefined)
  it.say("Write the parser")
  await it.terminal.shows("I wrote it.")
  return it
}

async function openMemory({ terminal, say }: Talk): Promise<void> {
  say("/memory")
  await terminal.shows("Memory of this session")
}

/** With a memory that the model has made. */
async function updated(it: Talk): Promise<Terminal> {
  await openMemory(it)
  it.terminal.press("u")
  await it.terminal.shows("Use Bun, not Node.")
  return it.terminal
}

const versionCount = (it: Talk) => storedAll(it.bench, "SELECT 1 FROM memory").length

/** Times of commands and ages of versions. */
const mask = (line: string) => line.replace(/\d\d:\d\d(?=[,)])/g, "··:··").replace(/(?:<1|\d+) s ago/g, "· s ago")

describe("/memory", () => {
  test("shows at once what was done, and how far the rest is behind; u takes in what is new", async () => {
    await using it = await story()
    const { terminal } = it
    await openMemory(it)
    await terminal.shows("covers none of 3 messages yet")
    await terminal.shows("[x] write the parser")
    await terminal.shows("notes.txt (new, 1 edit, +2 -0)")
    terminal.press("u")
    await terminal.shows("covers all 3 messages · by the model, just now")
    await terminal.shows("The parser is done; its tests are next.")
    terminal.press("u")
    await terminal.shows("There is nothing new to take in.")
    terminal.press("end")
    await terminal.shows("`sh -c 'exit 3'` (exit 3 at")
    terminal.press("esc")
    await terminal.shows("? keys")
    expect(it.server.asides).toHaveLength(1)
  }, 30_000)

  test("says so when an update came to nothing", async () => {
    await using it = await story()
    it.server.aside = () => reply.text("Gladly.")
    await openMemory(it)
    it.terminal.press("u")
    await it.terminal.shows("is no update of the memory. Nothing was changed")
    await it.terminal.shows("covers none of 3 messages yet")
  }, 30_000)

  test("says that an update is under way, and goes on being read", async () => {
    await using it = await story()
    const gate = new Gate()
    it.server.aside = () => UPDATED.gate(gate)
    await openMemory(it)
    it.terminal.press("u")
    await it.terminal.shows("covers none of 3 messages yet, being updated")
    it.terminal.press("pageDown")
    await it.terminal.shows("Work log")
    gate.open()
    await it.terminal.shows("covers all 3 messages · by the model")
  }, 30_000)

  test("e gives a section to the user's editor; what is written there is the user's and stays", async () => {
    await using it = await story({
      editor: `sed -i 's/^- Use Bun, not Node\\.$/- Use Bun 1.4, never Node./; $a - Be quick.' "$1"`,
    })
    const terminal = await updated(it)
    terminal.press("tab", "tab", "tab", "e")
    await terminal.shows("✎ - Use Bun 1.4, never Node.")
    await terminal.shows("✎ - Be quick.")
    await terminal.shows("  - No new dependencies")
    await terminal.shows("by you, just now")
    // The model says the same as before, and does not bring back what was rewritten.
    terminal.press("esc")
    it.say("Thanks")
    await terminal.shows("Noted.")
    await openMemory(it)
    await terminal.shows("covers all but the last 2 messages")
    terminal.press("u")
    await terminal.shows("covers all 5 messages")
    await terminal.shows("✎ - Use Bun 1.4, never Node.")
    expect(terminal.print()).not.toContain("Use Bun, not Node.")
  }, 30_000)

  test("enter edits as well, shift+tab goes back, a click chooses; what is read from rows can't be edited", async () => {
    await using it = await story({ editor: `echo "- From the editor." > "$1"` })
    const { terminal } = it
    await openMemory(it)
    await terminal.shows("› Status")
    terminal.press("shift+tab")
    await terminal.shows("› Work log")
    terminal.press("enter")
    await terminal.shows("✎ - From the editor.")
    terminal.press("home")
    await terminal.shows("Checklist")
    terminal.clickText("Checklist")
    await terminal.shows("› Checklist")
    terminal.press("e")
    await terminal.shows("is read from what was done: there is nothing to edit.")
    terminal.press("ctrl+c")
    await terminal.shows("? keys")
  }, 30_000)

  test("an editor that fails changes nothing, and that is said", async () => {
    await using it = await story({ editor: "exit 7" })
    const terminal = await updated(it)
    terminal.press("e")
    await terminal.shows("ended with code 7; the section is as it was.")
    expect(versionCount(it)).toBe(1)
  }, 30_000)

  test("what an update brings while the editor is open, from another terminal, stays beside what is saved", async () => {
    await using it = await story({ editor: `while ! [ -e go ]; do sleep 0.02; done; echo "- Mine." >> "$1"` })
    const terminal = await updated(it)
    terminal.press("e")
    await terminal.shows((now) => !now.isAlternate())
    it.server.aside = () => reply.text('{"status": ["The tests are done, too."], "log": ["2026-01-31 15:00 tested"]}')
    const other = await it.open({ args: ["--continue"] })
    try {
      await other.shows("? keys")
      other.type("And test it")
      other.press("enter")
      await other.shows("Noted.")
      other.type("/memory")
      other.press("enter")
      await other.shows("covers all but the last 2 messages")
      other.press("u")
      await other.shows("covers all 5 messages")
    } finally {
      await other[Symbol.asyncDispose]()
    }
    it.go()
    await terminal.shows("✎ - Mine.")
    await terminal.shows("  - The tests are done, too.")
    expect(terminal.print()).toContain("The parser is done; its tests are next.")
  }, 30_000)

  test("a click on a task opens it, and esc comes back", async () => {
    const gate = new Gate()
    await using it = await talk({
      settings: { titles: "prompt" },
      agents: { "look at it": [reply.text("Looked.").gate(gate)] },
      root: [reply.calls([agent("survey", "look at it", BEHIND)]), reply.text("Started."), reply.text("All seen.")],
    })
    it.say("Begin")
    await it.terminal.shows("Started.")
    await openMemory(it)
    await it.terminal.shows('agent general-purpose "survey": running')
    it.terminal.clickText('"survey"')
    await it.terminal.shows("look at it")
    it.terminal.press("esc")
    await it.terminal.shows("Memory of this session")
    gate.open()
    await it.terminal.shows('"survey": completed')
  }, 30_000)

  test("h shows what each version changed; r goes back to one, and all are still there", async () => {
    await using it = await story({ editor: `echo "- Mine alone." > "$1"` })
    const terminal = await updated(it)
    terminal.press("e")
    await terminal.shows("✎ - Mine alone.")
    terminal.press("h")
    await terminal.shows("Versions of the memory")
    await terminal.shows("› version 2")
    await terminal.shows("+ Mine alone.")
    await terminal.shows("- The parser is done; its tests are next.")
    terminal.press("r")
    await terminal.shows("That is the version in force.")
    terminal.press("down")
    await terminal.shows("› version 1")
    await terminal.shows("+ Use Bun, not Node.")
    terminal.press("r")
    await terminal.shows("The memory is as it was in version 1. The others are still here.")
    await terminal.shows("› version 3")
    terminal.clickText("version 2")
    await terminal.shows("+ Mine alone.")
    terminal.press("end")
    await terminal.shows("› version 1")
    terminal.press("home")
    await terminal.shows("› version 3")
    terminal.press("h")
    await terminal.shows("Memory of this session")
    await terminal.shows("The parser is done; its tests are next.")
    expect(terminal.print()).not.toContain("Mine alone.")
    expect(versionCount(it)).toBe(3)
  }, 30_000)

  test("without a version, h says so, and r does nothing", async () => {
    await using it = await story()
    await openMemory(it)
    it.terminal.press("h")
    await it.terminal.shows("nothing was stored yet")
    it.terminal.press("r", "up", "pageDown", "esc")
    await it.terminal.shows("Memory of this session")
  }, 30_000)

  test("its keys can be changed", async () => {
    await using it = await talk({ keybindings: { "memory.versions": "v" } })
    await openMemory(it)
    await it.terminal.shows("v versions")
    it.terminal.press("v")
    await it.terminal.shows("Versions of the memory")
  }, 30_000)
})

describe("looks right", () => {
  const looks: Readonly<Record<string, TerminalOptions>> = {
    "dark-140": { columns: 140, rows: 40 },
    "dark-80": { columns: 80, rows: 30 },
    "light-140": { columns: 140, rows: 40, theme: "light" },
    "plain-80": { columns: 80, rows: 30, colours: false },
  }
  for (const [name, look] of Object.entries(looks))
    test(name, async () => {
      await using it = await story({ ...look, editor: `echo "- Mine alone." >> "$1"` })
      const terminal = await updated(it)
      terminal.press("tab", "tab", "tab", "e")
      await terminal.shows("✎ - Mine alone.")
      await terminal.shows("versions")
      await expectScreen(terminal, `memory-${name}`, { mask, styles: name !== "dark-140" })
      terminal.press("h")
      await terminal.shows("+ Mine alone.")
      await expectScreen(terminal, `memory-versions-${name}`, { mask, styles: name !== "dark-140" })
    }, 30_000)
})
