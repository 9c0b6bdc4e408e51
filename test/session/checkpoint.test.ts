import { expect, test } from "bun:test"
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { systemClock } from "../../src/base/clock.ts"
import { openData } from "../../src/program.ts"
import { keepCheckpoints } from "../../src/session/checkpoint.ts"
import { removeOldCheckpoints } from "../../src/session/checkpoint-age.ts"
import { eventually, memoryLog } from "../../testing/harness.ts"
import { workbench } from "../../testing/headless.ts"
import { reply, script, startModelServer } from "../../testing/model-server.ts"
import { call, rewinding, shell } from "./rewinding.ts"

test("neither hooks nor filters nor a file system monitor of the repository are run, and no reflog is written", async () => {
  await using it = await rewinding({
    files: { ".gitattributes": "*.txt filter=spy\n", "a.txt": "one\n" },
    setUp: (folder, git) => {
      const spy = (what: string) => `touch ${folder}/../spied-${what}; cat`
      git("config", "filter.spy.clean", spy("clean"))
      git("config", "filter.spy.smudge", spy("smudge"))
      git("config", "core.fsmonitor", `${folder}/spy.sh`)
      git("config", "core.logAllRefUpdates", "always")
      writeFileSync(`${folder}/spy.sh`, `#!/bin/sh\ntouch ${folder}/../spied-monitor\n`)
      for (const hook of ["reference-transaction", "post-index-change"])
        writeFileSync(`${folder}/.git/hooks/${hook}`, `#!/bin/sh\ntouch ${folder}/../spied-hook\n`)
      chmodSync(`${folder}/spy.sh`, 0o755)
      for (const hook of ["reference-transaction", "post-index-change"])
        chmodSync(`${folder}/.git/hooks/${hook}`, 0o755)
      for (const what of ["clean", "smudge", "monitor", "hook"]) rmSync(`${folder}/../spied-${what}`, { force: true })
    },
  })
  await it.looked()
  await it.say("Go", [reply.calls([shell("echo two > a.txt; echo new > b.txt")])])
  await it.recorded(2)
  await eventually(
    "the ref is there",
    () => it.program.store.one("SELECT 1 FROM meta WHERE key LIKE 'held:%'") !== undefined,
  )
  await it.back("Go", "files")
  expect(readFileSync(it.path("a.txt"), "utf8")).toBe("one\n")
  for (const what of ["clean", "smudge", "monitor", "hook"]) expect(existsSync(it.path(`../spied-${what}`))).toBe(false)
  expect(existsSync(it.path(".git/logs/refs/meanwhile"))).toBe(false)
}, 40_000)

test("what is written outside of the project is not recorded, and a link that leads out is not followed on the way back", async () => {
  await using it = await rewinding({ below: "project", files: { "sub/a.txt": "one\n" } })
  await it.looked()
  mkdirSync(it.path("../outside"))
  writeFileSync(it.path("../outside/a.txt"), "two\n")
  await it.say("Go", [
    reply.calls([call("Write", { file_path: it.path("../other.txt"), content: "x" }), shell("echo two > sub/a.txt")]),
  ])
  await it.recorded(1)
  expect(it.changes().map(({ path }) => path)).toEqual(["sub/a.txt"])
  const plan = await it.program.rewind.plan(it.row, it.point("Go"))
  rmSync(it.path("sub"), { recursive: true })
  symlinkSync("../outside", it.path("sub"))
  const { left } = await it.program.rewind.go(it.row, { point: it.point("Go"), what: "files", steps: plan.takes })
  expect(left.map(({ path }) => path)).toEqual(["sub/a.txt"])
  expect(readFileSync(it.path("../outside/a.txt"), "utf8")).toBe("two\n")
}, 40_000)

test("a background shell that ends after the turn, and a monitor, are recorded under the prompt that started them", async () => {
  await using it = await rewinding({ files: { "a.txt": "one\n" } })
  await it.looked()
  await it.say("Go", [
    reply.calls([shell("while ! [ -e ../go ]; do sleep 0.02; done; echo two > a.txt", { run_in_background: true })]),
    () => {
      writeFileSync(it.path("../go"), "")
      return reply.text("It runs.")
    },
  ])
  await it.recorded(1)
  expect(it.point("Go").since.files).toEqual(["a.txt"])
  rmSync(it.path("../go"))
}, 40_000)

test("the user's own shell lines are the user's: they are not taken back", async () => {
  await using it = await rewinding({ files: { "a.txt": "one\n" } })
  await it.looked()
  await it.program.view(it.row).control({ action: "shell", command: "echo mine > a.txt" })
  await eventually("it has run", () => readFileSync(it.path("a.txt"), "utf8") === "mine\n")
  await eventually(
    "it has settled",
    () => it.program.store.one("SELECT 1 FROM run WHERE ended_at IS NOT NULL") !== undefined,
  )
  await it.say("Go", [reply.calls([shell("echo ours > b.txt")])])
  await it.recorded(1)
  expect(it.changes().map(({ path }) => path)).toEqual(["b.txt"])
}, 40_000)

