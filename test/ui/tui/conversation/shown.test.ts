// How a conversation looks in a real terminal: markdown as it streams, code, tables, links, calls, diffs, thoughts.
import { describe, expect, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { Gate } from "../../../../testing/gate.ts"
import { reply } from "../../../../testing/model-server.ts"
import { expectScreen, masked, SPINNER } from "../../../../testing/screens.ts"
import type { Terminal, TerminalOptions } from "../../../../testing/terminal.ts"
import { agent, BEHIND, shell, type Talk, talk, waits } from "../talk.ts"
import { SIX_LOOKS } from "../terminals.ts"

const CODE = "```ts\nconst answer: number = 42 // of everything\nreturn `the ${answer}`\n```"
const TABLE = "| file | lines |\n| --- | ---: |\n| auth.ts | 120 |\n| 表.ts | 7 |"
const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
)

describe("markdown", () => {
  test("is laid out as it streams: a code block has its colours before it is closed", async () => {
    const gate = new Gate()
    await using one = await talk({
      root: [
        reply.parts([
          { type: "text", text: "# Plan\n\nFirst **this**:\n\n```ts\nconst answer = 42" },
          { type: "gate", gate },
          { type: "text", text: " // of everything\n```\n\nThen *that* and `more`." },
        ]),
      ],
    })
    const { terminal } = one
    one.say("Go")
    await terminal.shows("const answer = 42")
    await terminal.shows((screen) => hasColour(screen, "const"))
    expect(terminal.styleOf("this").bold).toBe(true)
    expect(terminal.text()).not.toContain("**")
    gate.open()
    await terminal.shows("// of everything")
    await terminal.shows("Then that and more.")
    expect(terminal.styleOf("that").italic).toBe(true)
    expect(terminal.text()).not.toContain("```")
  })

  test("tables have columns, also with wide characters; links are hyperlinks; rubbish in it is harmless", async () => {
    await using one = await talk({
      env: { TERM_PROGRAM: "ghostty" },
      root: [reply.text(`${TABLE}\n\nSee [the guide](https://example.org/guide).\n\n\x1b[2J\x1b]0;evil\x07still here`)],
    })
    const { terminal } = one
    one.say("Show")
    await terminal.shows("still here")
    const rows = terminal.lines().filter((line) => /auth\.ts|表\.ts/.test(line))
    expect(rows).toHaveLength(2)
    const bars = rows.map((row) => [...row.matchAll(/│/g)].map(({ index }) => Bun.stringWidth(row.slice(0, index))))
    expect(bars[0]!.length).toBeGreaterThan(1)
    expect(bars[0]).toEqual(bars[1]!)
    expect(terminal.links()).toContain("https://example.org/guide")
    await terminal.shows("the guide")
    expect(terminal.title()).not.toContain("evil")
    await terminal.shows("› Show")
  })
})

describe("calls", () => {
  async function read(): Promise<Talk> {
    const one = await talk({
      root: [
        reply.calls(
          [
            { name: "Read", input: { file_path: "auth.ts" } },
            { name: "Grep", input: { pattern: "session" } },
          ],
          { reasoning: "First I look around.\nThen I think about it.", text: "I look." },
        ),
        reply.text("That is all."),
      ],
      files: { "auth.ts": "export const session = 1\nexport const two = 2\n" },
    })
    one.say("Look")
    await one.terminal.shows("That is all.")
    return one
  }

  test("are one line each, unfolded by a click and folded by the next", async () => {
    await using one = await read()
    const { terminal } = one
    await terminal.shows(/· Read {2}auth\.ts {2}2 lines/)
    expect(terminal.text()).not.toContain("export const two")
    terminal.clickText("Read")
    await terminal.shows("export const two")
    await terminal.shows("file_path: auth.ts")
    terminal.clickText("export const two")
    await terminal.hides("export const two")
  })

  test("are all unfolded by ctrl+o, thoughts too, and folded again", async () => {
    await using one = await read()
    const { terminal } = one
    await terminal.shows("∴ First I look around.")
    expect(terminal.text()).not.toContain("Then I think about it.")
    terminal.press("ctrl+o")
    await terminal.shows("Then I think about it.")
    await terminal.shows("export const two")
    await terminal.shows("pattern: session")
    terminal.press("ctrl+o")
    await terminal.hides("Then I think about it.")
    terminal.clickText("∴ First I look around.")
    await terminal.shows("Then I think about it.")
    expect(terminal.text()).not.toContain("pattern: session")
  })

  test("that edit show their diff with its line numbers", async () => {
    await using one = await talk({
      args: ["--permission-mode", "acceptEdits"],
      root: [
        reply.calls([{ name: "Read", input: { file_path: "auth.ts" } }]),
        reply.calls([{ name: "Edit", input: { file_path: "auth.ts", old_string: "= 2", new_string: "= 3" } }]),
        reply.text("Changed."),
      ],
      files: { "auth.ts": "one = 1\ntwo = 2\n" },
    })
    const { terminal } = one
    one.say("Change it")
    await terminal.shows("Changed.")
    await terminal.shows(/2 − two = 2/)
    await terminal.shows(/2 \+ two = 3/)
    await terminal.shows(/· Edit {2}auth\.ts {2}\+1 −1/)
    expect(terminal.styleOf("+ two = 3").foreground).not.toBe(terminal.styleOf("− two = 2").foreground)
  })

  test("that fail say why, and a wake-up is its own line, never the user's words", async () => {
    await using one = await talk({
      root: [
        reply.calls([{ name: "Read", input: { file_path: "nothing.ts" } }, shell("sh build.sh", BEHIND)]),
        reply.text("It builds."),
      ],
      after: reply.text("It is built."),
      files: { "build.sh": `${waits()}; exit 3` },
    })
    const { terminal } = one
    one.say("Try")
    await terminal.shows("It builds.")
    await terminal.shows(/✗ Read {2}nothing\.ts {2}.*(?:no such|not exist|no file)/i)
    one.go()
    await terminal.shows("It is built.")
    await terminal.shows(/^ {3}● 1 task finished, picking up its result/m)
    await terminal.shows(/✗ \$ sh build\.sh +exit code 3/)
    expect(terminal.text()).not.toContain("task-notification")
  })
})

