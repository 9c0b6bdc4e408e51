// "Never blocked": what a turn waits for moves to the background, by Ctrl+B or by going on talking.
import { describe, expect, test } from "bun:test"
import { Gate } from "../../../testing/gate.ts"
import { reply } from "../../../testing/model-server.ts"
import { agent, BEHIND, shell, type Talk, talk, waits } from "./talk.ts"

const SCRIPTS = { "build.sh": `echo building; ${waits()}; echo built`, "lint.sh": `${waits()}; echo clean` }

describe("Ctrl+B", () => {
  for (const keys of [["ctrl+b"], ["ctrl+x", "ctrl+b"]])
    test(`${keys.join(" ")} moves one command to the background, the model goes on and is told of its end`, async () => {
      await using one = await talk({
        root: [reply.calls([shell("sh build.sh")]), reply.text("While it builds."), reply.text("It is built.")],
        files: SCRIPTS,
      })
      const { terminal } = one
      one.say("Build it")
      await terminal.shows(/build\.sh .*\d s/)
      await terminal.shows("ctrl+b  keep talking while these run")
      terminal.press(...keys)
      await terminal.shows("While it builds.")
      await terminal.shows(/1 shell .*ctrl\+t tasks/)
      expect(terminal.text()).not.toContain("keep talking")
      one.go()
      await terminal.shows("● 1 task finished, picking up its result")
      await terminal.shows("It is built.")
      await terminal.hides(/◐ 1 shell/)
      one.server.check()
    })

  test("moves agents and commands at once, and leaves alone what is in the background already", async () => {
    const gate = new Gate()
    await using one = await talk({
      root: [
        reply.calls([
          agent("auth code", "Explore auth."),
          agent("cookies", "Look at cookies."),
          shell("sh build.sh"),
          shell("sh lint.sh", BEHIND),
          agent("tests", "Find tests.", BEHIND),
        ]),
        reply.text("All five are at work."),
      ],
      agents: {
        "Explore auth.": [reply.text("auth.ts").gate(gate, "before-end")],
        "Look at cookies.": [reply.text("cookies.ts").gate(gate, "before-end")],
        "Find tests.": [reply.text("12 tests").gate(gate, "before-end")],
      },
      files: SCRIPTS,
    })
    const { terminal, server } = one
    one.say("Look around")
    for (const name of ["auth code", "cookies", "build.sh", "lint.sh", "tests"]) await terminal.shows(name)
    await terminal.shows("keep talking")
    await terminal.shows(/1 agent .*1 shell/)
    terminal.press("ctrl+b")
    await terminal.shows("All five are at work.")
    await terminal.shows(/3 agents .*2 shells/)
    const told = server.requests.find(({ results }) => results.length === 5)!
    const moved = told.results.filter(({ text }) => /moved to the background/i.test(text))
    expect(moved).toHaveLength(3)
    gate.open()
    one.go()
    await terminal.hides(/agents? {2}|shells? +ctrl\+t/)
    server.check()
  })

  test("an agent's own command is no blocker of the conversation: its agent moves, and the command goes on", async () => {
    await using one = await talk({
      root: [reply.calls([agent("builder", "Build it all.")]), reply.text("It builds by itself."), reply.text("Good.")],
      agents: { "Build it all.": [reply.calls([shell("sh build.sh")]), reply.text("The build is fine.")] },
      files: SCRIPTS,
    })
    const { terminal } = one
    one.say("Build")
    await terminal.shows(/builder .*waits|builder .*build\.sh/)
    terminal.press("ctrl+b")
    await terminal.shows("It builds by itself.")
    terminal.press("ctrl+b")
    await terminal.shows("nothing to move to the background")
    one.go()
    await terminal.shows("Good.")
  })

  test("with nothing to move says so, and has no other effect: on the text, the turn, or the requests", async () => {
    const gate = new Gate()
    await using one = await talk({ root: [reply.text("Hello.").gate(gate)] })
    const { terminal, server } = one
    terminal.type("half a sen")
    terminal.press("ctrl+b")
    await terminal.shows("Nothing blocks the turn")
    terminal.type("tence")
    await terminal.shows("half a sentence")
    expect(server.requests).toHaveLength(0)
    terminal.press("enter")
    await server.received(1)
    // Nor while the model thinks.
    terminal.press("ctrl+x", "ctrl+b")
    await terminal.shows("Nothing blocks the turn")
    gate.open()
    await terminal.shows("Hello.")
    expect(server.requests.filter(({ model }) => model.includes("sonnet"))).toHaveLength(1)
  })
})

describe("Enter while the turn waits for tasks", () => {
  async function blocked(): Promise<Talk> {
    const one = await talk({
      root: [
        reply.calls([shell("sh build.sh"), shell("sh lint.sh")]),
        ({ news }) => reply.text(`You said: ${news.includes("the schema") ? "the schema" : "nothing"}.`),
      ],
      after: reply.text("Both ended."),
      files: SCRIPTS,
    })
    one.say("Build and lint")
    await one.terminal.shows("keep talking")
    return one
  }

  test("sends at once and frees the turn: the words come with the calls' answers", async () => {
    await using one = await blocked()
    const { terminal } = one
    one.say("Now the schema")
    await terminal.shows("You said: the schema.")
    await terminal.shows("2 shells")
    const request = await one.heard("Now the schema")
    expect(request.results).toHaveLength(2)
    one.go()
    await terminal.shows("Both ended.")
    one.server.check()
  })

  test("Tab queues, and moves nothing", async () => {
    await using one = await blocked()
    const { terminal } = one
    terminal.type("for later")
    terminal.press("tab")
    await terminal.shows("queued: for later")
    expect(terminal.text()).toContain("keep talking")
    expect(one.server.requests.filter(({ model }) => model.includes("sonnet"))).toHaveLength(1)
    one.go()
    await terminal.shows("You said: nothing.")
    await one.heard("for later")
    await terminal.hides("queued: for later")
    await terminal.shows(/› for later/)
  })
})

describe("a line that begins with !", () => {
  test("runs in the folder, shows its output, and the model reads it with the next prompt", async () => {
    await using one = await talk({ root: [reply.text("I see one file.")], files: { "only.txt": "x" } })
    const { terminal, server } = one
    one.say("! ls && echo done by me")
    await terminal.shows("│ only.txt")
    await terminal.shows("│ done by me")
    expect(server.requests).toHaveLength(0)
    one.say("What is here?")
    await terminal.shows("I see one file.")
    expect(JSON.stringify(server.requests[0]!.messages)).toContain("done by me")
  })

  test("blocks nothing: one talks on, and Ctrl+B moves it to the background", async () => {
    await using one = await talk({
      root: [reply.text("Hello.")],
      after: reply.text("Your build has ended."),
      files: SCRIPTS,
    })
    const { terminal } = one
    one.say("! sh build.sh")
    await terminal.shows(/! ◐.*build\.sh/)
    one.say("Hi")
    await terminal.shows("Hello.")
    await terminal.shows("ctrl+b background")
    terminal.press("ctrl+b")
    await terminal.shows("1 shell")
    one.go()
    await terminal.shows("│ built")
    await terminal.hides("1 shell")
  })
})