test("without git, a folder with too many files is not copied; that is said, and Write is kept all the same", async () => {
  const files = Object.fromEntries(Array.from({ length: 2100 }, (_, n) => [`d${n % 20}/f${n}`, "x"]))
  await using it = await rewinding({ repository: false, files })
  await it.say("Go", [
    reply.calls([call("Read", { file_path: "d0/f0" })]),
    reply.calls([shell("echo two > d0/f0")]),
    reply.calls([call("Write", { file_path: "new.txt", content: "n\n" })]),
  ])
  await it.recorded(2)
  const { since } = it.point("Go")
  expect(since.files).toEqual(["new.txt"])
  expect(since.gaps.join()).toContain("2000 files is the most")
  await it.back("Go", "files")
  expect(existsSync(it.path("new.txt"))).toBe(false)
  expect(readFileSync(it.path("d0/f0"), "utf8")).toBe("two\n")
}, 40_000)

test("a file that is too large to be kept is seen to have changed, and is left as it is", async () => {
  await using it = await rewinding({ files: { "big.bin": Buffer.alloc(21 * 1024 * 1024, 1) } })
  await it.looked()
  writeFileSync(it.path("loose.bin"), Buffer.alloc(21 * 1024 * 1024, 1))
  await it.say("Go", [reply.calls([shell("echo small > loose.bin")])])
  await it.recorded(1)
  const plan = await it.program.rewind.plan(it.row, it.point("Go"))
  expect(plan.lost).toEqual([{ path: "loose.bin", why: "it is too large to be kept" }])
  expect(plan.takes).toEqual([])
}, 40_000)

test("a broken repository stops neither commands nor writes", async () => {
  await using it = await rewinding({ files: { "a.txt": "one\n" } })
  writeFileSync(it.path(".git/index"), "rubbish")
  await it.say("Go", [
    reply.calls([shell("echo two > a.txt"), call("Write", { file_path: "b.txt", content: "b\n" })]),
    reply.text("Both are done."),
  ])
  expect(readFileSync(it.path("a.txt"), "utf8")).toBe("two\n")
  expect(readFileSync(it.path("b.txt"), "utf8")).toBe("b\n")
  await it.recorded(2)
  expect(it.point("Go").since.gaps).toHaveLength(1)
}, 40_000)

test("what a headless run's commands change is known to the session that goes on with it", async () => {
  await using server = await startModelServer({
    script: script.inOrder([reply.calls([shell("echo two > a.txt; echo new > b.txt")]), reply.text("Done.")]),
  })
  await using bench = workbench(server)
  writeFileSync(join(bench.cwd, "a.txt"), "one\n")
  const { exit } = await bench.run(["-p", "Go", "--allowedTools", "Bash"])
  expect(exit).toBe(0)
  await bench.stored("SELECT 1 FROM file_change WHERE path = 'b.txt'")
}, 40_000)

test("what was kept goes 30 days after the last turn, and not before, nor while somebody drives the session", async () => {
  await using it = await rewinding({ files: { "a.txt": "one\n" } })
  await it.looked()
  await it.say("Go", [reply.calls([shell("echo two > a.txt")])])
  await it.recorded(1)
  const held = () => it.program.store.one("SELECT 1 FROM meta WHERE key LIKE 'held:%'") !== undefined
  await eventually("the ref holds it", held)
  await it.looked()
  it.letGo()
  const { store } = await openData({ ...it.bench.env })
  try {
    const env = { ...it.bench.env }
    const later = (days: number) => ({ ...systemClock, now: () => Date.now() + days * 86_400_000 })
    const ref = () => it.git("for-each-ref", "refs/meanwhile").trim()
    expect(await removeOldCheckpoints({ store, clock: later(29), env }, () => false)).toBe(0)
    expect(await removeOldCheckpoints({ store, clock: later(31), env }, () => true)).toBe(0)
    expect(ref()).not.toBe("")
    expect(await removeOldCheckpoints({ store, clock: later(31), env }, () => false)).toBe(1)
    expect(ref()).toBe("")
    expect(it.changes()).toEqual([])
    expect(held()).toBe(false)
    expect(existsSync(join(it.bench.home, "checkpoint", it.row.id))).toBe(false)
  } finally {
    store.close()
  }
}, 40_000)

test("a look that was under way when the host let go leaves nothing behind", async () => {
  await using it = await rewinding({ files: { "a.txt": "one\n" } })
  await it.looked()
  it.letGo()
  const folder = join(it.bench.home, "checkpoint", it.row.id)
  it.holdLooks()
  const { store } = await openData({ ...it.bench.env })
  try {
    const keeper = keepCheckpoints({ store, clock: systemClock, log: memoryLog(), env: it.env }, it.row, {
      eager: true,
    })
    await eventually("a look is under way", () => it.isLooking())
    keeper[Symbol.dispose]()
    rmSync(folder, { recursive: true })
    it.goOn()
    await keeper.settled(30_000)
    expect(existsSync(folder)).toBe(false)
  } finally {
    store.close()
  }
}, 40_000)
