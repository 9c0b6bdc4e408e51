// `meanwhile sessions import` as a user has it: from one home to another, and on with the conversation there.
import { expect, test } from "bun:test"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { workbench } from "../../testing/headless.ts"
import { type RecordedRequest, reply, script, startModelServer } from "../../testing/model-server.ts"

const SHELL = reply.calls([{ name: "Bash", input: { command: "echo counted 42", description: "count" } }])
const EXPORTED = (text: string) =>
  text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith('{"type":"file"'))
    .map((line) => line.replace(/,"file":\d+/, ""))

test("a session goes on in another home where it stood, with the same beginning for the provider's cache", async () => {
  await using server = await startModelServer({
    script: script.inOrder([SHELL, reply.text("It is 42."), reply.text("Still 42.")]),
  })
  await using bench = workbench(server)
  const ask = ["--allowedTools", "Bash(echo:*)"]
  expect(await bench.run(["-p", "Count.", "--name", "counting", ...ask])).toMatchObject({ exit: 0 })
  const { stdout: lines } = await bench.run(["sessions", "export", "counting"])
  const file = join(bench.cwd, "counting.jsonl")
  writeFileSync(file, lines)

  const there = { env: { MEANWHILE_HOME: join(bench.home, "..", "there") } }
  const imported = await bench.run(["sessions", "import", file], there)
  expect(imported).toMatchObject({ exit: 0, stderr: "" })
  expect(imported.stdout).toMatch(/^imported {2}[0-9a-f]{8} {2}counting {2}3 messages, 1 task\n$/)
  const again = await bench.run(["sessions", "export", "counting"], there)
  expect(EXPORTED(again.stdout)).toEqual(EXPORTED(lines))

  expect(await bench.run(["-p", "And now?", "--resume", "counting"], there)).toMatchObject({
    exit: 0,
    stdout: "Still 42.\n",
  })
  const [, before, after] = server.requests.filter(({ model }: RecordedRequest) => !model.includes("haiku"))
  // Where the cache's marks stand changes from request to request.
  const plain = (said: unknown) => JSON.stringify(said).replace(/"marked":(true|false),/g, "")
  expect(plain(after?.messages)).toContain("counted 42")
  expect(plain(after?.messages.slice(0, before?.messages.length))).toBe(plain(before?.messages))
  expect(plain(after?.system)).toBe(plain(before?.system))

  // It is there already; a copy is another one.
  const twice = await bench.run(["sessions", "import", file], there)
  expect(twice.exit).toBe(1)
  expect(twice.stderr).toContain("--as-copy")
  const copy = await bench.run(["sessions", "import", "-", "--as-copy"], { ...there, stdin: lines })
  expect(copy).toMatchObject({ exit: 0, stderr: "" })
  expect(copy.stdout).toContain('counting (2)  ("counting" is another session\'s name)')
}, 30_000)

test("what can't be imported is said in a line, with exit code 1, or 2 for what isn't there", async () => {
  await using bench = workbench()
  mkdirSync(join(bench.cwd, "folder"))
  writeFileSync(join(bench.cwd, "notes.txt"), "Dear diary,\n")
  for (const [args, exit, said] of [
    [["notes.txt"], 1, "Line 1 of the export is not JSON. Nothing was imported."],
    [["gone.jsonl"], 2, "can't be read"],
    [["folder"], 2, "is a folder"],
    [[], 2, "FILE"],
    [["notes.txt", "--yes"], 2, "--yes"],
  ] as const) {
    const done = await bench.run(["sessions", "import", ...args])
    expect(done).toMatchObject({ exit, stdout: "" })
    expect(done.stderr).toContain(said)
    expect(done.stderr).not.toContain("    at ")
  }
  const empty = await bench.run(["sessions", "import", "-"], { stdin: "" })
  expect(empty).toMatchObject({ exit: 1 })
  expect(empty.stderr).toContain("There is nothing in it")
})
