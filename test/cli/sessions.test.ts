// `meanwhile sessions rename|export|rm` as a person or a script uses them.
import { expect, test } from "bun:test"
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { systemClock } from "../../src/base/clock.ts"
import { takeLease } from "../../src/session/lease.ts"
import { openStore } from "../../src/store/open.ts"
import { workbench } from "../../testing/headless.ts"
import { reply, script, startModelServer } from "../../testing/model-server.ts"
import { seed, seedSession, seedTask } from "../../testing/seed.ts"
import { inTerminal } from "./terminal.ts"

const PROGRAM = resolve(import.meta.dir, "../../bin/meanwhile")

async function withSessions(home: string, sessions: Record<string, string | null>): Promise<void> {
  const store = await openStore({ folder: home, clock: systemClock })
  await store.write((tx) => {
    for (const [id, name] of Object.entries(sessions)) {
      seedSession(tx, { id, name })
      seed(tx, "message", {
        id: `m-${id}`,
        session_id: id,
        seq: 1,
        role: "user",
        origin: "human",
        content: '[{"type":"text","text":"Hello"}]',
      })
    }
  })
  store.close()
}

test("rename says the name that a session got", async () => {
  await using bench = workbench()
  await withSessions(bench.home, { "aaaa-1": "tidy", "bbbb-2": null })
  expect(await bench.run(["sessions", "rename", "bbbb", "tidy"])).toMatchObject({
    exit: 0,
    stdout: 'bbbb-2  tidy (2)  ("tidy" is another session\'s name)\n',
  })
  expect((await bench.run(["sessions", "rename", "tidy (2)", "clean"])).stdout).toBe("bbbb-2  clean\n")
  for (const bad of ["", "a\nb", "\x1b[31m"]) {
    const { exit, stderr } = await bench.run(["sessions", "rename", "clean", bad])
    expect(exit).toBe(2)
    expect(stderr).toStartWith("meanwhile: ")
    expect(stderr).not.toContain("\x1b")
  }
  expect((await bench.run(["sessions", "rename", "zzz", "x"])).stderr).toContain("There is no session")
})

test("export gives each line as JSON: the format first, the conversation with its calls and agents, the end", async () => {
  await using server = await startModelServer()
  server.script = script.byAgent([
    {
      name: "root",
      match: "Start",
      steps: [
        reply.calls([
          { name: "Agent", input: { subagent_type: "explore", description: "look", prompt: "Look here." } },
        ]),
        reply.text("All done."),
      ],
    },
    {
      name: "look",
      match: "Look here",
      steps: [reply.calls([{ name: "Glob", input: { pattern: "*" } }]), reply.text("Nothing here.")],
    },
  ])
  await using bench = workbench(server)
  await bench.run(["-p", "Start", "-n", "first"])
  const { exit, stdout, stderr } = await bench.run(["sessions", "export", "first"])
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" })
  const lines = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line))
  expect(lines[0]).toMatchObject({ type: "meanwhile-session", format: 1 })
  expect(lines.at(-1)).toMatchObject({ type: "end", rows: { session: 2, tool_call: 2, task: 1, run: 1, ledger: 4 } })
  const said = lines.filter(({ type, role }) => type === "message" && role === "assistant")
  expect(said.map(({ content }) => content.at(-1).text ?? content.at(-1).name)).toEqual([
    "Agent",
    "All done.",
    "Glob",
    "Nothing here.",
  ])
  expect(lines.find(({ type, name }) => type === "tool_call" && name === "Agent").result.content[0].text).toContain(
    "Nothing here.",
  )
  expect((await bench.run(["sessions", "export", "first"])).stdout).toBe(stdout)
})

test("an export can be cut off by its reader", async () => {
  await using bench = workbench()
  await withSessions(bench.home, { "aaaa-1": "tidy" })
  const store = await openStore({ folder: bench.home, clock: systemClock })
  const content = JSON.stringify([{ type: "text", text: "x".repeat(2000) }])
  await store.write((tx) => {
    for (let seq = 2; seq < 3000; seq++)
      seed(tx, "message", { id: `m${seq}`, session_id: "aaaa-1", seq, role: "user", content })
  })
  store.close()
  const env = { PATH: process.env["PATH"] ?? "", HOME: bench.cwd, MEANWHILE_HOME: bench.home }
  const child = Bun.spawn(["bash", "-c", `${PROGRAM} sessions export tidy | head -n 1`], {
    env,
    cwd: bench.cwd,
    stdout: "pipe",
    stderr: "pipe",
  })
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  expect(out).toContain("meanwhile-session")
  expect(err).toBe("")
})

test("rm needs --yes where nobody can be asked, and keeps what another process drives", async () => {
  await using bench = workbench()
  await withSessions(bench.home, { "aaaa-1": "tidy", "bbbb-2": null })
  const unasked = await bench.run(["sessions", "rm", "tidy"])
  expect(unasked.exit).toBe(2)
  expect(unasked.stderr).toContain("--yes")

  const store = await openStore({ folder: bench.home, clock: systemClock })
  const lease = await takeLease(store, systemClock, "aaaa-1")
  const driven = await bench.run(["sessions", "rm", "tidy", "--yes"])
  expect(driven.exit).toBe(1)
  expect(driven.stderr).toContain("another process")
  lease!.release()
  store.close()
  expect(await bench.run(["sessions", "rm", "tidy", "-y"])).toMatchObject({
    exit: 0,
    stdout: "deleted  aaaa-1  tidy\n",
  })
  const list = JSON.parse((await bench.run(["sessions", "--json"])).stdout) as { session_id: string }[]
  expect(list.map((row) => row.session_id)).toEqual(["bbbb-2"])
})

