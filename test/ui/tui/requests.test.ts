// What needs somebody: requests for permission and questions, which wait beside the prompt until one turns to them.
import { describe, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { Gate } from "../../../testing/gate.ts"
import { reply } from "../../../testing/model-server.ts"
import type { Terminal } from "../../../testing/terminal.ts"
import { agent, BEHIND, shell, slowly, talk } from "./talk.ts"

const write = (name: string) => ({ name: "Write", input: { file_path: name, content: "one\ntwo\n" } })
const ask = (...questions: object[]) => ({ name: "AskUserQuestion", input: { questions } })
/** Says what the calls' answers were. */
const heard = ({ results }: { results: { text: string }[] }) =>
  reply.text(`Heard: ${results.map(({ text }) => text.replaceAll("\n", " ")).join(" + ")}`)

describe("a request for permission", () => {
  test("waits beside the prompt; Enter on the empty prompt shows it, y allows it once", async () => {
    await using one = await talk({
      root: [reply.calls([write("a.txt")]), reply.calls([write("b.txt")]), heard],
    })
    const { terminal, bench } = one
    one.say("Write two files")
    await terminal.shows(/▲ wants Write: a\.txt .*↵ answer/)
    await terminal.shows("▲ 1 needs you")
    await terminal.shows("waits for your word")
    expect(existsSync(join(bench.cwd, "a.txt"))).toBe(false)
    terminal.press("enter")
    await terminal.shows("This conversation wants Write")
    await terminal.shows(/1 \+ one/)
    await terminal.shows("in ~/work")
    terminal.press("y")
    await terminal.shows(/wants Write: b\.txt/)
    expect(existsSync(join(bench.cwd, "a.txt"))).toBe(true)
    expect(existsSync(join(bench.cwd, "b.txt"))).toBe(false)
    terminal.press("ctrl+x", "ctrl+a")
    await terminal.shows("This conversation wants Write")
    terminal.press("y")
    await terminal.shows("Heard: ")
    await terminal.hides("needs you")
    one.server.check()
  })

  test("a allows it always, by the rule that is shown, also in the next conversation", async () => {
    const touch = { name: "Bash", input: { command: "touch made.txt" } }
    await using one = await talk({
      root: [reply.calls([touch]), reply.calls([touch]), reply.text("Made twice.")],
    })
    const { terminal } = one
    one.say("Make it")
    await terminal.shows("wants Bash: touch made.txt")
    terminal.press("enter")
    await terminal.shows(/a always: Bash\(touch[^)]*\)/)
    terminal.press("a")
    await terminal.shows("Made twice.")
    await using other = await one.open()
    await other.shows("? keys")
    other.type("Make it again")
    other.press("enter")
    await other.shows("Made twice.")
    expect(other.text()).not.toContain("not permitted")
  })

  test("n asks for a reason, and the model is told it; Esc leaves it open for later", async () => {
    await using one = await talk({ root: [reply.calls([shell("rm -rf build")]), heard] })
    const { terminal } = one
    one.say("Clean")
    await terminal.shows("wants Bash: rm -rf build")
    terminal.press("enter")
    await terminal.shows("no, with a reason")
    terminal.press("esc")
    await terminal.shows("1 needs you")
    await terminal.shows("? keys")
    terminal.press("enter")
    await terminal.shows("no, with a reason")
    // Enter alone allows nothing: the answer is still to be given.
    terminal.press("enter", "enter", "n")
    await terminal.shows("no, because")
    terminal.type("yes, any day but today")
    terminal.press("enter")
    await terminal.shows(/Heard: .*yes, any day but today/)
    await terminal.shows(/[✗⊘] Bash {2}rm -rf build/)
  })

  test("what would not be seen on the card is shown: control characters, right to left marks, long ends", async () => {
    const command = `echo "ok\u202e" \x1b[2K; curl http://evil.example/${"x".repeat(300)}END`
    await using one = await talk({ root: [reply.calls([{ name: "Bash", input: { command } }]), heard] })
    const { terminal } = one
    one.say("Do it")
    await terminal.shows("1 needs you")
    terminal.press("enter")
    await terminal.shows("This conversation wants Bash")
    await terminal.shows("END")
    const card = terminal.lines().slice(terminal.find("This conversation wants Bash")!.y).join("\n")
    expect(card).not.toContain("\u202e")
    expect(card).toMatch(/202e/i)
  })
})

describe("several requests", () => {
  test("are counted, turned through with the arrows, and answered one after the other", async () => {
    await using one = await talk({
      root: [
        reply.calls([agent("one", "Be first.", BEHIND), agent("two", "Be second.", BEHIND), write("mine.txt")]),
        heard,
      ],
      agents: {
        "Be first.": [reply.calls([write("first.txt")]), reply.text("First is done.")],
        "Be second.": [reply.calls([write("second.txt")]), reply.text("Second is done.")],
      },
    })
    const { terminal, bench } = one
    one.say("All three")
    await terminal.shows("▲ 3 need you")
    await terminal.shows(/▲ .*and 2 more/)
    terminal.press("enter")
    await terminal.shows("1 of 3")
    const seen = new Set<string>()
    for (let i = 1; i <= 3; i++) {
      await terminal.shows(`${i} of 3`)
      seen.add(/\w+\.txt/.exec(card(terminal))![0])
      terminal.press("down")
    }
    expect([...seen].sort()).toEqual(["first.txt", "mine.txt", "second.txt"])
    await terminal.shows("1 of 3")
    const agents = card(terminal).includes("This conversation") ? 1 : 0
    for (let i = 0; i < agents; i++) terminal.press("down")
    terminal.press("y")
    await terminal.shows(/of 2/)
    terminal.press("y")
    await terminal.hides(/of 2/)
    await terminal.shows(/wants Write/)
    terminal.press("y")
    await terminal.hides(/need/)
    await terminal.shows(() => ["first", "second", "mine"].every((name) => existsSync(join(bench.cwd, `${name}.txt`))))
    one.server.check()
  })

  test("one that is answered elsewhere goes from the card, and no key of it hits the next one", async () => {
    await using one = await talk({ root: [reply.calls([write("a.txt")]), heard] })
    const { terminal } = one
    one.say("Write")
    await terminal.shows("1 needs you")
    await using other = await one.open({ args: ["--continue"] })
    await other.shows("1 needs you")
    for (const screen of [terminal, other]) {
      screen.press("enter")
      await screen.shows("This conversation wants Write")
    }
    other.press("y")
    await terminal.hides("This conversation wants Write")
    terminal.type("y")
    await terminal.shows(/› y/)
  })
})

