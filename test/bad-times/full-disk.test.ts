// The disk that holds everything is full: nobody's words are lost, what was stored stays whole, and with some room again
// the work goes on.
import { Database } from "bun:sqlite"
import { expect, test } from "bun:test"
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { openStore } from "../../src/store/open.ts"
import { TaskRuntime } from "../../src/task/runtime.ts"
import { BEHIND, shell } from "../../testing/calls.ts"
import { Gate } from "../../testing/gate.ts"
import { GatedKind } from "../../testing/gated-kind.ts"
import { HandClock } from "../../testing/hand-clock.ts"
import { countingIds, eventually, memoryLog, temporaryStore } from "../../testing/harness.ts"
import { PROGRAM, workbench } from "../../testing/headless.ts"
import { reply, startModelServer } from "../../testing/model-server.ts"
import { taskSpec } from "../../testing/task-spec.ts"
import { atWork } from "./at-work.ts"

const RUN = ["--permission-mode", "bypassPermissions"]

/** A disk of so many KiB in the folder; undefined where this machine does not let us. */
function smallDisk(folder: string, kib: number): (Disposable & { fill(): () => void }) | undefined {
  mkdirSync(folder, { recursive: true })
  if (Bun.spawnSync(["mount", "-t", "tmpfs", "-o", `size=${kib}k`, "tmpfs", folder]).exitCode !== 0) return undefined
  /** Leaves no room; returns what makes it again. */
  const fill = () => {
    const files: string[] = []
    for (let size = 65_536; size >= 512; ) {
      const file = join(folder, `filler-${files.length}`)
      files.push(file)
      try {
        writeFileSync(file, Buffer.alloc(size))
      } catch {
        size /= 2
      }
    }
    return () => {
      for (const file of files) rmSync(file, { force: true })
    }
  }
  return { fill, [Symbol.dispose]: () => void Bun.spawnSync(["umount", "-l", folder]) }
}

const probe = smallDisk("/tmp/meanwhile-mount-probe", 64)
probe?.[Symbol.dispose]()
if (!probe) console.warn("SKIPPED: no small disk can be mounted here (root is needed), so a full one is not tested")

function integrity(home: string): unknown {
  const db = new Database(join(home, "meanwhile.db"))
  try {
    return db.query("PRAGMA integrity_check").get()
  } finally {
    db.close()
  }
}

test.skipIf(!probe)(
  "a prompt that could not be stored comes back with the error, and is asked when there is room",
  async () => {
    await using server = await startModelServer({ script: () => reply.text("Answer.") })
    await using bench = workbench(server)
    using disk = smallDisk(bench.home, 3_072)!
    expect(await bench.run(["-p", "one"])).toMatchObject({ exit: 0 })
    const free = disk.fill()
    const two = await bench.run(["-p", "-c", "two: mind the milk\nand the bread"])
    expect(two).toMatchObject({ exit: 1, stdout: "" })
    expect(two.stderr).toContain("is full")
    expect(two.stderr).toContain("The prompt was not stored. Here it is:\ntwo: mind the milk\nand the bread\n")
    expect(server.requests).toHaveLength(1)
    free()
    expect(await bench.run(["-p", "-c", "three"])).toMatchObject({ exit: 0, stdout: "Answer.\n" })
    expect(integrity(bench.home)).toEqual({ integrity_check: "ok" })
  },
  20_000,
)

test.skipIf(!probe)(
  "work that finds the disk full stops with a reason, and goes on from there with -c",
  async () => {
    const held = new Gate()
    await using server = await startModelServer()
    server.script = (request) => {
      const asked = request.messages.filter((message) => message.role === "assistant").length
      if (asked > 0) return reply.text("Done.")
      return reply.calls([shell("echo once >>effects"), shell("sleep 0.2; echo behind", BEHIND)]).gate(held)
    }
    await using bench = workbench(server)
    using disk = smallDisk(bench.home, 3_072)!
    const running = bench.start(["-p", "Begin.", ...RUN])
    await server.received(1)
    const free = disk.fill()
    held.open()
    const { exit, stderr } = await running.finished
    expect(exit).toBe(1)
    expect(stderr).toContain("is full")
    const id = /meanwhile -p --resume (\w+) "Go on\."/.exec(stderr)?.[1]
    expect(id).toBeDefined()
    free()
    expect(await bench.run(["-p", "--resume", id!, "Go on."])).toMatchObject({ exit: 0, stdout: "Done.\n" })
    expect(await Bun.file(join(bench.cwd, "effects")).text()).toBe("once\n")
    expect(integrity(bench.home)).toEqual({ integrity_check: "ok" })
  },
  20_000,
)

