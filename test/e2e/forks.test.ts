// Forks and names from the command line, with the program as it is started by a script.
import { expect, test } from "bun:test"
import { Gate } from "../../testing/gate.ts"
import { type StreamLine, type Workbench, workbench } from "../../testing/headless.ts"
import { type RecordedRequest, reply, startModelServer } from "../../testing/model-server.ts"

interface Room extends AsyncDisposable {
  bench: Workbench
  server: Awaited<ReturnType<typeof startModelServer>>
  /** One headless turn: its session's id and its reply. */
  ask(args: readonly string[]): Promise<{ id: string; text: string; stderr: string; exit: number }>
}

/** The model says how many words of the user it has been given. */
async function room(): Promise<Room> {
  const server = await startModelServer({ script: (request) => reply.text(heard(request).join(" | ")) })
  const bench = workbench(server)
  return {
    bench,
    server,
    ask: async (args) => {
      const { stdout, stderr, exit } = await bench.run(["-p", "--output-format", "json", ...args])
      const result = stdout === "" ? undefined : (JSON.parse(stdout) as StreamLine)
      return { id: result?.session_id ?? "", text: result?.result ?? "", stderr, exit }
    },
    [Symbol.asyncDispose]: async () => {
      await bench[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

function heard({ messages }: RecordedRequest): string[] {
  const own = messages.filter(({ role }) => role === "user")
  return own.flatMap(({ content }) => content.flatMap((block) => (block.type === "text" ? [block.text] : [])))
}

test("--fork-session goes on in a new session; the one it comes from stays as it was, and is found by its name", async () => {
  await using it = await room()
  const first = await it.ask(["-n", "oak", "One."])
  const fork = await it.ask(["-c", "--fork-session", "-n", "twig", "Two."])
  expect(fork.text).toBe("One. | Two.")
  expect(fork.id).not.toBe(first.id)
  // The fork was used last; by name and by the beginning of its id the origin is there too.
  expect((await it.ask(["-c", "Three."])).text).toBe("One. | Two. | Three.")
  expect((await it.ask(["-r", "oak", "Other."])).text).toBe("One. | Other.")
  const third = await it.ask(["-r", fork.id.slice(0, 8), "--fork-session", "Four."])
  expect(third.text).toBe("One. | Two. | Three. | Four.")
  expect((await it.ask(["-r", "twig", "Five."])).text).toBe("One. | Two. | Three. | Five.")
  it.server.check()
}, 60_000)

test("a fork keeps the whole conversation when the session that it comes from is deleted", async () => {
  await using it = await room()
  const first = await it.ask(["One."])
  const fork = await it.ask(["-r", first.id, "--fork-session", "Two."])
  const removed = await it.bench.run(["sessions", "rm", first.id, "--yes"])
  expect(removed).toMatchObject({ exit: 0 })
  expect((await it.ask(["-r", fork.id, "Three."])).text).toBe("One. | Two. | Three.")
  expect((await it.bench.run(["sessions", "rm", fork.id, "--yes"])).exit).toBe(0)
  expect((await it.bench.run(["sessions", "--json"])).stdout.trim()).toBe("[]")
}, 60_000)

test("a session at work in another process is forked at its last step, and its turn is not disturbed", async () => {
  await using it = await room()
  const first = await it.ask(["One."])
  const gate = new Gate()
  it.server.script = (request) => {
    const said = heard(request)
    const answer = reply.text(said.join(" | "))
    return said.includes("Slowly.") ? answer.gate(gate) : answer
  }
  const slow = it.ask(["-r", first.id, "Slowly."])
  await it.server.receivedWhere((request) => heard(request).includes("Slowly."))
  expect((await it.ask(["-r", first.id, "--fork-session", "Two."])).text).toBe("One. | Two.")
  gate.open()
  expect(await slow).toMatchObject({ id: first.id, text: "One. | Slowly." })
}, 60_000)

test("of two processes that give the same name at once, one gets a number, and is told", async () => {
  await using it = await room()
  const ids = [(await it.ask(["A."])).id, (await it.ask(["B."])).id, (await it.ask(["C."])).id]
  const named = await Promise.all(ids.map((id) => it.bench.run(["sessions", "rename", id, "oak"])))
  expect(named.map(({ exit }) => exit)).toEqual([0, 0, 0])
  expect(named.map(({ stdout }) => stdout.slice(10).split("  ")[0]!.trim()).sort()).toEqual([
    "oak",
    "oak (2)",
    "oak (3)",
  ])
  const told = named.filter(({ stdout }) => stdout.includes("is another session's name"))
  expect(told).toHaveLength(2)
  const sessions = JSON.parse((await it.bench.run(["sessions", "--json"])).stdout) as { name: string }[]
  expect(sessions.map(({ name }) => name).sort()).toEqual(["oak", "oak (2)", "oak (3)"])
}, 60_000)

test("a name that is taken is given with a number, and that is said; a session that has it is gone on with", async () => {
  await using it = await room()
  await it.ask(["-n", "oak", "One."])
  const second = await it.ask(["-n", "oak", "Two."])
  expect(second.stderr).toContain('There is a session "oak" in this project already: this one is "oak (2)".')
  expect((await it.ask(["-r", "oak (2)", "More."])).text).toBe("Two. | More.")
  expect((await it.ask(["-r", "oak", "More."])).text).toBe("One. | More.")
}, 60_000)

test("what can't be forked is refused, with nothing asked", async () => {
  await using it = await room()
  const refused = async (...args: string[]) => (await it.bench.run(["-p", ...args])).stderr
  expect(await refused("--fork-session", "x")).toContain("--fork-session needs the session that is forked")
  expect(await refused("-c", "--fork-session", "x")).toContain("There is no session to continue")
  expect(await refused("-r", "nobody", "--fork-session", "x")).toContain('There is no session "nobody"')
  await it.ask(["-n", "oak", "One."])
  expect(await refused("-r", "oak", "--fork-session", "-n", "a\nb", "x")).toContain("no name for a session")
  expect(await refused("-r", "oak", "--fork-session", "--agent", "explore", "x")).toContain("stays so")
  expect(it.server.requests).toHaveLength(1)
  expect(JSON.parse((await it.bench.run(["sessions", "--json"])).stdout)).toHaveLength(1)
}, 60_000)
