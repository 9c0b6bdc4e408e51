// Two terminals on one conversation: one process drives it, the other looks on with all keys working, and takes over.
import { describe, expect, test } from "bun:test"
import { Gate } from "../../../testing/gate.ts"
import { reply } from "../../../testing/model-server.ts"
import type { Terminal } from "../../../testing/terminal.ts"
import { oneStored } from "./stored.ts"
import { agent, BEHIND, shell, slowly, type Talk, type TalkOptions, talk, waits } from "./talk.ts"

interface Pair extends Talk {
  /** The terminal whose process drives. */
  readonly host: Terminal
  readonly viewer: Terminal
}

/** Resolves with both on the conversation, after the first prompt has shown what is given. */
async function pair(options: TalkOptions, { prompt, until }: { prompt: string; until: string }): Promise<Pair> {
  const one = await talk(options)
  one.say(prompt)
  await one.terminal.shows(until)
  const viewer = await one.open({ args: ["--continue"] })
  await viewer.shows("viewing")
  await viewer.shows(until)
  return Object.assign(one, {
    host: one.terminal,
    viewer,
    [Symbol.asyncDispose]: disposing(one, viewer),
  })
}

function disposing(one: Talk, viewer: Terminal): () => Promise<void> {
  const whole = one[Symbol.asyncDispose]
  return async () => {
    await viewer[Symbol.asyncDispose]()
    await whole()
  }
}

/** How long it takes until the text is on the screen, counted from now. */
async function delayOf(terminal: Terminal, text: string): Promise<number> {
  const begin = performance.now()
  await terminal.shows(text)
  return performance.now() - begin
}

describe("a second terminal", () => {
  test("shows what streams as it comes, within a tenth of a second", async () => {
    const gates = [1, 2, 3, 4, 5].map(() => new Gate())
    await using one = await pair(
      {
        root: [
          reply.parts([
            { type: "text", text: "We begin." },
            ...gates.flatMap((gate, i) => [
              { type: "gate" as const, gate },
              { type: "text" as const, text: ` Word${i}.` },
            ]),
          ]),
        ],
      },
      { prompt: "Tell", until: "We begin." },
    )
    const delays: number[] = []
    for (const [i, gate] of gates.entries()) {
      gate.open()
      const [, viewer] = await Promise.all([one.host.shows(`Word${i}.`), delayOf(one.viewer, `Word${i}.`)])
      delays.push(viewer)
    }
    // The median: the machine of the test has other things to do.
    expect(delays.sort((a, b) => a - b)[2]).toBeLessThan(100)
  })

  test("types: its prompt is answered by the other's process, and both see it", async () => {
    await using one = await pair(
      { root: [reply.text("First."), ({ news }) => reply.text(`You said ${news}.`)] },
      { prompt: "One", until: "First." },
    )
    one.viewer.type("two from the side")
    one.viewer.press("enter")
    for (const screen of [one.host, one.viewer]) {
      await screen.shows("You said two from the side.")
      await screen.shows("› two from the side")
    }
    expect(oneStored<{ n: number }>(one.bench, "SELECT count(*) AS n FROM session WHERE parent_id IS NULL")?.n).toBe(1)
  })

  test("has all keys: it moves to the background, changes the mode, answers, interrupts, stops", async () => {
    const gate = new Gate()
    await using one = await pair(
      {
        root: [
          reply.calls([shell("sh build.sh")]),
          reply.calls([{ name: "Write", input: { file_path: "a.txt", content: "a" } }]),
          slowly("A long story", gate, " ends."),
        ],
        files: { "build.sh": waits() },
      },
      { prompt: "Build", until: "keep talking" },
    )
    const { host, viewer } = one
    viewer.press("ctrl+b")
    await host.shows("1 shell")
    await viewer.shows("wants Write: a.txt")
    viewer.press("enter")
    await viewer.shows("This conversation wants Write")
    viewer.press("y")
    await host.shows("A long story")
    await viewer.shows("A long story")
    viewer.press("esc")
    await host.shows("Interrupted.")
    viewer.press("shift+tab")
    await host.shows("accept edits")
    viewer.press("ctrl+x", "ctrl+k")
    await viewer.shows("Stop 1 background task?")
    viewer.press("y")
    await host.shows(/■ .*build\.sh/)
  })

  test("leaves without a question, and the other goes on", async () => {
    await using one = await pair(
      { root: [reply.calls([shell("sh build.sh", BEHIND)]), reply.text("It builds.")], files: { "build.sh": waits() } },
      { prompt: "Build", until: "It builds." },
    )
    one.viewer.press("ctrl+c", "ctrl+c")
    expect(await one.viewer.exited).toBe(0)
    await one.host.shows("1 shell")
    one.go()
    await one.host.shows("Noted.")
  })
})

describe("when the process that drives is gone", () => {
  const WORK: TalkOptions = {
    root: [
      reply.calls([shell("sh build.sh", BEHIND), agent("auth code", "Explore auth.", BEHIND)]),
      reply.text("Both are at work."),
    ],
    after: reply.text("All is picked up."),
    files: { "build.sh": waits() },
  }

  test("by its exit, the other terminal takes over: it is no viewer any more, and it is answered", async () => {
    await using one = await pair({ root: [reply.text("First.")] }, { prompt: "One", until: "First." })
    one.host.press("ctrl+c", "ctrl+c")
    expect(await one.host.exited).toBe(0)
    await one.viewer.hides("viewing")
    one.viewer.type("Are you there?")
    one.viewer.press("enter")
    await one.viewer.shows("Noted.")
  })

  test("by SIGKILL, agents and commands go on, and their ends are told once", async () => {
    const gate = new Gate()
    await using one = await pair(
      { ...WORK, agents: { "Explore auth.": [reply.text("It is in auth.ts.").gate(gate)] } },
      { prompt: "Go", until: "Both are at work." },
    )
    process.kill(oneStored<{ pid: number }>(one.bench, "SELECT pid FROM lease")!.pid, "SIGKILL")
    await one.host.shows("ended by SIGKILL")
    one.go()
    gate.open()
    await one.viewer.shows(/✓ .*build\.sh/)
    await one.viewer.shows(/✓ .*auth code/)
    await one.viewer.shows("All is picked up.")
    const told = one.server.requests.flatMap(({ news }) => news.match(/It is in auth\.ts\./g) ?? [])
    expect(told).toHaveLength(1)
  })
})