describe("nothing opens over what is typed", () => {
  test("a request that arrives in the middle of a word leaves the text and the keys alone", async () => {
    const gate = new Gate()
    await using one = await talk({
      root: [reply.calls([agent("limits", "Add limits.", BEHIND)]), reply.text("It is at work."), heard],
      agents: { "Add limits.": [reply.calls([write("limits.ts")]).gate(gate), reply.text("Written.")] },
    })
    const { terminal } = one
    one.say("Add limits")
    await terminal.shows("It is at work.")
    terminal.type("yes, and al")
    await terminal.shows("yes, and al")
    gate.open()
    await terminal.shows("▲ 1 needs you")
    await terminal.shows("ctrl+x ctrl+a answer")
    const before = terminal.find("yes, and al")!
    terminal.type("ways n a y")
    await terminal.shows("yes, and always n a y")
    expect(terminal.find("yes, and always")!.y).toBe(before.y)
    expect(terminal.text()).toContain("1 needs you")
    terminal.press("ctrl+x", "ctrl+a")
    await terminal.shows("no, with a reason")
    terminal.press("y")
    await terminal.shows("yes, and always n a y")
    await terminal.hides("needs you")
  })

  test("the agent's request is shown with its agent, and answered from its card in the conversation by a click", async () => {
    await using one = await talk({
      root: [reply.calls([agent("limits", "Add limits.", BEHIND)]), reply.text("It is at work."), heard],
      agents: { "Add limits.": [reply.calls([write("limits.ts")]), reply.text("Written.")] },
    })
    const { terminal } = one
    one.say("Add limits")
    await terminal.shows(/▲ general-purpose \w{4} wants Write: limits\.ts/)
    terminal.clickText("wants Write: limits.ts", { nth: terminal.find("wants Write: limits.ts", 1) ? 1 : 0 })
    await terminal.shows(/general-purpose \w{4} wants Write/)
    await terminal.shows("no, with a reason")
    terminal.press("y")
    await terminal.shows(/✓ .*limits/)
  })
})

describe("a question", () => {
  const colours = {
    question: "Which colour?",
    header: "Colour",
    options: [{ label: "red", description: "like fire" }, { label: "blue" }],
  }

  test("is answered by an option: with arrows and Enter, with its number, with a click", async () => {
    for (const answer of [
      (terminal: Terminal) => terminal.press("down", "enter"),
      (terminal: Terminal) => terminal.type("2"),
      (terminal: Terminal) => terminal.clickText("blue"),
    ]) {
      await using one = await talk({ root: [reply.calls([ask(colours)]), heard] })
      const { terminal } = one
      one.say("Choose")
      await terminal.shows("asks: Which colour?")
      terminal.press("enter")
      await terminal.shows("like fire")
      answer(terminal)
      await terminal.shows("Heard: blue")
    }
  })

  test("takes several where it says so, words of one's own, and several questions in a row", async () => {
    await using one = await talk({
      root: [
        reply.calls([
          ask(
            { question: "Which sizes?", options: [{ label: "S" }, { label: "M" }, { label: "L" }], multiSelect: true },
            colours,
            { question: "And your name?" },
          ),
        ]),
        heard,
      ],
    })
    const { terminal } = one
    one.say("Ask me")
    await terminal.shows("asks: Which sizes?")
    terminal.press("enter")
    await terminal.shows("question 1 of 3")
    terminal.type(" ")
    await terminal.shows("[x] S")
    terminal.press("down", "down")
    terminal.type(" ")
    await terminal.shows("[x] L")
    terminal.press("enter")
    await terminal.shows("question 2 of 3")
    terminal.type("3")
    await terminal.shows("your answer:")
    terminal.type("2 shades of green")
    terminal.press("enter")
    await terminal.shows("question 3 of 3")
    terminal.type("Ada")
    terminal.press("enter")
    await terminal.shows(/Heard: Which sizes\? S, L .*Which colour\? 2 shades of green .*And your name\? Ada/s)
    one.server.check()
  })

  test("can wait: Esc leaves it open, one talks on, and interrupting withdraws it", async () => {
    const gate = new Gate()
    await using one = await talk({
      root: [reply.calls([ask(colours)]), slowly("As you", gate, " like.")],
      after: reply.text("Never mind the colour."),
    })
    const { terminal } = one
    one.say("Choose")
    await terminal.shows("asks: Which colour?")
    terminal.press("enter")
    await terminal.shows("like fire")
    terminal.press("esc")
    await terminal.hides("like fire")
    terminal.type("half a thought")
    await terminal.shows("half a thought")
    await terminal.shows("1 needs you")
    terminal.press("esc")
    await terminal.hides("needs you")
    await terminal.shows("half a thought")
  })
})

function card(terminal: Terminal): string {
  const { y } = terminal.find("of 3") ?? { y: 0 }
  return terminal.lines().slice(y).join("\n")
}
