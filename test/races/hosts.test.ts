// The catalogue of races, last part: two programs and one session. A prompt against the end of the turn, the end of a host
// against the beginning of the next.
import { describe, expect, test } from "bun:test"
import { join } from "node:path"
import { openProgram } from "../../src/program.ts"
import { type Driving, driving } from "../../testing/driving.ts"
import { Gate } from "../../testing/gate.ts"
import { GatedKind } from "../../testing/gated-kind.ts"
import { workbench } from "../../testing/headless.ts"
import { reply, script, startModelServer } from "../../testing/model-server.ts"
import { behind, rests, TOLD_ONCE } from "./story.ts"

const FREE = ["--permission-mode", "bypassPermissions"]
const waits = (text: string) => `SELECT 1 FROM inbox WHERE content LIKE '%${text}%'`
const said = (text: string) => [{ type: "text" as const, text }]

/** Another program on the same home. */
async function another({ bench }: Driving) {
  const program = await openProgram({ env: { ...bench.env }, cwd: bench.cwd, answerable: true })
  const shell = new GatedKind("shell")
  program.tasks.register(shell)
  return { program, shell, [Symbol.dispose]: () => program.close() }
}

describe("viewer prompt / turn end", () => {
  test("a prompt that is stored before the turn's end joins the turn", async () => {
    const last = new Gate()
    await using it = await driving({ root: [reply.text("First.").gate(last), reply.text("Second.")] })
    using other = await another(it)
    await it.say("Begin.")
    const talk = it.converse()
    await it.server.received(1)
    await other.program.view(it.hosted.row).prompt(said("And this."))
    last.open()
    await rests(it, talk, "And this.")
    expect(it.turns().map(({ cause, state }) => [cause, state])).toEqual([["human", "done"]])
  })

  test("a prompt that is stored in the moment after the turn's end begins the next one", async () => {
    await using it = await driving({ root: [reply.text("First."), reply.text("Second.")] })
    using other = await another(it)
    const viewer = other.program.view(it.hosted.row)
    let prompted: Promise<string> | undefined
    // Heard at the commit itself, before anything else runs.
    using _ = it.program.store.listen(`feed:${it.hosted.row.id}`, () => {
      if (it.turns()[0]?.state === "done") prompted ??= viewer.prompt(said("And this."))
    })
    await it.say("Begin.")
    await rests(it, it.converse(), "And this.")
    expect(it.turns().map(({ cause, state }) => [cause, state])).toEqual(Array(2).fill(["human", "done"]))
    expect(await viewer.withdraw((await prompted)!)).toBeFalse()
  })

  test("a prompt that is taken back before it enters is never heard; one that has entered stays", async () => {
    const last = new Gate()
    await using it = await driving({ root: [reply.text("First.").gate(last), reply.text("Second.").gate(last)] })
    using other = await another(it)
    const viewer = other.program.view(it.hosted.row)
    await it.say("Begin.")
    const talk = it.converse()
    await it.server.received(1)
    const ids = [await viewer.prompt(said("This one.")), await viewer.prompt(said("That one."))]
    expect(await viewer.withdraw(ids[0]!)).toBeTrue()
    last.open()
    await rests(it, talk, "That one.")
    expect(it.read("This one.")).toBe(0)
    expect(await viewer.withdraw(ids[1]!)).toBeFalse()
  })

  test("a prompt that comes while the last word is being said begins another step, whoever ends first", async () => {
    const last = new Gate()
    await using server = await startModelServer({
      script: script.inOrder([reply.text("First.").gate(last), reply.text("Second.")]),
    })
    await using bench = workbench(server)
    const host = bench.start(["-p", "One"])
    await server.received(1)
    const second = bench.start(["-p", "Two", "-c"])
    await bench.stored(waits("Two"))
    last.open()
    const [a, b] = await Promise.all([host.finished, second.finished])
    expect([a.exit, b.exit, b.stdout]).toEqual([0, 0, "Second.\n"])
    server.check()
  })

  test("a prompt that comes when the host has said its last word, and is ending, is answered by the next one", async () => {
    await using server = await startModelServer({ script: script.inOrder([]) })
    server.script = script.inOrder([
      reply.calls([
        {
          name: "Bash",
          // Ends, when it is asked to, not before the file is there.
          input: {
            command: "trap 'until [ -e go ]; do sleep 0.02; done; exit' TERM; touch up; while :; do sleep 0.02; done",
            service: true,
          },
        },
      ]),
      reply.text("Started."),
      reply.text("Second."),
    ])
    await using bench = workbench(server)
    const host = bench.start(["-p", "One", ...FREE])
    // The host's turn is over, and it ends what it had started.
    await bench.stored("SELECT 1 FROM run WHERE stop_by = 'program'")
    const second = bench.start(["-p", "Two", "-c"])
    await bench.stored(waits("Two"))
    await Bun.write(join(bench.cwd, "go"), "")
    const [a, b] = await Promise.all([host.finished, second.finished])
    expect([a.stdout, a.exit]).toEqual(["Started.\n", 0])
    expect([b.stdout, b.stderr, b.exit]).toEqual(["Second.\n", "", 0])
    server.check()
  })
})

