// Leaving a terminal with work running, whatever ends it: the real launcher in a real terminal, under a person's shell.
// The program is a small interface of the same parts, so that what is seen is the launcher's and the parts' doing.
import { describe, expect, test } from "bun:test"
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { join, resolve } from "node:path"
import { findProgram } from "../../src/exec/find-program.ts"
import { Gate } from "../../testing/gate.ts"
import { eventually, isAlive } from "../../testing/harness.ts"
import { type Workbench, workbench } from "../../testing/headless.ts"
import { type ModelServer, reply, startModelServer } from "../../testing/model-server.ts"
import { openTerminal, type Terminal } from "../../testing/terminal.ts"

const repository = resolve(import.meta.dir, "../..")
const SHELLS = ["dash", "bash", "busybox"].filter((name) => findProgram(name, process.env.PATH))
const STARTS: Record<string, string> = { dash: "dash", bash: "bash --posix", busybox: "busybox sh" }

interface Desk extends AsyncDisposable {
  readonly server: ModelServer
  readonly bench: Workbench
  readonly terminal: Terminal
  /** Starts the interface with a prompt, and resolves when it is there. */
  begin(prompt?: string): Promise<{ program: number; launcher: number }>
  answered(text: string): Promise<void>
}

/** A person's shell in a terminal, in which `small` is the launcher, run by `shell`. */
async function desk(shell = "dash"): Promise<Desk> {
  const server = await startModelServer()
  const bench = workbench(server)
  const root = join(bench.cwd, "../root")
  mkdirSync(join(root, "src"), { recursive: true })
  cpSync(join(repository, "bin"), join(root, "bin"), { recursive: true })
  symlinkSync(join(repository, "node_modules"), join(root, "node_modules"))
  const fixture = join(import.meta.dir, "fixtures/small-interface.ts")
  writeFileSync(join(root, "src/main.ts"), `import ${JSON.stringify(fixture)}\n`)
  // Of the modes that are looked at, none is the shell's own.
  writeFileSync(join(root, "inputrc"), "set enable-bracketed-paste off\n")
  const terminal = await openTerminal(bench, {
    command: ["bash", "--norc", "--noprofile", "-i"],
    env: { PS1: "$ ", HISTFILE: "/dev/null", INPUTRC: join(root, "inputrc") },
    keyboard: "kitty",
  })
  await terminal.shows(/^\$ ?$/m)
  return {
    server,
    bench,
    terminal,
    begin: async (prompt) => {
      const start = `${STARTS[shell]} ${join(root, "bin/meanwhile")}`
      terminal.type(`${start}${prompt === undefined ? "" : ` '${prompt}'`}; echo "ended with $?"\n`)
      await terminal.shows(/^ready \d+/m)
      const program = Number(/^ready (\d+) \w+ true/m.exec(terminal.text())?.[1])
      expect(program).toBeGreaterThan(0)
      return { program, launcher: parentOf(program) }
    },
    answered: (text) =>
      bench.stored(`SELECT 1 FROM message WHERE role = 'assistant' AND instr(content, '${text}') > 0`),
    [Symbol.asyncDispose]: async () => {
      await terminal[Symbol.asyncDispose]()
      await bench[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

function parentOf(pid: number): number {
  return Number(/^PPid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1])
}

/** The leader of the session that a process is in: what ends with a terminal or a login, ends with that. */
function sessionOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]!.split(" ")[3])
}

