// Moving through a conversation in a real terminal: the end is followed until one leaves it, everything is found again,
// what is selected is copied, and one of 10,000 messages is read to its beginning.
import { describe, expect, test } from "bun:test"
import { systemClock } from "../../../../src/base/clock.ts"
import { openStore } from "../../../../src/store/open.ts"
import { Gate } from "../../../../testing/gate.ts"
import { reply } from "../../../../testing/model-server.ts"
import { seed, seedSession } from "../../../../testing/seed.ts"
import type { Terminal } from "../../../../testing/terminal.ts"
import { type Talk, talk } from "../talk.ts"

const numbered = (from: number, to: number, what = "line") =>
  Array.from({ length: to - from + 1 }, (_, i) => `${what} ${from + i}.`).join("\n\n")

/** An answer of many lines that goes on when the gate opens. */
async function long(gate: Gate): Promise<Talk> {
  const one = await talk({
    root: [
      reply.parts([
        { type: "text", text: numbered(1, 60) },
        { type: "gate", gate },
        { type: "text", text: `\n\n${numbered(61, 66)}` },
      ]),
    ],
    after: reply.text("Noted."),
  })
  one.say("Count")
  await one.terminal.shows("line 60.")
  return one
}

describe("the view", () => {
  test("follows the end; once one scrolled up it stays, and a marker counts what has come", async () => {
    const gate = new Gate()
    await using one = await long(gate)
    const { terminal } = one
    terminal.wheel(20, 10, -3)
    await terminal.shows("↓ to the end")
    await terminal.hides("line 60.")
    const shown = terminal.lines().slice(2, 15)
    gate.open()
    await terminal.shows(/↓ \d+ new lines/)
    await terminal.hides("esc interrupt")
    expect(terminal.lines().slice(2, 15)).toEqual(shown)
    // What is typed does not scroll either.
    terminal.type("a word")
    await terminal.shows("a word")
    expect(terminal.lines().slice(2, 15)).toEqual(shown)
    terminal.clickText("new lines")
    await terminal.shows("line 66.")
    expect(terminal.text()).not.toContain("↓")
  })

  test("moves by pages, to the beginning and to the end, and from prompt to prompt", async () => {
    const gate = new Gate()
    gate.open()
    await using one = await long(gate)
    const { terminal } = one
    await terminal.shows("line 66.")
    one.say("Another question")
    await terminal.shows("Noted.")
    terminal.press("pageUp")
    await terminal.hides("Noted.")
    terminal.press("ctrl+pageUp")
    await terminal.shows("line 1.")
    await terminal.shows("anthropic/claude")
    terminal.press("ctrl+down", "ctrl+down")
    await terminal.shows(/^ › Another question/m)
    terminal.press("ctrl+up")
    await terminal.shows(/^ › Count/m)
    terminal.press("ctrl+pageDown")
    await terminal.shows("Noted.")
    expect(terminal.text()).not.toContain("↓ to the end")
  })

  test("ctrl+f finds: each find is shown, Enter goes on, Esc closes it and the prompt has the keys again", async () => {
    const gate = new Gate()
    gate.open()
    await using one = await long(gate)
    const { terminal } = one
    await terminal.shows("line 66.")
    terminal.type("half")
    await terminal.shows("› half")
    terminal.press("ctrl+f")
    await terminal.sent()
    terminal.type("line 7.")
    await terminal.shows(/^ {3}line 7\./m)
    await terminal.shows((screen) => isMarked(screen, "line 7."))
    await terminal.shows("Shift+Enter")
    terminal.press("esc")
    await terminal.hides("Shift+Enter")
    terminal.type(" a word")
    await terminal.shows("› half a word")
  })
})

function isMarked(terminal: Terminal, text: string): boolean {
  for (let n = 0; terminal.find(text, n); n++) {
    const cell = terminal.styleOf(text, n)
    if (cell.background !== "default" || cell.inverse) return true
  }
  return false
}

test("what is dragged over is selected and copied, without what stands around it", async () => {
  await using one = await talk({ root: [reply.text("The first line.\n\nThe second line, with 漢字.")] })
  const { terminal } = one
  one.say("Say two")
  await terminal.shows("with 漢字.")
  const first = terminal.find("The first")!
  const second = terminal.find("second line, with 漢字.")!
  terminal.drag({ x: first.x, y: first.y }, { x: second.x + second.width - 1, y: second.y })
  await terminal.shows(() => terminal.clipboard() !== undefined)
  expect(
    terminal
      .clipboard()!
      .split("\n")
      .map((line) => line.trimEnd()),
  ).toEqual(["The first line.", "", "   The second line, with 漢字."])
})

describe("a conversation of 10,000 messages", () => {
  async function seeded(): Promise<Talk> {
    const one = await talk({ root: [reply.text("Still here.")] })
    await one.terminal[Symbol.asyncDispose]()
    const store = await openStore({ folder: one.bench.home, clock: systemClock })
    await store.write((tx) => {
      seedSession(tx, {
        id: "long",
        name: "long",
        cwd: one.bench.cwd,
        project: one.bench.cwd,
        model: "anthropic/claude-sonnet-5-5",
        permission_mode: "default",
        updated_at: Date.now(),
      })
      for (let seq = 1; seq <= 10_000; seq++) {
        const text = seq % 2 === 1 ? `Question ${seq}` : `Answer ${seq}:\n\n- one\n- \`two\``
        seed(tx, "message", {
          id: `m${seq}`,
          session_id: "long",
          seq,
          role: seq % 2 === 1 ? "user" : "assistant",
          origin: seq % 2 === 1 ? "human" : "system",
          content: JSON.stringify([{ type: "text", text }]),
          created_at: Date.now() - 100_000_000 + seq,
        })
      }
    })
    store.close()
    return one
  }

  test("opens at its end, scrolls up to its beginning, is searched, and answers", async () => {
    await using one = await seeded()
    await using terminal = await one.open({ args: ["--resume", "long"] })
    await terminal.shows("Answer 10000:")
    terminal.wheel(20, 10, -40)
    await terminal.shows("↓ to the end")
    const earliest = () => Number(/(?:Question|Answer) (\d+)/.exec(terminal.text())?.[1])
    // Earlier messages come as one nears them, and what is read stays where it is.
    for (let i = 0, before = earliest(); i < 20; i++, before = earliest()) {
      terminal.press("pageUp")
      await terminal.shows(() => earliest() < before)
      expect(before - earliest()).toBeLessThan(12)
    }
    expect(terminal.text()).toContain("↓ to the end")
    terminal.press("ctrl+pageUp")
    await terminal.shows(/^ › Question 1$/m)
    terminal.press("ctrl+pageDown")
    await terminal.shows("Answer 10000:")
    // Also at once from the end.
    terminal.press("ctrl+pageUp")
    await terminal.shows(/^ › Question 1$/m)
    terminal.press("ctrl+pageDown")
    await terminal.shows("Answer 10000:")
    terminal.type("Are you there?")
    terminal.press("enter")
    await terminal.shows("Still here.")
  }, 60_000)
})