describe("lease release / takeover", () => {
  const root = [reply.calls([behind("build")]), reply.text("It runs."), reply.text("It is built."), reply.text("Yes.")]

  /** A command runs, and nobody drives the session for a moment. */
  async function left(): Promise<Driving> {
    const it = await driving({ root })
    await it.say("Begin.")
    const over = new AbortController()
    const talk = it.converse(over.signal)
    await it.turnOver()
    over.abort(new Error("it leaves"))
    await talk.catch(() => undefined)
    return it
  }
  const converse = { signal: new AbortController().signal, steps: 9, patienceMs: 60_000 }

  test("who asks before the release is refused and may look; its prompt is the host's to answer", async () => {
    await using it = await driving({ root: [reply.text("First."), reply.text("Second.")] })
    using other = await another(it)
    expect(await other.program.host(it.hosted.row)).toBeUndefined()
    await other.program.view(it.hosted.row).prompt(said("Begin."))
    await rests(it, it.converse(), "Begin.")
  })

  test("who asks after the release goes on with what the other had begun, and its end is told once", async () => {
    await using it = await left()
    using other = await another(it)
    const { id } = it.run("build")
    it.hosted.release()
    const hosted = (await other.program.host(it.hosted.row))!
    const talk = hosted.converse(converse)
    other.shell.finish(id, { state: "completed", result: "BUILT" })
    await rests(it, talk, "BUILT")
    expect(it.run("build")).toMatchObject({ state: "completed", attempt: 2 })
    expect(it.end("build")).toEqual({ state: "completed", ...TOLD_ONCE })
    expect(it.asked()).toHaveLength(3)
    hosted.release()
  })

  for (const order of ["the first one", "the second one"] as const)
    test(`an end that both see, ${order} before the other, is stored once and told once`, async () => {
      await using it = await left()
      using other = await another(it)
      const { id } = it.run("build")
      it.hosted.release()
      const hosted = (await other.program.host(it.hosted.row))!
      const talk = hosted.converse(converse)
      const shells = order === "the first one" ? [it.shell, other.shell] : [other.shell, it.shell]
      for (const [n, shell] of shells.entries()) shell.finish(id, { state: "completed", result: `BUILT ${n}` })
      await rests(it, talk, "BUILT")
      expect(it.run("build").result).toBe("BUILT 0")
      expect(it.end("build")).toEqual({ state: "completed", ...TOLD_ONCE })
      hosted.release()
    })

  test("an end that the first one stores as it lets go is told by the second, once", async () => {
    await using it = await left()
    using other = await another(it)
    it.shell.finish(it.run("build").id, { state: "completed", result: "BUILT" })
    it.hosted.release()
    const hosted = (await other.program.host(it.hosted.row))!
    await rests(it, hosted.converse(converse), "BUILT")
    expect(it.end("build")).toEqual({ state: "completed", ...TOLD_ONCE })
    hosted.release()
  })

  test("of two that ask at the same moment one gets it", async () => {
    await using it = await left()
    using one = await another(it)
    using two = await another(it)
    it.hosted.release()
    const asked = await Promise.all([one, two].map(({ program }) => program.host(it.hosted.row)))
    const [hosted, ...more] = asked.filter((got) => got !== undefined)
    expect(more).toEqual([])
    const { shell } = asked[0] ? one : two
    shell.finish(it.run("build").id, { state: "completed", result: "BUILT" })
    await rests(it, hosted!.converse(converse), "BUILT")
    expect(it.end("build")).toEqual({ state: "completed", ...TOLD_ONCE })
    hosted!.release()
  })
})