/** What is open in a process and is a terminal. */
function terminalsOf(pid: number): string[] {
  const targets = readdirSync(`/proc/${pid}/fd`).map((name) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${name}`)
    } catch {
      return "" // closed meanwhile
    }
  })
  return targets.filter((target) => /^\/dev\/(pts\/|tty)/.test(target))
}

/** The processes that go on without a terminal, but for the commands. */
async function hosts({ terminal }: Desk): Promise<number[]> {
  const said = (pid: number) => (existsSync(`/proc/${pid}`) ? readFileSync(`/proc/${pid}/cmdline`, "utf8") : "")
  return (await terminal.processes()).filter((pid) => said(pid).includes("\0--of\0"))
}

const RESTORED = { bracketedPaste: false, focus: false, kitty: 0, modifyOtherKeys: 0, cursorShown: true }

function expectOrdinaryScreen(terminal: Terminal): void {
  expect(terminal.isAlternate()).toBeFalse()
  expect(terminal.modes()).toEqual(RESTORED)
  expect(terminal.mouseMode().tracking).toBe("none")
}

async function expectOrdinaryKeys(terminal: Terminal): Promise<void> {
  terminal.type("stty -a | tr ' ' '\\n' | grep -cx -e icanon -e echo -e isig -e icrnl -e opost\n")
  await terminal.shows(/^5$/m)
}

describe.each(SHELLS)("the launcher in %s", (shell) => {
  test.each(["SIGKILL", "SIGSEGV"] as const)(
    "an interface that ends by %s leaves an ordinary screen, and its work goes on without it",
    async (signal) => {
      await using it = await desk(shell)
      const never = new Gate()
      let asked = 0
      it.server.script = () => (++asked === 1 ? reply.text("lost").gate(never) : reply.text("Answered."))
      const { program } = await it.begin("Answer me")
      await it.server.received(1)
      process.kill(program, signal)
      await it.terminal.shows(`ended with ${signal === "SIGKILL" ? 137 : 139}`)
      expect(it.terminal.text()).toContain(`meanwhile: the interface was ended by ${signal}. The work goes on`)
      expectOrdinaryScreen(it.terminal)
      await expectOrdinaryKeys(it.terminal)
      await it.answered("Answered.")
      await eventually("its host ends when nothing is left", async () => (await hosts(it)).length === 0)
    },
  )

  test("an interface that lets go gives the prompt back, and the same process goes on with the same request", async () => {
    await using it = await desk(shell)
    const answer = new Gate()
    it.server.script = () => reply.text("Answered.").gate(answer)
    const { program, launcher } = await it.begin("Answer me")
    await it.server.received(1)
    // What comes with the keys of a terminal that is not yet raw, or with its end, is not the launcher's business.
    for (const signal of ["SIGINT", "SIGQUIT", "SIGTSTP", "SIGHUP"] as const) process.kill(launcher, signal)
    it.terminal.type("k")
    await it.terminal.shows("ended with 0")
    expectOrdinaryScreen(it.terminal)
    await expectOrdinaryKeys(it.terminal)
    expect(terminalsOf(program)).toEqual([])
    expect(sessionOf(program)).toBe(program)
    // What is typed from now on is the shell's, every key of it.
    it.terminal.type("echo one two three\n")
    await it.terminal.shows(/^one two three$/m)
    it.terminal.hangUp()
    await eventually("the shell has gone with its window", async () => !(await isAlive(it.terminal.pid)))
    expect(await isAlive(program)).toBeTrue()
    answer.open()
    await it.answered("Answered.")
    await eventually("it ends when nothing is left", async () => !(await isAlive(program)))
    expect(it.server.requests).toHaveLength(1)
  })

  test("an exit code is the launcher's, 70 says that it failed inside, and SIGTERM is passed on", async () => {
    await using it = await desk(shell)
    await it.begin()
    it.terminal.type("q")
    await it.terminal.shows("ended with 5")
    expect(it.terminal.text()).not.toContain("come back with")
    // That one left the screen as it was, by its own will.
    it.terminal.type("printf '\\033[?1049l'; reset -I 2>/dev/null; stty sane; clear\n")
    await it.terminal.hides("ended with 5")
    await it.begin()
    it.terminal.type("x")
    await it.terminal.shows("ended with 70")
    expect(it.terminal.text()).toContain("meanwhile: the interface failed inside. The work goes on")
    expectOrdinaryScreen(it.terminal)
    it.terminal.type("clear\n")
    await it.terminal.hides("ended with 70")
    const isAlone = async () => (await it.terminal.processes()).join() === String(it.terminal.pid)
    await eventually("there is nothing for a host to do", isAlone)
    const { launcher } = await it.begin()
    process.kill(launcher, "SIGTERM")
    await it.terminal.shows("ended with 143")
    expectOrdinaryScreen(it.terminal)
    await expectOrdinaryKeys(it.terminal)
    // The shell: nobody goes on with what was told to end.
    expect(await isAlone()).toBeTrue()
  })
})

test.each([
  ["the window is closed", "SIGHUP"],
  ["somebody stops it", "SIGTSTP"],
] as const)("when %s, it goes on without the terminal", async (_, signal) => {
  await using it = await desk()
  const answer = new Gate()
  it.server.script = () => reply.text("Answered.").gate(answer)
  const { program, launcher } = await it.begin("Answer me")
  await it.server.received(1)
  if (signal === "SIGHUP") it.terminal.hangUp()
  if (signal === "SIGTSTP") process.kill(program, signal)
  await eventually("its launcher has ended", async () => !(await isAlive(launcher)))
  await eventually("it holds no terminal", () => terminalsOf(program).length === 0)
  expect(await isAlive(program)).toBeTrue()
  answer.open()
  await it.answered("Answered.")
  await eventually("it ends when nothing is left", async () => !(await isAlive(program)))
  expect(it.server.requests).toHaveLength(1)
})

test("when its launcher is killed, it lets go of the terminal that it would share with the shell", async () => {
  await using it = await desk()
  const answer = new Gate()
  it.server.script = () => reply.text("Answered.").gate(answer)
  const { program, launcher } = await it.begin("Answer me")
  await it.server.received(1)
  process.kill(launcher, "SIGKILL")
  await it.terminal.shows("left: launcher-gone")
  await eventually("it holds no terminal", () => terminalsOf(program).length === 0)
  answer.open()
  await it.answered("Answered.")
  await eventually("it ends when nothing is left", async () => !(await isAlive(program)))
})

test("a process that was stopped goes on, and is told to draw again", async () => {
  await using it = await desk()
  const { program } = await it.begin()
  process.kill(program, "SIGSTOP")
  await eventually("it is stopped", () => /^State:\tT/m.test(readFileSync(`/proc/${program}/status`, "utf8")))
  process.kill(program, "SIGCONT")
  await it.terminal.shows("again")
})

test("what the interface starts ignores no signal and holds no terminal", async () => {
  await using it = await desk()
  const command =
    "grep -E '^SigIgn|^SigBlk' /proc/self/status; readlink /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2"
  let asked = 0
  it.server.script = (request) =>
    ++asked === 1
      ? reply.calls([{ name: "Bash", input: { command } }])
      : reply.text(`Read: ${request.results[0]?.text}`)
  await it.begin("Look")
  await it.answered("Read: ")
  const { text } = it.server.requests[1]!.results[0]!
  expect(text).toContain("SigIgn:\t0000000000000000")
  expect(text).toContain("SigBlk:\t0000000000000000")
  expect(text).not.toContain("/dev/pts")
})
