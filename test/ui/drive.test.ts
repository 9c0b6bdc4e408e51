// The interface's way of driving a session: it stays, through errors and tasks, and takes over what others let go of.
import { expect, test } from "bun:test"
import { rmSync } from "node:fs"
import { join } from "node:path"
import { openProgram, type Program } from "../../src/program.ts"
import type { SessionRow } from "../../src/store/rows.ts"
import type { Store } from "../../src/store/store.ts"
import { createDriver, type Driver } from "../../src/ui/drive.ts"
import { Gate } from "../../testing/gate.ts"
import { GatedKind } from "../../testing/gated-kind.ts"
import { eventually } from "../../testing/harness.ts"
import { type Workbench, workbench } from "../../testing/headless.ts"
import { type ModelServer, reply, script, startModelServer } from "../../testing/model-server.ts"

const LINES = ["-p", "--input-format", "stream-json", "--output-format", "stream-json"]
const say = (text: string) => `${JSON.stringify({ type: "user", message: { role: "user", content: text } })}\n`

/** An interface without a screen: a program, commands that end when the test says so, and its driver. */
async function open(bench: Workbench, given?: SessionRow | { max_steps: number }) {
  const program = await openProgram({ env: { ...bench.env }, cwd: bench.cwd, answerable: true, whenCapped: "pause" })
  const shell = new GatedKind("shell")
  program.tasks.register(shell)
  const isOther = given !== undefined && "id" in given
  const session = isOther
    ? given
    : { ...(await program.createSession({ permissionMode: "bypassPermissions" })), ...given }
  const driver = await createDriver(program, session)
  const viewer = program.view(session)
  const attending = viewer.listen(() => {})
  return {
    program,
    shell,
    row: session,
    driver,
    viewer,
    prompt: (text: string) => viewer.prompt([{ type: "text", text }]),
    said: (text: string) => eventually(`the model says ${text}`, () => hasSaid(program, session, text)),
    runId: (description: string) =>
      program.listTasks({ rootId: session.id }).find(({ task }) => task.description === description)!.run.id,
    [Symbol.dispose]: () => {
      attending[Symbol.dispose]()
      driver.dispose()
      program.close()
    },
  }
}

function hasSaid({ store }: Program, { id }: SessionRow, text: string): boolean {
  const sql = "SELECT 1 FROM message WHERE session_id = :id AND role = 'assistant' AND instr(content, :text) > 0"
  return store.one(sql, { id, text }) !== undefined
}

const idle = (driver: Driver) => driver.untilIdle(AbortSignal.timeout(10_000))
const background = (command: string) => ({ name: "Bash", input: { command, run_in_background: true } })
const foreground = (command: string) => ({ name: "Bash", input: { command } })

