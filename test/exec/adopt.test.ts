import { expect, test } from "bun:test"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { adoptShell, type ShellRecord } from "../../src/exec/runner.ts"
import { stopTree } from "../../src/exec/stop.ts"
import { isAlive, Shells, until } from "./shells.ts"

/** Starts a host in a process of its own, has it run the command, and kills it with SIGKILL when `when` holds. */
async function hostThatDies(
  shells: Shells,
  { command, when, go = true, limit }: HostPlan,
): Promise<ShellRecord & { mark: string; spool: string }> {
  const spec = { ...shells.spec(command), ...(limit ? { unattendedLimit: limit } : {}) }
  const host = Bun.spawn([process.execPath, join(import.meta.dir, "fixtures/host.ts"), JSON.stringify({ spec, go })], {
    stdout: "pipe",
  })
  const { value } = await host.stdout.getReader().read()
  const { pid, pidStarted } = JSON.parse(new TextDecoder().decode(value)) as { pid: number; pidStarted: string }
  await until("the moment of the host's death", () => when(spec.spool))
  host.kill("SIGKILL")
  await host.exited
  return { pid, pidStarted, exitFile: spec.exitFile, mark: spec.mark, spool: spec.spool }
}

interface HostPlan {
  command: string
  when: (spool: string) => boolean
  go?: boolean
  limit?: number
}

const says = (text: string) => (spool: string) => readFileSync(spool, "utf8").includes(text)
const always = () => true

test("a command goes on when its host is killed, is adopted, and its output and exit code are complete", async () => {
  await using shells = new Shells()
  const go = join(shells.folder, "go")
  const command = `echo before; until [ -e ${go} ]; do sleep 0.01; done; seq 1 1000; exit 6`
  const record = await hostThatDies(shells, { command, when: says("before") })
  const adopted = await adoptShell(record)
  if (adopted.type !== "running") throw new Error(`is ${adopted.type}`)
  writeFileSync(go, "")
  expect(await adopted.exited).toEqual({ code: 6, liveChildren: false, started: true, overLimit: false })
  expect(readFileSync(record.spool, "utf8")).toBe(
    `before\n${Array.from({ length: 1000 }, (_, n) => `${n + 1}\n`).join("")}`,
  )
  expect(await adoptShell(record)).toEqual({
    type: "ended",
    code: 6,
    liveChildren: false,
    started: true,
    overLimit: false,
  })
})

test("a command whose host was killed before go has not run", async () => {
  await using shells = new Shells()
  const record = await hostThatDies(shells, { command: "echo ran", when: always, go: false })
  await until("the runner's end", async () => !(await isAlive(record.pid)))
  expect(await adoptShell(record)).toEqual({
    type: "ended",
    code: 125,
    liveChildren: false,
    started: false,
    overLimit: false,
  })
  expect(readFileSync(record.spool, "utf8")).toBe("")
})

test("an adopted command can be stopped, and says so", async () => {
  await using shells = new Shells()
  const record = await hostThatDies(shells, { command: "echo up; sleep 60", when: says("up") })
  const adopted = await adoptShell(record)
  if (adopted.type !== "running") throw new Error(`is ${adopted.type}`)
  const pgid = await until("the group", () => adopted.commandGroup())
  expect(await stopTree({ ...record, pgid })).toEqual({ stopped: true, survivors: [] })
  expect(await adopted.exited).toEqual({
    code: 143,
    signal: "SIGTERM",
    liveChildren: false,
    started: true,
    overLimit: false,
  })
})

test("watching an adopted command ends with its signal", async () => {
  await using shells = new Shells()
  const shell = await shells.start("echo up; sleep 60")
  await until("the output", () => shell.output() === "up\n")
  const over = new AbortController()
  const adopted = await adoptShell({ ...shell, exitFile: shell.spec.exitFile }, { signal: over.signal })
  if (adopted.type !== "running") throw new Error(`is ${adopted.type}`)
  over.abort(new Error("enough"))
  expect(String(await adopted.exited.catch((error: unknown) => error))).toContain("enough")
})

test("a pid that now belongs to another process is not taken for the runner", async () => {
  await using shells = new Shells()
  const exitFile = join(shells.folder, "none.exit")
  expect(await adoptShell({ pid: process.pid, pidStarted: "another boot:1", exitFile })).toEqual({
    type: "gone",
    liveChildren: false,
  })
})

test("half a line in the exit file does not count", async () => {
  await using shells = new Shells()
  const exitFile = join(shells.folder, "half.exit")
  writeFileSync(exitFile, "group 4194999\nexit 1")
  expect(await adoptShell({ pid: 4194998, pidStarted: "x", exitFile })).toEqual({ type: "gone", liveChildren: false })
  writeFileSync(exitFile, "group 4194999\nexit 12\n")
  expect(await adoptShell({ pid: 4194998, pidStarted: "x", exitFile })).toMatchObject({ type: "ended", code: 12 })
})

test("without a host, a command that writes too much is stopped by its runner", async () => {
  await using shells = new Shells()
  const command = "echo up; while :; do head -c 100000 /dev/zero; sleep 0.05; done"
  const record = await hostThatDies(shells, { command, when: says("up"), limit: 50_000 })
  // Adopting starts the guard when the dead host did not come to it; nobody looks any more after that.
  expect((await adoptShell(record)).type).toBe("running")
  const exit = await until2("the runner's guard", async () => {
    const found = await adoptShell(record)
    return found.type === "ended" && found
  })
  expect(exit).toMatchObject({ code: 143, overLimit: true, liveChildren: false })
}, 15_000)

/** Like `until`, for what takes as long as the guard sleeps between its looks. */
async function until2<T>(what: string, look: () => Promise<T | false>): Promise<T> {
  for (let round = 0; ; round++) {
    try {
      return await until(what, look)
    } catch (error) {
      if (round === 1) throw error
    }
  }
}