test("an image is sent with the words, and named above them", async () => {
  await using one = await talk({ root: [reply.text("A red dot.")] })
  const { terminal, bench } = one
  writeFileSync(join(bench.cwd, "dot.png"), PNG)
  await terminal.shows("anthropic/")
  terminal.type("What is this? ")
  terminal.paste(join(bench.cwd, "dot.png"))
  await terminal.shows(/\[.*(?:image|dot\.png)/i)
  terminal.press("enter")
  await terminal.shows("A red dot.")
  await terminal.shows("[1 image]")
  const [request] = one.server.requests
  expect(JSON.stringify(request!.body)).toContain("image/png")
})

function hasColour(terminal: Terminal, text: string): boolean {
  return terminal.find(text) !== undefined && terminal.styleOf(text).foreground !== "default"
}

const figures = masked(SPINNER, [/≈?\d+\.\dk tok · ≈?<?\$\d\.\d\d/, "1.0k tok · $0.01"])

/** What differs from run to run. Durations stand at the left of their column. */
const mask = (line: string) => figures(line.replace(/<?\d+ s\b/g, "0 s"))

/** Some of everything that a conversation has. */
async function scene(options: TerminalOptions): Promise<Talk> {
  const gate = new Gate()
  const one = await talk({
    rows: 50,
    args: ["--permission-mode", "acceptEdits", "--allowedTools", "Bash(sh:*)"],
    root: [
      reply.calls(
        [
          { name: "Read", input: { file_path: "auth.ts" } },
          agent("auth code", "Explore auth.", BEHIND),
          shell("sh build.sh", BEHIND),
        ],
        { reasoning: "They want to know how logins work.", text: "I'll look at **two sides** of this at once." },
      ),
      reply.calls([{ name: "Edit", input: { file_path: "auth.ts", old_string: "= 2", new_string: "= 3" } }]),
      reply.text(
        `## What I found\n\n1. Sessions live in \`auth.ts\`.\n2. [The guide](https://example.org) says more.\n\n${CODE}\n\n${TABLE}\n\n> Not done yet.`,
      ),
    ],
    after: reply.text("Both are done."),
    agents: { "Explore auth.": [reply.text("All of it is in auth.ts.").gate(gate)] },
    files: { "auth.ts": "one = 1\ntwo = 2\n", "build.sh": `echo 214 modules; ${waits()}` },
    ...options,
  })
  const { terminal } = one
  one.say("Research how logins work\nand say what you would change")
  await terminal.shows("Not done yet.")
  await terminal.shows("214 modules")
  await terminal.shows((screen) => options.colours === false || hasColour(screen, "const"))
  terminal.type("While that runs, let's work on the schema")
  await terminal.shows("work on the schema")
  return one
}

describe("a conversation looks right", () => {
  for (const [name, look] of SIX_LOOKS)
    test(name, async () => {
      await using one = await scene(look)
      await expectScreen(one.terminal, `conversation-${name}`, {
        mask,
        ...(name !== "dark-140" && { styles: "starts" }),
      })
    })
})
