import { expect, test } from "bun:test"
import { closeSync, openSync } from "node:fs"
import { join } from "node:path"
import type { Clock } from "../../src/base/clock.ts"
import { systemClock } from "../../src/base/clock.ts"
import { operatingSystem } from "../../src/exec/os.ts"
import { groupIsAlive, groupWatch, stopTree } from "../../src/exec/stop.ts"
import { isAlive, pidFrom, Shells, until } from "./shells.ts"

const gone = { stopped: true, survivors: [] }
/** Leaves group and session: perl, because macOS has no `setsid`. Prints `name=pid`, then sleeps. */
const leaver = (name: string, before = "") =>
  `perl -MPOSIX -e '${before} setsid(); $|=1; print "${name}=$$\\n"; sleep 60'`

async function runnerIsGone(shell: { pid: number }): Promise<void> {
  expect(await isAlive(shell.pid)).toBe(false)
}

test("a command that obeys is gone at once, not after the grace period", async () => {
  await using shells = new Shells()
  const shell = await shells.start("echo READY=1; sleep 60 | sleep 60")
  await pidFrom(shell, "READY")
  const before = Date.now()
  expect(await shell.stop(30_000)).toEqual(gone)
  expect(Date.now() - before).toBeLessThan(10_000)
  expect(await shell.exited).toMatchObject({ code: 143, signal: "SIGTERM", liveChildren: false })
  await runnerIsGone(shell)
})

test("a command that ignores SIGTERM is killed after the grace period", async () => {
  await using shells = new Shells()
  const shell = await shells.start("trap '' TERM; echo READY=$$; while :; do sleep 0.05; done")
  const pid = await pidFrom(shell, "READY")
  const before = Date.now()
  expect(await shell.stop(300)).toEqual(gone)
  expect(Date.now() - before).toBeGreaterThanOrEqual(300)
  expect(await shell.exited).toMatchObject({ code: 137, signal: "SIGKILL" })
  expect(await isAlive(pid)).toBe(false)
})

test("a command may clean up, with programs of its own, before it ends", async () => {
  await using shells = new Shells()
  const shell = await shells.start(
    "trap 'sleep 0.2; echo clean; exit 3' TERM; echo READY=1; while :; do sleep 0.02; done",
  )
  await pidFrom(shell, "READY")
  expect(await shell.stop()).toEqual(gone)
  expect(await shell.exited).toMatchObject({ code: 3 })
  expect(shell.output()).toEndWith("clean\n")
})

test("a stopped process is killed", async () => {
  await using shells = new Shells()
  const shell = await shells.start("trap 'exit 2' TERM; echo READY=$$; kill -STOP $$; sleep 60")
  await pidFrom(shell, "READY")
  expect(await shell.stop(30_000)).toEqual(gone)
  expect(await shell.exited).toMatchObject({ code: 2 })
})

test.each([
  ["a child in a session of its own", `${leaver("CHILD")} & wait`],
  [
    "an orphan in a session of its own, after a double fork",
    `${leaver("CHILD", "fork && exit; setsid(); fork && exit;")}; sleep 60`,
  ],
  ["an orphan whose command has ended", `(${leaver("CHILD", "fork && exit; setsid(); fork && exit;")})`],
  [
    "an orphan without the mark in its environment",
    `env -i PATH="$PATH" ${leaver("CHILD", "fork && exit; setsid(); fork && exit;")}; sleep 60`,
  ],
  [
    "an orphan with the mark alone",
    `${leaver("CHILD", "fork && exit;").replace("sleep 60", "close STDOUT; close STDERR; sleep 60")}; sleep 60`,
  ],
  ["a child in another group of the session", "set -m; sh -c 'echo CHILD=$$; exec env -i sleep 60' & disown; sleep 60"],
] as const)("%s is found and killed", async (_, command) => {
  await using shells = new Shells()
  const shell = await shells.start(command)
  const child = await pidFrom(shell, "CHILD")
  expect(await shell.stop()).toEqual(gone)
  expect(await isAlive(child)).toBe(false)
  await runnerIsGone(shell)
})

test("who only holds the spool open for writing is killed, who reads it is not", async () => {
  await using shells = new Shells()
  const shell = await shells.start("echo READY=1; sleep 60")
  await pidFrom(shell, "READY")
  const spool = openSync(shell.spec.spool, "a")
  const stranger = { env: { PATH: process.env.PATH! }, detached: true } as const
  const writer = Bun.spawn(["sleep", "60"], { ...stranger, stdio: ["ignore", spool, "ignore"] })
  const reader = Bun.spawn(["tail", "-f", shell.spec.spool], { ...stranger, stdio: ["ignore", "ignore", "ignore"] })
  closeSync(spool)
  try {
    expect(await shell.stop()).toEqual(gone)
    await writer.exited
    expect(writer.signalCode).toBe("SIGTERM")
    expect(reader.signalCode).toBeNull()
    expect(await isAlive(reader.pid)).toBe(true)
  } finally {
    writer.kill("SIGKILL")
    reader.kill("SIGKILL")
    await Promise.all([writer.exited, reader.exited])
  }
})