async function fixture(): Promise<{ server: ModelServer; bench: Workbench } & AsyncDisposable> {
  const server = await startModelServer()
  const bench = workbench(server)
  return {
    server,
    bench,
    [Symbol.asyncDispose]: async () => {
      await bench[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

test("a prompt is answered while tasks run, and their ends wake the conversation", async () => {
  await using it = await fixture()
  it.server.script = script.inOrder([
    reply.calls([background("build")]),
    reply.text("Started."),
    reply.text("Of course."),
    reply.text("The build is done."),
  ])
  using ui = await open(it.bench)
  expect(ui.driver.state).toBe("host")
  await ui.prompt("Build it")
  await ui.said("Started.")
  await ui.prompt("Are you there?")
  await ui.said("Of course.")
  const isIdle = idle(ui.driver)
  expect(await Promise.race([isIdle.then(() => "idle"), Promise.resolve("busy")])).toBe("busy")
  ui.shell.finish(ui.runId("build"))
  await ui.said("The build is done.")
  await isIdle
  it.server.check()
})

test("a turn that fails, or runs out of steps, ends nothing: the next prompt is answered", async () => {
  await using it = await fixture()
  it.server.script = script.inOrder([reply.error(400), reply.text("Better."), reply.text("Still here.")])
  using ui = await open(it.bench)
  await ui.prompt("Fail")
  await eventually(
    "the turn has failed",
    () => ui.program.store.one("SELECT 1 FROM turn WHERE state = 'failed'") !== undefined,
  )
  await ui.prompt("Again")
  await ui.said("Better.")
  await ui.prompt("And again")
  await ui.said("Still here.")
  expect(ui.driver.problem).toBeUndefined()
})

test("each prompt has the agent's whole allowance of steps, also while tasks run", async () => {
  await using it = await fixture()
  it.server.script = script.inOrder([
    reply.calls([background("build")]),
    reply.text("Started."),
    reply.text("Of course."),
    reply.text("It is done."),
  ])
  using ui = await open(it.bench, { max_steps: 2 })
  await ui.prompt("Build it")
  await ui.said("Started.")
  await ui.prompt("Are you there?")
  await ui.said("Of course.")
  ui.shell.finish(ui.runId("build"))
  await ui.said("It is done.")
  await idle(ui.driver)
})

test("what a dead process was doing goes on as soon as the interface opens", async () => {
  await using it = await fixture()
  const never = new Gate()
  let asked = 0
  it.server.script = () => (++asked === 1 ? reply.text("lost").gate(never) : reply.text("Answered."))
  const first = it.bench.start(["-p", "Answer me"])
  await it.server.received(1)
  process.kill(first.pid, "SIGKILL")
  await first.finished
  using ui = await open(it.bench, await sessionOf(it.bench))
  await ui.said("Answered.")
  await idle(ui.driver)
})

test("it looks on while another process drives, and takes over when that is killed", async () => {
  await using it = await fixture()
  const never = new Gate()
  let asked = 0
  it.server.script = () => (++asked === 2 ? reply.text("lost").gate(never) : reply.text(`Answer ${asked}.`))
  const host = it.bench.start(LINES, { stdin: "open" })
  host.write(say("First"))
  await host.line((line) => line.type === "result")
  using ui = await open(it.bench, await sessionOf(it.bench))
  expect(ui.driver.state).toBe("viewer")
  // Another process sees to it: nothing keeps this one.
  await idle(ui.driver)
  await ui.prompt("Second")
  await it.server.received(2)
  const changed = Promise.withResolvers<void>()
  using _ = ui.driver.onChange(changed.resolve)
  process.kill(host.pid, "SIGKILL")
  await host.finished
  await changed.promise
  expect(ui.driver.state).toBe("host")
  await ui.said("Answer 3.")
  await idle(ui.driver)
})

test("of two interfaces on one session, one drives, both are answered, and the other takes over at its end", async () => {
  await using it = await fixture()
  it.server.script = (request) => reply.text(`To ${request.news.trim()}`)
  const first = await open(it.bench)
  using second = await open(it.bench, first.row)
  expect([first.driver.state, second.driver.state]).toEqual(["host", "viewer"])
  await second.prompt("the second")
  await first.said("To the second")
  await idle(first.driver)
  first[Symbol.dispose]()
  await eventually("the second has taken over", () => second.driver.state === "host", 2_000)
  await second.prompt("the last")
  await second.said("To the last")
})

test("stopping all interrupts the turn and ends its tasks; pausing all frees the turn and holds them", async () => {
  await using it = await fixture()
  it.server.script = script.inOrder([
    reply.calls([background("serve"), foreground("test")]),
    reply.text("Both wait."),
    reply.calls([foreground("again")]),
  ])
  using ui = await open(it.bench)
  await ui.prompt("Run both")
  const states = () => ui.program.listTasks({ rootId: ui.row.id }).map(({ run }) => run.state)
  await eventually("both run", () => states().length === 2 && states().every((state) => state === "running"))
  await ui.driver.pauseAll()
  expect(states()).toEqual(["paused", "paused"])
  await ui.said("Both wait.")
  await ui.viewer.control({ action: "resume_all" })
  await eventually("both go on", () => states().every((state) => state === "running"))
  await ui.prompt("Once more")
  await eventually("a third runs", () => states().length === 3)
  await ui.driver.stopAll()
  await eventually("all are stopped", () => states().every((state) => state === "stopped"))
  await eventually(
    "the turn is interrupted",
    () => ui.program.store.one("SELECT 1 FROM turn WHERE state = 'interrupted'") !== undefined,
  )
  await idle(ui.driver)
})

test("a disk that fails is told as a problem, and the work goes on when it is well again", async () => {
  await using it = await fixture()
  it.server.script = () => reply.text("Well again.")
  using ui = await open(it.bench)
  await idle(ui.driver)
  const problems: (string | undefined)[] = []
  using _ = ui.driver.onChange(() => problems.push(ui.driver.problem))
  const fence = ui.program.store as unknown as { fence(check: () => void): Disposable }
  const broken = fence.fence(() => {
    throw new Error("the disk is full")
  })
  await ui.prompt("Hello")
  await eventually("the problem is told", () => ui.driver.problem === "the disk is full")
  broken[Symbol.dispose]()
  await ui.said("Well again.")
  await eventually("it is over", () => ui.driver.problem === undefined)
  expect(problems).toEqual(["the disk is full", undefined])
})

test("an interface whose lease was taken from it looks on and can still write prompts, and takes nothing back", async () => {
  await using it = await fixture()
  it.server.script = (request) => reply.text(`To ${request.news.trim()}`)
  using ui = await open(it.bench)
  await idle(ui.driver)
  // As on a file system whose locks can't be trusted.
  rmSync(join(it.bench.home, "lease", ui.row.id))
  const other = await it.bench.run(["-p", "the other", "-r", ui.row.id])
  expect([other.exit, other.stdout]).toEqual([0, "To the other\n"])
  await eventually("it looks on", () => ui.driver.state === "viewer")
  expect(ui.driver.problem).toContain("Another process has taken over")
  // What it had begun before may not write into the tree that is another one's.
  await expect((ui.program.store as Store).write(() => undefined)).rejects.toThrow("Another process has taken over")
  await ui.prompt("the next")
  const next = await it.bench.run(["-p", "the last", "-c"])
  expect(next.stdout).toContain("the next")
  expect(ui.driver.state).toBe("viewer")
})

async function sessionOf(bench: Workbench): Promise<SessionRow> {
  const program = await openProgram({ env: { ...bench.env }, cwd: bench.cwd })
  try {
    return await program.continueSession(undefined, {})
  } finally {
    program.close()
  }
}