test("rm asks on a terminal what will go, and only a yes deletes", async () => {
  await using bench = workbench()
  await withSessions(bench.home, { "aaaa-1": "tidy" })
  const env = { MEANWHILE_HOME: bench.home, HOME: bench.cwd }
  for (const [answer, exit] of [
    ["n\r", 1],
    ["\r", 1],
    ["\x04", 1],
    ["what\r", 1],
    ["y\r", 0],
  ] as const) {
    await using terminal = inTerminal([PROGRAM, "sessions", "rm", "tidy"], { env, cwd: bench.cwd })
    await terminal.shows(/1 message, 0 tasks[\s\S]*\[y\/N\]/)
    terminal.type(answer)
    expect([answer, await terminal.exited]).toEqual([answer, exit])
    if (exit === 1) expect(terminal.output).toContain("Nothing was deleted")
  }
  expect((await bench.run(["sessions"])).stdout).toContain("No sessions yet")
})

test("the list shows forks below their origin, the branch, and what runs, waits or was left behind", async () => {
  await using bench = workbench()
  const store = await openStore({ folder: bench.home, clock: systemClock })
  await store.write((tx) => {
    seedSession(tx, { id: "aaaa-1111", name: "origin", branch: "main", updated_at: 5 })
    seedSession(tx, { id: "bbbb-2222", name: "fork", forked_from: "aaaa-1111", fork_seq: 2, updated_at: 9 })
    seedSession(tx, { id: "cccc-3333", name: "asks", updated_at: 7 })
    seed(tx, "approval", { id: "a", root_id: "cccc-3333", session_id: "cccc-3333", state: "open", input: "{}" })
    seedSession(tx, { id: "dddd-4444", name: "runs", updated_at: 3 })
    seedTask(tx, { id: "t1", root: "dddd-4444", run: { state: "running" } })
    seedSession(tx, { id: "eeee-5555", updated_at: 8 })
  })
  const lease = await takeLease(store, systemClock, "dddd-4444")
  const shown = (await bench.run(["sessions"])).stdout.split("\n").map((line) => line.replace(/ {2,}/g, " | "))
  expect(shown[0]).toBe("ID | USED | FOLDER | BRANCH | MODEL | STATE | NAME")
  const cells = shown.slice(1, -1).map((line) => line.split(" | "))
  expect(cells.map(([id, , , branch, , state, name]) => [id, branch, state, name])).toEqual([
    ["aaaa-111", "main", "–", "origin"],
    ["bbbb-222", "–", "–", "└ fork"],
    ["cccc-333", "–", "needs you (1)", "asks"],
    ["dddd-444", "–", "1 running", "runs"],
  ])
  lease?.release()
  expect((await bench.run(["sessions"])).stdout).toContain("1 left behind")
  const json = JSON.parse((await bench.run(["sessions", "--json"])).stdout) as Record<string, unknown>[]
  expect(json.map((one) => one.session_id)).toEqual(["bbbb-2222", "cccc-3333", "aaaa-1111", "dddd-4444"])
  expect(json[0]).toEqual({
    session_id: "bbbb-2222",
    name: "fork",
    title: null,
    first_prompt: null,
    forked_from: "aaaa-1111",
    fork_seq: 2,
    cwd: "/work",
    project: "/work",
    branch: null,
    model: "scout",
    agent: "main",
    running_tasks: 0,
    needs_you: 0,
    is_hosted: false,
    created_at: 0,
    updated_at: 9,
  })
  expect(json[1]).toMatchObject({ needs_you: 1 })
  expect(json[3]).toMatchObject({ running_tasks: 1 })
  store.close()
})

test("a session notes the branch that it works on, and the one it works on later", async () => {
  await using bench = workbench()
  mkdirSync(join(bench.cwd, ".git"))
  writeFileSync(join(bench.cwd, ".git", "HEAD"), "ref: refs/heads/first\n")
  await bench.run(["-p", "Hello", "-n", "work"])
  const branch = async () => JSON.parse((await bench.run(["sessions", "--json"])).stdout)[0].branch
  expect(await branch()).toBe("first")
  writeFileSync(join(bench.cwd, ".git", "HEAD"), "ref: refs/heads/second/part\n")
  await bench.run(["-p", "Again", "-c"])
  expect(await branch()).toBe("second/part")
  // A pipe in its place is waited for by nobody.
  rmSync(join(bench.cwd, ".git", "HEAD"))
  expect(Bun.spawnSync(["mkfifo", join(bench.cwd, ".git", "HEAD")]).exitCode).toBe(0)
  await bench.run(["-p", "Once more", "-c"])
  expect(await branch()).toBe(null)
})