test("a child that was left behind is stopped after the runner has ended", async () => {
  await using shells = new Shells()
  const shell = await shells.start("sleep 60 & echo CHILD=$!")
  const child = await pidFrom(shell, "CHILD")
  expect((await shell.exited).liveChildren).toBe(true)
  expect(await groupIsAlive(shell.commandGroup()!)).toBe(true)
  expect(await shell.stop()).toEqual(gone)
  expect(await isAlive(child)).toBe(false)
  expect(await groupIsAlive(shell.commandGroup()!)).toBe(false)
})

test("a watch of a group sees it live as long as one of it does, whoever that is", async () => {
  await using shells = new Shells()
  const shell = await shells.start("sleep 60 & echo FIRST=$!; sleep 60 & echo SECOND=$!")
  const all = [await pidFrom(shell, "FIRST"), await pidFrom(shell, "SECOND")]
  await shell.exited
  const isAlive = groupWatch(shell.commandGroup()!, shell)
  expect(await isAlive()).toBe(true)
  process.kill(all[0]!, "SIGKILL")
  await until("its end", async () => (await operatingSystem.process(all[0]!)) === undefined)
  expect(await isAlive()).toBe(true)
  process.kill(all[1]!, "SIGKILL")
  await until("the group's end", async () => !(await isAlive()))
})

test("a tree that multiplies is killed to the last process", async () => {
  await using shells = new Shells()
  const shell = await shells.start(
    "trap '' TERM; f() { for i in 1 2 3; do sleep 0.05; (sleep 60) & done; [ $1 = 0 ] || f $(($1 - 1)) & f2; }; f2() { :; }; f 3; echo READY=1; sleep 60",
  )
  await pidFrom(shell, "READY")
  expect(await shell.stop(100)).toEqual(gone)
  expect(
    await operatingSystem.marked(
      (await operatingSystem.processes()).map(({ pid }) => pid),
      shell.spec.mark,
    ),
  ).toEqual([])
})

test("a runner that hangs when nothing is left is killed", async () => {
  await using shells = new Shells()
  const shell = await shells.prepare("true")
  process.kill(shell.pid, "SIGSTOP")
  expect(await shell.stop()).toEqual(gone)
  await runnerIsGone(shell)
})

test("stopping what has ended, or what never was, is done at once and signals nobody", async () => {
  await using shells = new Shells()
  const shell = await shells.start("true")
  await shell.exited
  expect(await shell.stop()).toEqual(gone)
  const nobody = { mark: "no-such-run", spool: join(shells.folder, "none"), pidStarted: "x" }
  expect(await stopTree({ ...nobody, pid: 4194998, pgid: 0 })).toEqual(gone)
  expect(await stopTree({ ...nobody, pid: 4194998, pgid: 1 })).toEqual(gone)
  expect(await stopTree({ ...nobody, pid: 4194998, pgid: null })).toEqual(gone)
})

test("a process that got the runner's pid later, and its group, are left alone", async () => {
  await using shells = new Shells()
  const stranger = Bun.spawn(["sleep", "60"], { detached: true, env: {}, stdio: ["ignore", "ignore", "ignore"] })
  try {
    const target = {
      pid: stranger.pid,
      pidStarted: "before",
      pgid: stranger.pid,
      mark: "none",
      spool: join(shells.folder, "none"),
    }
    expect(await stopTree({ ...target, graceMs: 0 })).toEqual(gone)
    expect(await isAlive(stranger.pid)).toBe(true)
  } finally {
    stranger.kill("SIGKILL")
    await stranger.exited
  }
})

test("a stop that comes right after go stops what is only being started", async () => {
  await using shells = new Shells()
  for (let round = 0; round < 5; round++) {
    const shell = await shells.start("sleep 60")
    expect(await shell.stop()).toEqual(gone)
    await runnerIsGone(shell)
    await shell.exited
  }
})

test("grace and pauses are the clock's", async () => {
  await using shells = new Shells()
  const shell = await shells.start("trap '' TERM; echo READY=1; while :; do sleep 0.02; done")
  await pidFrom(shell, "READY")
  let skipped = 0
  const clock: Clock = {
    now: Date.now,
    monotonic: () => performance.now() + skipped,
    sleep: async (ms, signal) => {
      // Only the grace period passes at once: what is killed takes real time to go.
      skipped += skipped < 60_000 ? 1000 : 0
      await systemClock.sleep(Math.min(ms, 5), signal)
    },
  }
  const target = {
    pid: shell.pid,
    pidStarted: shell.pidStarted,
    pgid: shell.commandGroup(),
    mark: shell.spec.mark,
    spool: shell.spec.spool,
  }
  const before = Date.now()
  expect((await stopTree({ ...target, graceMs: 60_000, clock })).stopped).toBe(true)
  expect(Date.now() - before).toBeLessThan(5000)
  expect(skipped).toBeGreaterThanOrEqual(60_000)
})

test("no zombie of ours is left", async () => {
  await using shells = new Shells()
  const shell = await shells.start("sleep 60 & echo READY=1; sleep 60")
  await pidFrom(shell, "READY")
  await shell.stop()
  await shell.exited
  const { stdout } = Bun.spawnSync(["ps", "-axo", "ppid=,state="])
  const ours = stdout
    .toString()
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([parent, state]) => state?.startsWith("Z") && Number(parent) === process.pid)
  expect(ours).toEqual([])
  await until("the group's end", async () => !(await groupIsAlive(shell.commandGroup()!)))
})
