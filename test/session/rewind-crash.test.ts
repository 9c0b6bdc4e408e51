// A process that dies while it takes files back: each file is whole, and the next process finishes the plan.
import { expect, test } from "bun:test"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { systemClock } from "../../src/base/clock.ts"
import { openData } from "../../src/program.ts"
import { projectFiles } from "../../src/session/checkpoint-place.ts"
import { beginRewind, finishRewinds } from "../../src/session/rewind-files.ts"
import type { RewindRow } from "../../src/store/rows.ts"
import { eventually } from "../../testing/harness.ts"
import { reply } from "../../testing/model-server.ts"
import { rewinding, shell } from "./rewinding.ts"

const COUNT = 80
const OLD = (n: number) => `old ${n}\n`.repeat(20_000)
const names = Array.from({ length: COUNT }, (_, n) => `f${n}.txt`)

test("killed in the middle of a rewind, no file is half written, and the next host finishes it", async () => {
  await using it = await rewinding({ files: Object.fromEntries(names.map((name, n) => [name, OLD(n)])) })
  await it.looked()
  await it.say("Go", [reply.calls([shell("for f in f*.txt; do echo new > $f; done; rm f7.txt")])])
  await it.recorded(COUNT)
  const point = it.point("Go")
  const { takes } = await it.program.rewind.plan(it.row, point)
  expect(takes).toHaveLength(COUNT)
  it.letGo()
  const { store } = await openData({ ...it.bench.env })
  try {
    const files = await projectFiles(it.row.project, { ...it.bench.env })
    const begun = { id: "r1", rootId: it.row.id, afterSeq: 1, steps: takes }
    await beginRewind({ store, clock: systemClock, files }, begun)
    const isOld = (n: number) => content(n) === OLD(n)
    const content = (n: number) => readFileSync(it.path(names[n]!), { encoding: "utf8", flag: "a+" })
    const child = Bun.spawn([process.execPath, `${import.meta.dir}/rewind-child.ts`, it.row.id, it.row.project], {
      env: { ...it.bench.env },
      stdout: "ignore",
      stderr: "inherit",
    })
    await eventually("some are back", () => isOld(20))
    child.kill("SIGKILL")
    await child.exited
    const open = () => store.all<RewindRow>("SELECT * FROM rewind WHERE state = 'open'")
    expect(open()).toHaveLength(1)
    const states = names.map((name, n) => {
      const text = name === "f7.txt" ? undefined : content(n)
      return text === undefined ? "gone or back" : text === OLD(n) ? "back" : text === "new\n" ? "new" : "broken"
    })
    expect(states).not.toContain("broken")
    expect(states).toContain("back")
    expect(states).toContain("new")
    // What somebody has written meanwhile stays.
    const late = states.lastIndexOf("new")
    writeFileSync(it.path(names[late]!), "mine\n")
    const { done, left } = await finishRewinds({ store, clock: systemClock, env: { ...it.bench.env } }, it.row)
    expect(left.map(({ path }) => path)).toEqual([names[late]!])
    expect(done).toHaveLength(COUNT - 1)
    for (const [n, name] of names.entries())
      expect(readFileSync(it.path(name), "utf8") === (n === late ? "mine\n" : OLD(n))).toBe(true)
    expect(open()).toHaveLength(0)
    expect(readdirSync(it.path(".")).filter((name) => name.startsWith(".meanwhile"))).toEqual([])
  } finally {
    store.close()
  }
}, 60_000)

test("a plan that was only written is finished when its session is driven again", async () => {
  await using it = await rewinding({ files: { "a.txt": "one\n" } })
  await it.looked()
  await it.say("Go", [reply.calls([shell("echo two > a.txt")])])
  await it.recorded(1)
  const { takes } = await it.program.rewind.plan(it.row, it.point("Go"))
  it.letGo()
  const { store } = await openData({ ...it.bench.env })
  const files = await projectFiles(it.row.project, { ...it.bench.env })
  await beginRewind({ store, clock: systemClock, files }, { id: "r1", rootId: it.row.id, afterSeq: 1, steps: takes })
  store.close()
  expect(readFileSync(it.path("a.txt"), "utf8")).toBe("two\n")
  const hosted = (await it.program.host(it.row))!
  expect(readFileSync(it.path("a.txt"), "utf8")).toBe("one\n")
  hosted.release()
}, 30_000)

test("changes of a shell that went on while nobody was there are known to the next host", async () => {
  await using it = await rewinding({ files: { "a.txt": "one\n" } })
  await it.looked()
  await it.say("Go", [reply.calls([shell("echo two > a.txt")])])
  await it.recorded(1)
  await it.looked()
  it.letGo()
  // As if that process had died before it looked.
  const { store } = await openData({ ...it.bench.env })
  await store.writeFreely((tx) => tx.run("DELETE FROM file_change"))
  const path = `${it.bench.home}/checkpoint/${it.row.id}/baseline.json`
  const baseline = JSON.parse(readFileSync(path, "utf8"))
  const run = store.one<{ started_at: number }>("SELECT started_at FROM run")!
  writeFileSync(path, JSON.stringify({ ...baseline, at: run.started_at, files: {} }))
  store.close()
  const hosted = (await it.program.host(it.row))!
  await it.recorded(1)
  hosted.release()
}, 30_000)
