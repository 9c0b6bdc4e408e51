// The inspector in a real terminal: an agent that one reads and talks to, a command's output of any size, requests,
// nested tasks, caps and edits.
import { describe, expect, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { Gate } from "../../../testing/gate.ts"
import { reply } from "../../../testing/model-server.ts"
import { expectScreen } from "../../../testing/screens.ts"
import type { Terminal } from "../../../testing/terminal.ts"
import { agentCall, type Story, shellCall, tellStory } from "./task-story.ts"
import { FOUR_LOOKS } from "./terminals.ts"

const WAITS = "while ! [ -e go ]; do sleep 0.05; done"

const go = ({ bench }: Story) => writeFileSync(join(bench.cwd, "go"), "")

/** From the conversation, by a click on its line. */
async function inspect(terminal: Terminal, text: string): Promise<void> {
  // The line of the task, and not that of the call that starts it.
  const plain = text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
  await terminal.shows(new RegExp(`^ {3}[◐◓◑◒◌✓✗■‖▲◉] (?!Agent|Bash).*${plain}`, "m"))
  terminal.clickText(text)
  await terminal.shows("esc back")
}

/** What differs from run to run, by something as long. */
const mask = (line: string) =>
  line
    .replace(/\b[a-hj-km-np-z2-9]{12}(?=\b|\.out)/g, "abcdefghjkmn")
    .replace(/(?<=talk to general-purpose )[a-hj-km-np-z2-9]{4}\b/, "abcd")
    .replace(/^ {3}(?:<1|\d+) s, since [\d:]{8}(.*)/, "   0 s, since 00:00:00$1")
    .replace(/ended [\d:]{8}/, "ended 00:00:00")
    .replace(/^( [◐◓◑◒✓▲] .{40,}?) +(?=of |abcdefghjkmn)/, "$1  ")
    .replace(/thinking · \d+ s/, "thinking · 0 s")
    .replace(/[◐◓◑◒]/g, "◐")

describe("an agent", () => {
  /** Says a part, and waits. */
  async function speaking(options: { columns?: number; theme?: "dark" | "light"; colours?: boolean } = {}) {
    const gate = new Gate()
    const story = await tellStory({
      columns: 100,
      rows: 26,
      gate,
      calls: [agentCall("auth code", "Explore auth.", { max_cost_usd: 2 })],
      agents: [
        {
          name: "auth",
          match: "Explore auth.",
          steps: [
            reply.calls([agentCall("cookie flags", "Look at cookies.")]),
            reply.parts([
              { type: "text", text: "# Findings\n\nThe session lives in **auth.ts**.\n\n" },
              { type: "gate", gate },
              { type: "text", text: "And that is all." },
            ]),
          ],
          after: (request) => reply.text(`Heard: ${request.news.trim().slice(0, 200)}`),
        },
        { name: "cookies", match: "Look at cookies.", steps: [reply.text("Flags are fine.").gate(gate, "before-end")] },
      ],
      ...options,
    })
    await inspect(story.terminal, "auth code")
    return story
  }

  test("is read while it speaks, with what it is, what it uses and may use", async () => {
    await using story = await speaking()
    const { terminal } = story
    await terminal.shows("The session lives in auth.ts.")
    const screen = terminal.text()
    expect(screen).toMatch(/^ [◐◓◑◒] general-purpose auth code .* [a-z2-9]{12} {3}esc back$/m)
    expect(screen).toMatch(/running · background · claude-sonnet-5-5 · ~\/work/)
    expect(screen).toMatch(/tok · .*\$\d\.\d\d · \d tool calls?/)
    expect(screen).toMatch(/caps .*\$\d\.\d\d of \$2\.00 · depth 1 of 3/)
    expect(screen).not.toContain("And that is all.")
    story.gate.open()
    await terminal.shows("And that is all.")
    await terminal.shows(/^ ✓ general-purpose auth code/m)
  })

  test("hears what one says to it, also when it has ended; what was not sent is there when one comes back", async () => {
    await using story = await speaking()
    const { terminal } = story
    terminal.type("Look at tests/ too, please")
    await terminal.shows("› Look at tests/ too, please")
    terminal.press("esc")
    await terminal.shows("? keys")
    await inspect(terminal, "auth code")
    await terminal.shows("› Look at tests/ too, please")
    terminal.press("enter")
    await terminal.shows("It hears that at its next step.")
    await terminal.hides("› Look at tests/ too, please")
    story.gate.open()
    await terminal.shows(/Heard: .*Look at tests\/ too, please/)
    await terminal.shows(/^ ✓ general-purpose auth code/m)
    terminal.paste("one more\nthing")
    await terminal.shows("› one more thing")
    terminal.press("enter")
    await terminal.shows(/Heard: .*one more thing/)
    await terminal.shows("run 2")
  })

  test("its tasks, its result and its prompt are a tab away; a task of it opens by keys and by a click", async () => {
    await using story = await speaking()
    const { terminal } = story
    await terminal.shows("tasks 1")
    terminal.clickText("tasks 1")
    await terminal.shows(/^ [◐◓◑◒] \w{4} {2}general-purpose {2}cookie flags/m)
    terminal.press("enter")
    await terminal.shows(/^ [◐◓◑◒] general-purpose cookie flags .*esc back$/m)
    await terminal.shows("depth 2 of 3")
    terminal.press("esc")
    await terminal.shows(/^ [◐◓◑◒◌] general-purpose auth code .*esc back$/m)
    terminal.clickText("cookie flags")
    await terminal.shows(/^ [◐◓◑◒] general-purpose cookie flags .*esc back$/m)
    terminal.press("esc")
    terminal.clickText("result")
    await terminal.shows("There is no result yet.")
    terminal.press("tab")
    await terminal.shows(/^ {3}Explore auth\.$/m)
    terminal.press("shift+tab")
    await terminal.shows("There is no result yet.")
    story.gate.open()
    await terminal.shows("Heard:")
    terminal.press("ctrl+x", "ctrl+y")
    await terminal.shows("Copied the result.")
    expect(terminal.clipboard()).toStartWith("Heard:")
  })

  test("is paused, goes on, gets another cap, and is stopped with what is below it, by keys that type nothing", async () => {
    await using story = await speaking()
    const { terminal } = story
    await terminal.shows("The session lives")
    terminal.press("ctrl+x", "ctrl+e")
    await terminal.shows("at most")
    terminal.type("lots")
    terminal.press("enter")
    await terminal.shows('"lots" is no cap.')
    terminal.press("ctrl+u")
    terminal.type("$5, 90 steps")
    terminal.press("enter")
    await terminal.shows(/of \$5\.00 · \d+ of 90 steps/)
    terminal.press("alt+p")
    await terminal.shows(/^ ‖ general-purpose auth code/m)
    terminal.press("alt+p")
    await terminal.shows(/^ [◐◓◑◒◌] general-purpose auth code/m)
    terminal.press("alt+x")
    await terminal.shows("with 1 task below it?")
    terminal.press("n")
    await terminal.hides("below it?")
    terminal.press("alt+x")
    await terminal.shows("with 1 task below it?")
    terminal.press("y")
    await terminal.shows(/^ ■ general-purpose auth code/m)
    expect(terminal.text()).toContain("stopped by the user")
  })

  test("what is typed to it are letters, also those that are keys elsewhere", async () => {
    await using story = await speaking()
    const { terminal } = story
    terminal.type("/tmp is full, nN? yes")
    await terminal.shows("› /tmp is full, nN? yes")
    terminal.press("ctrl+c")
    await terminal.shows("talk to general-purpose")
    terminal.press("ctrl+c")
    await terminal.shows("? keys")
  })

  test("is read from the beginning of its answer, however late one comes", async () => {
    const gate = new Gate()
    await using story = await tellStory({
      columns: 100,
      rows: 26,
      calls: [agentCall("auth code", "Explore auth.")],
      agents: [
        {
          name: "auth",
          match: "Explore auth.",
          steps: [
            reply.parts([
              { type: "text", text: "The first half." },
              { type: "gate", gate },
              { type: "text", text: " The second half." },
            ]),
          ],
        },
      ],
    })
    await gate.reached()
    // Two seconds of its clock: what streams has reached this screen's reader before anybody opens it.
    await story.terminal.shows(/auth code +2 s/)
    await inspect(story.terminal, "auth code")
    await story.terminal.shows("The first half.")
    gate.open()
    await story.terminal.shows("The first half. The second half.")
  })

  for (const [name, look] of FOUR_LOOKS)
    test(`looks right: ${name}`, async () => {
      await using story = await speaking(look)
      const { terminal } = story
      await terminal.shows("The session lives")
      story.gate.open()
      await terminal.shows("Heard:")
      await terminal.shows(/^ ✓ /m)
      await expectScreen(terminal, `inspector-agent-${name}`, { mask: maskFigures, styles: name !== "dark-140" })
    })
  const maskFigures = (line: string) =>
    mask(line)
      .replace(/[\d.]+k tok · <?\$\d\.\d\d/, "1.0k tok · $0.01")
      .replace(/<?\$0\.\d\d of/, "$0.00 of")
})

describe("an agent that asks", () => {
  test("shows the exact request; letters type until one turns to it", async () => {
    await using story = await tellStory({
      columns: 100,
      rows: 26,
      calls: [agentCall("limits", "Add limits.")],
      agents: [
        {
          name: "limits",
          match: "Add limits.",
          steps: [reply.calls([{ name: "Write", input: { file_path: "new.txt", content: "one\ntwo\n" } }])],
          after: reply.text("It is written."),
        },
      ],
    })
    const { terminal } = story
    await terminal.shows("needs you")
    terminal.press("ctrl+t")
    await terminal.shows("wants Write: new.txt")
    terminal.press("enter")
    await terminal.shows("talk to general-purpose")
    await terminal.shows(/1 \+ one/)
    terminal.type("y")
    await terminal.shows("› y")
    expect(terminal.text()).toContain("wants Write")
    terminal.press("backspace", "ctrl+x", "ctrl+a")
    await terminal.shows("y once")
    terminal.press("y")
    await terminal.shows("It is written.")
    terminal.clickText("edits")
    await terminal.shows("1 change in 1 file  +2 −0")
    await terminal.shows(/new\.txt\n {3}new file \+2\n {9,}1 \+ one/)
  })
})

describe("a command", () => {
  const PRINTS = `i=0; while [ $i -lt 5000 ]; do i=$((i+1)); echo "line $i of the build"; done; printf '\\033[31mred\\nstill red\\033[0m\\n\\033]0;evil\\007'; printf '1%%\\r50%%'`

  async function building() {
    const story = await tellStory({
      columns: 100,
      rows: 26,
      calls: [shellCall("sh build.sh")],
      scripts: { "build.sh": `${PRINTS}; ${WAITS}; printf '\\r100%%\\nthe end\\n'` },
    })
    await inspect(story.terminal, "sh build.sh")
    await story.terminal.shows(/^50%$/m)
    return story
  }

  test("shows its output with its colours as it comes, and the last word of its progress bar", async () => {
    await using story = await building()
    const { terminal } = story
    expect(terminal.styleOf("still red").foreground).toBe(1)
    expect(terminal.title()).not.toBe("evil")
    go(story)
    await terminal.shows(/^100%\nthe end$/m)
    await terminal.shows("exit code 0")
    expect(terminal.text()).toMatch(/output {4}\d+ bytes · .*\.out/)
  })

  test("stays where one has scrolled to, and says what has come", async () => {
    await using story = await building()
    const { terminal } = story
    terminal.wheel(20, 12, -2)
    await terminal.shows("↓ to the end")
    const before = terminal.line(6)
    go(story)
    await terminal.shows("↓ 1 new line")
    expect(terminal.line(6)).toBe(before)
    terminal.clickText("↓ 1 new line")
    await terminal.shows(/^the end$/m)
    terminal.press("pageUp", "pageUp")
    await terminal.hides(/^the end$/m)
    terminal.press("ctrl+pageUp")
    await terminal.shows(/^line 1 of the build$/m)
    terminal.press("ctrl+pageDown")
    await terminal.shows(/^the end$/m)
  })

  test("is searched: the find is shown, the one before, and the one after", async () => {
    await using story = await building()
    const { terminal } = story
    terminal.press("/")
    await terminal.shows("find in the output")
    terminal.type("line 77")
    terminal.press("enter")
    await terminal.shows(/^line 779 of the build$/m)
    const style = (text: string) => terminal.styleOf(text)
    expect(style("line 779").background).not.toBe(style("line 778").background)
    expect(style("line 778").background).not.toBe("default")
    for (let i = 0; i < 10; i++) terminal.press("n")
    await terminal.shows(/^line 77 of the build$/m)
    terminal.press("shift+n")
    await terminal.shows(/^line 770 of the build$/m)
    terminal.press("/", "ctrl+u")
    terminal.type("not in there")
    terminal.press("enter")
    await terminal.shows('"not in there" is not in the output.')
  })

  test("one that is resized in the middle keeps its place and its lines", async () => {
    await using story = await building()
    const { terminal } = story
    terminal.press("pageUp")
    await terminal.shows("↓ to the end")
    terminal.resize(60, 20)
    await terminal.shows((screen) => screen.lines().every((line) => line.length <= 60))
    await terminal.shows(/^line \d+ of the build$/m)
    terminal.resize(200, 50)
    await terminal.shows(/^line \d+ of the build$/m)
    terminal.press("end")
    await terminal.shows(/^50%$/m)
  })
})
