import { expect, test } from "bun:test"
import { readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { readExitFile } from "../../src/exec/exit-file.ts"
import { adoptShell, prepareShell, type ShellRecord } from "../../src/exec/runner.ts"
import { capSpool } from "../../src/exec/spool-cap.ts"
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

test("that it has not run stays known while other runners are started for it, until one is told to go", async () => {
  await using shells = new Shells()
  const hasNotRun = { type: "ended", code: 125, liveChildren: false, started: false, overLimit: false } as const
  const record = await hostThatDies(shells, { command: "echo ran", when: always, go: false })
  await until("the runner's end", async () => !(await isAlive(record.pid)))
  const second = await shells.prepare("echo ran")
  expect(second.spec.exitFile).toBe(record.exitFile)
  expect(await adoptShell(record)).toEqual(hasNotRun)
  expect(await adoptShell({ ...record, ...second })).toMatchObject({ type: "running" })
  second.cancel()
  await second.exited
  for (const runner of [record, { ...record, ...second }]) expect(await adoptShell(runner)).toEqual(hasNotRun)
  const third = await prepareShell(second.spec)
  third.go()
  expect(await third.exited).toMatchObject({ code: 0, started: true })
  expect(readFileSync(record.spool, "utf8")).toBe("ran\n")
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
  const adopted = await adoptShell({ ...shell.spec, ...shell }, { signal: over.signal })
  if (adopted.type !== "running") throw new Error(`is ${adopted.type}`)
  over.abort(new Error("enough"))
  expect(String(await adopted.exited.catch((error: unknown) => error))).toContain("enough")
})

test("a pid that now belongs to another process is not taken for the runner", async () => {
  await using shells = new Shells()
  const files = { spool: join(shells.folder, "none.out"), exitFile: join(shells.folder, "none.exit") }
  expect(await adoptShell({ pid: process.pid, pidStarted: "another boot:1", ...files })).toEqual({
    type: "gone",
    liveChildren: false,
  })
})

test("half a line in the exit file does not count", async () => {
  await using shells = new Shells()
  const exitFile = join(shells.folder, "half.exit")
  const record = { pid: 4194998, pidStarted: "x", spool: join(shells.folder, "half.out"), exitFile }
  writeFileSync(exitFile, "group 4194999\nexit 1")
  expect(await adoptShell(record)).toEqual({ type: "gone", liveChildren: false })
  writeFileSync(exitFile, "group 4194999\nexit 12\n")
  expect(await adoptShell(record)).toMatchObject({ type: "ended", code: 12 })
})

test("without a host, a command that writes too much is stopped", async () => {
  await using shells = new Shells()
  const much = join(shells.folder, "much")
  const command = `echo up; until [ -e ${much} ]; do sleep 0.01; done; head -c 100000 /dev/zero; echo much; sleep 60`
  // The host lives until there is a guard: its group is not the command's, and it has nothing of its environment.
  const record = await hostThatDies(shells, {
    command,
    limit: 50_000,
    when: (spool) => says("up")(spool) && guardOf(spool),
  })
  writeFileSync(much, "")
  // Not by adopting it: who does that is a host.
  await until("the guard's work", () => readExitFile(record.exitFile).code !== undefined)
  const exit = await adoptShell(record)
  expect(exit).toMatchObject({ code: 143, overLimit: true, liveChildren: false })
}, 15_000)

test("with a host, a command may write as much as it likes, and its guard goes with it", async () => {
  await using shells = new Shells()
  const go = join(shells.folder, "go")
  const command = `head -c 100000 /dev/zero; until [ -e ${go} ]; do sleep 0.01; done`
  const shell = await shells.start(command, { unattendedLimit: 50_000 })
  await until("the guard", () => guardOf(shell.spec.spool))
  writeFileSync(go, "")
  expect(await shell.exited).toMatchObject({ code: 0, overLimit: false })
  await until("the guard's end", () => !guardOf(shell.spec.spool))
})

test("a later host watches: the guard of the one before goes, and the command may write as much as it likes", async () => {
  await using shells = new Shells()
  const much = join(shells.folder, "much")
  const go = join(shells.folder, "go")
  const command = `echo up; until [ -e ${much} ]; do sleep 0.01; done; head -c 200000 /dev/zero; until [ -e ${go} ]; do sleep 0.01; done`
  const record = await hostThatDies(shells, {
    command,
    limit: 50_000,
    when: (spool) => says("up")(spool) && guardOf(spool),
  })
  const [first] = guardsOf(record.spool)
  const adopted = await adoptShell({ ...record, unattendedLimit: 50_000 })
  if (adopted.type !== "running") throw new Error(`is ${adopted.type}`)
  await until("the new guard alone", () => {
    const guards = guardsOf(record.spool)
    return guards.length === 1 && guards[0] !== first
  })
  writeFileSync(much, "")
  await until("much output", () => statSync(record.spool).size > 200_000)
  writeFileSync(go, "")
  expect(await adopted.exited).toMatchObject({ code: 0, overLimit: false })
}, 15_000)

test("what was cut out of the output does not count when no host is there", async () => {
  await using shells = new Shells()
  const much = join(shells.folder, "much")
  const cut = join(shells.folder, "cut")
  const done = join(shells.folder, "done")
  const command = `head -c 2000000 /dev/zero; echo up; until [ -e ${cut} ]; do sleep 0.01; done; echo on; until [ -e ${much} ]; do sleep 0.01; done; head -c 1000000 /dev/zero; until [ -e ${done} ]; do sleep 0.01; done`
  const spec = { ...shells.spec(command), unattendedLimit: 500_000 }
  const host = Bun.spawn(
    [process.execPath, join(import.meta.dir, "fixtures/host.ts"), JSON.stringify({ spec, go: true })],
    { stdout: "pipe" },
  )
  const { value } = await host.stdout.getReader().read()
  const { pid, pidStarted } = JSON.parse(new TextDecoder().decode(value)) as { pid: number; pidStarted: string }
  await until("its output and its guard", () => says("up")(spec.spool) && guardOf(spec.spool))
  expect(await capSpool(spec.spool, 200_000, { ended: false })).toBe(true)
  host.kill("SIGKILL")
  await host.exited
  const record = { pid, pidStarted, exitFile: spec.exitFile, spool: spec.spool }
  writeFileSync(cut, "")
  await until("it goes on", () => says("on\n")(spec.spool))
  // Between two looks it sleeps.
  const [guard] = guardsOf(spec.spool)
  await until("the guard has looked", () => Bun.spawnSync(["pgrep", "-P", String(guard), "sleep"]).exitCode === 0)
  expect(await isAlive(pid)).toBe(true)
  writeFileSync(much, "")
  // Not by adopting it: who does that is a host.
  await until("the guard's work", () => readExitFile(record.exitFile).code !== undefined)
  const exit = await adoptShell(record)
  expect(exit).toMatchObject({ code: 143, overLimit: true })
  expect(statSync(spec.spool).size).toBeGreaterThan(3_000_000)
}, 15_000)

function guardOf(spool: string): boolean {
  return guardsOf(spool).length > 0
}

/** Their process ids. */
function guardsOf(spool: string): number[] {
  const { stdout } = Bun.spawnSync(["ps", "-axwwo", "pid=,args="])
  return stdout
    .toString()
    .split("\n")
    .filter((line) => line.includes("meanwhile-guard") && line.includes(spool))
    .map((line) => Number.parseInt(line, 10))
}
