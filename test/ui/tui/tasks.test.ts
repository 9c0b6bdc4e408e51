// The tasks panel in a real terminal: rows that live, keys, mouse, permissions, and other conversations.
import { describe, expect, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { Gate } from "../../../testing/gate.ts"
import { reply } from "../../../testing/model-server.ts"
import { expectScreen } from "../../../testing/screens.ts"
import { openTerminal, type Terminal } from "../../../testing/terminal.ts"
import { agentCall, type Story, shellCall, tellStory } from "./task-story.ts"
import { FOUR_LOOKS } from "./terminals.ts"

/** The row of the screen with this text. */
function rowWith(terminal: Terminal, text: string): string {
  return terminal.lines().find((line) => line.includes(text)) ?? ""
}

/** Whether the row with this text is the chosen one: it has a background, or is inverse. */
function isChosen(terminal: Terminal, text: string): boolean {
  const cell = terminal.styleOf(text)
  return cell.background !== "default" || cell.inverse
}

const chosen = (text: string) => (terminal: Terminal) => terminal.find(text) !== undefined && isChosen(terminal, text)

const WAITS = "while ! [ -e go ]; do sleep 0.05; done"

/** Some of everything, held by one gate. */
async function everything(
  options: { columns?: number; theme?: "dark" | "light"; colours?: boolean } = {},
): Promise<Story> {
  const gate = new Gate()
  const story = await tellStory({
    columns: 100,
    rows: 24,
    gate,
    calls: [
      agentCall("auth code", "Explore auth."),
      agentCall("rate limits", "Add limits."),
      agentCall("logins", "Find tests."),
      shellCall("sh build.sh"),
      shellCall("sh serve.sh", { service: true }),
      shellCall("sh fail.sh"),
      shellCall("sh slow.sh", { deadline: 1000 }),
    ],
    scripts: {
      "build.sh": `echo 214 modules; ${WAITS}; echo built`,
      "serve.sh": `echo listening; ${WAITS}`,
      "fail.sh": "echo broken; exit 3",
      "slow.sh": "while :; do sleep 0.05; done",
    },
    agents: [
      {
        name: "auth",
        match: "Explore auth.",
        steps: [
          reply.calls([agentCall("cookie flags", "Look at cookies.")]),
          reply.text("I looked.").gate(gate, "before-headers"),
        ],
        after: reply.text("All of it is in auth.ts."),
      },
      { name: "cookies", match: "Look at cookies.", steps: [reply.text("Flags are fine.").gate(gate, "before-end")] },
      {
        name: "limits",
        match: "Add limits.",
        steps: [reply.calls([{ name: "Bash", input: { command: "npm install\nlimiter" } }])],
        after: (request) => reply.text(`Told: ${request.results.map(({ text }) => text).join()}`),
      },
      { name: "tests", match: "Find tests.", steps: [reply.text("12 tests cover login.")] },
    ],
    ...options,
  })
  await story.terminal.shows("ctrl+t tasks")
  return story
}

/** Opens the panel, and resolves when all that is to happen by itself has happened. */
async function openPanel(terminal: Terminal): Promise<void> {
  terminal.press("ctrl+t")
  for (const text of [
    "cookie flags",
    "needs you",
    "12 tests cover",
    "exit code 3",
    "timed out",
    "214 modules",
    "listen",
  ])
    await terminal.shows(text)
  await terminal.shows(chosen("auth code"))
}

/** What differs from run to run, by something as long. */
const mask = (line: string) =>
  line
    .replace(/\d:\d\d\b/g, "0:00")
    .replace(/(?<=^ \S |^ \S general-purpose )[a-hj-km-np-z2-9]{4}(?= )/, "abcd")
    .replace(/^ [a-hj-km-np-z2-9]{12}(?= )/, " abcdefghjkmn")
    .replace(/[◐◓◑◒]/g, "◐")
    .replace(/[ ≈]\d\.\dk/g, " 1.0k")
    .replace(/[ ≈][ <]\$0\.\d\d/g, "  $0.01")

describe("the panel", () => {
  test("shows each task with its state, nested below the one that started it, and comes and goes with a key", async () => {
    await using story = await everything()
    const { terminal } = story
    await openPanel(terminal)
    const rows = terminal.lines()
    expect(rowWith(terminal, "auth code")).toMatch(/^ [◐◓◑◒] \w{4} {2}general-purpose/)
    const at = rows.findIndex((row) => row.includes("auth code"))
    expect(rows[at + 1]).toMatch(/ └ general-purpose {2}cookie flags/)
    expect(rowWith(terminal, "rate limits")).toMatch(/^ ▲ .*wants Bash: npm install limiter/)
    expect(rowWith(terminal, "logins")).toMatch(/^ ✓ .*12 tests cover login\./)
    expect(rowWith(terminal, "build.sh")).toMatch(/^ [◐◓◑◒] .*214 modules/)
    expect(rowWith(terminal, "serve.sh")).toMatch(/^ ◉ .*service · listening/)
    expect(rowWith(terminal, "fail.sh")).toMatch(/^ ✗ .*exit code 3 · broken/)
    expect(rowWith(terminal, "slow.sh")).toMatch(/^ ✗ .*timed out/)
    expect(terminal.line(0)).toMatch(/Tasks .* 4 running {2}▲ 1 needs you {2}✓ 1 done {2}✗ 2 failed/)
    story.gate.open()
    await terminal.shows(/✓ \w{4} {2}general-purpose {2}auth code .*All of it is in auth\.ts/)
    terminal.press("esc")
    await terminal.shows("? keys")
    for (const key of ["ctrl+t", "ctrl+c"]) {
      terminal.press("ctrl+t")
      await terminal.shows("esc back")
      terminal.press(key)
      await terminal.shows("? keys")
    }
  })

  test("one walks through it with keys and mouse; the chosen task stays chosen while others change", async () => {
    await using story = await everything()
    const { terminal } = story
    await openPanel(terminal)
    terminal.press("down", "down", "down")
    await terminal.shows(chosen("logins"))
    terminal.press("end")
    await terminal.shows(chosen("slow.sh"))
    terminal.press("home", "up", "up")
    await terminal.shows(chosen("auth code"))
    terminal.clickText("sh build.sh")
    await terminal.shows(chosen("sh build.sh"))
    story.gate.open()
    writeFileSync(join(story.bench.cwd, "go"), "")
    await terminal.shows(/✓ .*sh build\.sh .*exit code 0 · built/)
    expect(isChosen(terminal, "sh build.sh")).toBe(true)
    // A click on the chosen one inspects it.
    terminal.clickText("sh build.sh")
    await terminal.shows("214 modules")
    terminal.press("esc")
    await terminal.shows(chosen("sh build.sh"))
    terminal.press("c")
    await terminal.shows("Copied ")
    expect(terminal.clipboard()).toMatch(/^[a-z2-9]{12}$/)
  })

  test("a task is paused, goes on and is stopped; one with live tasks below it only after a question", async () => {
    await using story = await everything()
    const { terminal } = story
    await openPanel(terminal)
    terminal.press("p")
    await terminal.shows(/‖ .*auth code .*paused/)
    terminal.press("p")
    await terminal.shows((screen) => /[◐◓◑◒◌] .*auth code/.test(screen.text()))
    terminal.press("x")
    await terminal.shows(/Stop general-purpose \w{4} .*with 1 task below it\?/)
    terminal.press("n")
    await terminal.hides("below it?")
    expect(rowWith(terminal, "cookie flags")).not.toContain("■")
    terminal.press("x")
    await terminal.shows("below it?")
    terminal.press("y")
    await terminal.shows(/■ .*auth code .*stopped by the user/)
    await terminal.shows(/■ .*cookie flags .*stopped by the user/)
    terminal.clickText("sh serve.sh")
    await terminal.shows(chosen("sh serve.sh"))
    terminal.press("x")
    await terminal.shows(/■ .*sh serve\.sh .*stopped by the user/)
    terminal.press("p")
    await terminal.shows("has ended: there is nothing to pause.")
  })

  test("a request is shown with its exact command, folder and rule; no with a reason reaches the agent", async () => {
    await using story = await everything()
    const { terminal } = story
    await openPanel(terminal)
    // Keys of answers mean nothing on a row that asks for nothing.
    terminal.press("y", "n")
    terminal.clickText("rate limits")
    await terminal.shows(/^ {3}npm install\n {3}limiter\n {3}in ~\/work$/m)
    await terminal.shows(/y once · a always: Bash\(.*\) · n no/)
    terminal.press("n")
    await terminal.shows("no, because")
    // Letters are letters now.
    terminal.type("use yarn, not npx")
    await terminal.shows("use yarn, not npx")
    terminal.press("enter")
    await terminal.shows(/✓ .*rate limits .*Told: /)
    await terminal.shows("The user said no to this Bash call: use yarn, not npx.")
    expect(terminal.line(0)).not.toContain("needs you")
  })

  test("Ctrl+B frees the turn from here too", async () => {
    await using story = await tellStory({
      columns: 100,
      rows: 24,
      calls: [{ name: "Bash", input: { command: "sh wait.sh" } }],
      scripts: { "wait.sh": `echo waiting; ${WAITS}` },
      until: "keep talking while these run",
    })
    const { terminal } = story
    terminal.press("ctrl+t")
    await terminal.shows("in the foreground")
    terminal.press("ctrl+b")
    await terminal.hides("in the foreground")
    terminal.press("ctrl+b")
    await terminal.shows("Nothing blocks the turn")
    terminal.press("esc")
    await terminal.shows("They are at work.")
  })

  test("the filter shows what fits as one types, keeps it on enter, and shows all after esc", async () => {
    await using story = await everything()
    const { terminal } = story
    await openPanel(terminal)
    terminal.press("/")
    await terminal.shows("name, id or state")
    terminal.type("fail")
    await terminal.hides("auth code")
    await terminal.shows(chosen("sh fail.sh"))
    expect(terminal.text()).toContain("sh slow.sh")
    terminal.press("enter")
    await terminal.shows("/fail")
    // Now letters are keys again.
    terminal.press("d")
    await terminal.shows("What a command changes is not recorded")
    terminal.press("esc")
    await terminal.shows("auth code")
    terminal.press("/")
    terminal.type("no such thing")
    await terminal.shows("No task fits the filter")
    terminal.press("esc")
    await terminal.shows("auth code")
    expect(terminal.text()).toContain("Tasks")
  })

  test("the tasks of another conversation are listed, inspected and stopped from here", async () => {
    await using story = await everything()
    await using other = await openTerminal(story.bench, { columns: 100, rows: 24 })
    await other.shows("? keys")
    other.press("ctrl+t")
    await other.shows("No tasks yet")
    other.press("a")
    await other.shows("all sessions ▾")
    await other.shows(/build\.sh .*214 modules/)
    other.clickText("sh build.sh")
    await other.shows(chosen("sh build.sh"))
    other.press("enter")
    await other.shows("of ")
    await other.shows("214 modules")
    other.press("alt+x")
    await other.shows(/stopped by the user/)
    other.press("esc")
    await other.shows("all sessions ▾")
    await other.shows(/■ .*sh build\.sh/)
    // And an answer from here lets its agent go on.
    other.clickText("rate limits")
    await other.shows("no, with a reason")
    other.press("n")
    await other.shows("no, because")
    other.type("not now")
    other.press("enter")
    await other.shows(/✓ .*rate limits/)
    story.terminal.press("ctrl+t")
    await story.terminal.shows(/■ .*sh build\.sh .*stopped by the user/)
  })
})

describe("the panel looks right", () => {
  for (const [name, look] of FOUR_LOOKS)
    test(name, async () => {
      await using story = await everything(look)
      const { terminal } = story
      await openPanel(terminal)
      terminal.press("down", "down")
      await terminal.shows("no, with a reason")
      await expectScreen(terminal, `tasks-${name}`, { mask, styles: name !== "dark-140" })
    })
})