test.skipIf(!probe)(
  "a command whose output found no room is told so",
  async () => {
    await using server = await startModelServer()
    await using bench = workbench(server)
    using _disk = smallDisk(bench.home, 3_072)!
    const big = join(bench.home, "big")
    // What fills the disk is not the command's own output: that would be cut at its end, and so make room.
    const command = `head -c 8000000 /dev/zero >'${big}'; echo said`
    server.script = (request) => {
      const asked = request.messages.some((message) => message.role === "assistant")
      return asked ? reply.text("Done.") : reply.calls([shell(command)])
    }
    const running = Bun.spawn([PROGRAM, "-p", "Begin.", ...RUN], {
      cwd: bench.cwd,
      env: bench.env,
      stdio: ["ignore", "pipe", "pipe"],
    })
    // Its end can't be stored, and waits for room; whoever started it is told why.
    const errors = running.stderr.getReader()
    expect(new TextDecoder().decode((await errors.read()).value)).toContain("is full")
    rmSync(big)
    expect(await new Response(running.stdout).text()).toBe("Done.\n")
    expect(await running.exited).toBe(0)
    const told = server.requests.flatMap((request) => request.messages.map((message) => JSON.stringify(message)))
    expect(told.join("\n")).toContain("The disk that holds this output is full")
  },
  30_000,
)

test("an end that could not be stored is stored as soon as there is room, and only once", async () => {
  using it = await atWork()
  // SQLite's own bound on the file's size fails as a full disk does; the bound is the connection's.
  const pages = it.store.one<{ page_count: number }>("PRAGMA page_count")!.page_count
  await it.store.writeDurably((tx) => tx.one(`PRAGMA max_page_count = ${pages}`))
  it.kind.finish(it.run.id, { state: "completed", result: "x".repeat(30_000) })
  await eventually("it was tried", () => it.log.entries.some((entry) => entry.includes("nothing can be stored now")))
  expect(it.tasks.run(it.run.id).state).toBe("running")
  await it.store.writeDurably((tx) => tx.one("PRAGMA max_page_count = 1000000"))
  await it.clock.pass(1_100)
  expect(it.tasks.run(it.run.id)).toMatchObject({ state: "completed", notice: "pending" })
  expect(it.store.all("SELECT * FROM inbox")).toHaveLength(1)
})

test("an agent that could not store what it did goes on from its rows when there is room", async () => {
  const clock = new HandClock()
  using it = await temporaryStore(clock)
  const other = await openStore({ folder: it.folder, clock })
  const log = memoryLog()
  const kind = new GatedKind("agent")
  const tasks = new TaskRuntime({ store: other, clock, ids: countingIds(), log })
  let went = 0
  tasks.register({
    kind: "agent",
    resume: (task, run) => kind.resume(task, run),
    prepare: async (task, run) => ({
      ...(await kind.prepare(task, run)),
      goesOnFromRows: true,
      go: async () => {
        if (++went > 1) return { state: "completed", result: "went on" }
        await other.write((tx) => {
          tx.one(`PRAGMA max_page_count = ${tx.one<{ page_count: number }>("PRAGMA page_count")!.page_count}`)
          tx.run("INSERT INTO meta VALUES ('large', :value)", { value: "x".repeat(1_000_000) })
        })
        throw new Error("it should not have been stored")
      },
    }),
  })
  const { run } = await tasks.start(taskSpec({ kind: "agent" }))
  await eventually("it was tried", () => log.entries.some((entry) => entry.includes("nothing can be stored now")))
  await other.write((tx) => tx.one("PRAGMA max_page_count = 1000000"))
  await clock.pass(1_100)
  expect(tasks.run(run.id)).toMatchObject({ state: "completed", result: "went on" })
  other.close()
})
