import { expect, test } from "bun:test"
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { sha256, stateOfWrite, type WriteIntent } from "../../src/tool/files.ts"
import { Workspace } from "./workspace.ts"

test("a new file is written with its folders, after the intent was committed", async () => {
  using work = new Workspace()
  const seen: boolean[] = []
  const intents: unknown[] = []
  const output = await work.run(
    "Write",
    { file_path: "a/b/ü\n.txt", content: "hi\nthere" },
    {
      intend: async (intent) => {
        intents.push(intent)
        seen.push(existsSync(work.path("a")))
      },
    },
  )
  expect(work.get("a/b/ü\n.txt")).toBe("hi\nthere")
  expect(intents).toEqual([{ path: work.path("a/b/ü\n.txt"), before: null, after: sha256("hi\nthere") }])
  expect(seen).toEqual([false])
  expect(output.content).toEqual([{ type: "text", text: 'Created "a/b/ü\\n.txt" (2 lines).' }])
  expect(output.data).toMatchObject({
    path: work.path("a/b/ü\n.txt"),
    line: 1,
    after: "hi\nthere",
    removed: 0,
    added: 2,
    cut: false,
  })
})

test("nothing is written when the intent cannot be committed", async () => {
  using work = new Workspace()
  const failing = { intend: () => Promise.reject(new Error("no database")) }
  await expect(work.run("Write", { file_path: "a/b", content: "x" }, failing)).rejects.toThrow("no database")
  expect(readdirSync(work.cwd)).toEqual([])
})

test("a file that the session has not read is not overwritten", async () => {
  using work = new Workspace()
  work.put("a", "old")
  expect(await work.error("Write", { file_path: "a", content: "new" })).toContain("Read a first")
  await work.text("Read", { file_path: "a" }, { sessionId: "another" })
  expect(await work.error("Write", { file_path: "a", content: "new" })).toContain("Read a first")
  expect(work.get("a")).toBe("old")
  expect(work.intents).toEqual([])
})

test("a file that was read is replaced, and what was written counts as read", async () => {
  using work = new Workspace()
  work.put("a", "old\nsame\n")
  await work.text("Read", { file_path: "a" })
  const output = await work.run("Write", { file_path: work.path("a"), content: "new\nsame\n" })
  expect(output.data).toMatchObject({ line: 1, before: "old\n", after: "new\n", removed: 1, added: 1 })
  expect(await work.text("Write", { file_path: "./a", content: "newer\n" })).toBe("Replaced a (1 line).")
  expect(work.intents).toEqual([
    { path: work.path("a"), before: sha256("old\nsame\n"), after: sha256("new\nsame\n") },
    { path: work.path("a"), before: sha256("new\nsame\n"), after: sha256("newer\n") },
  ])
})

test("a file that somebody else changed since it was read is not overwritten, even if its time and size are the same", async () => {
  using work = new Workspace()
  const path = work.put("a", "old")
  const { atime, mtime } = statSync(path)
  await work.text("Read", { file_path: "a" })
  writeFileSync(path, "alt")
  utimesSync(path, atime, mtime)
  expect(await work.error("Write", { file_path: "a", content: "new" })).toContain(
    "changed by somebody else since you read it",
  )
  expect(work.get("a")).toBe("alt")
})

test("a file that was only touched since it was read is overwritten", async () => {
  using work = new Workspace()
  const path = work.put("a", "old")
  await work.text("Read", { file_path: "a" })
  utimesSync(path, 1, 1)
  await work.text("Write", { file_path: "a", content: "new" })
  expect(work.get("a")).toBe("new")
})

test("a file that changes while the intent is committed is not overwritten", async () => {
  using work = new Workspace()
  const path = work.put("a", "old")
  await work.text("Read", { file_path: "a" })
  const meddle = { intend: async () => writeFileSync(path, "theirs, now") }
  expect(await work.error("Write", { file_path: "a", content: "new" }, meddle)).toContain("at this moment")
  expect(work.get("a")).toBe("theirs, now")
  expect(readdirSync(work.cwd)).toEqual(["a"])
})

test("a file that appears while the intent is committed is not overwritten", async () => {
  using work = new Workspace()
  const meddle = { intend: async () => writeFileSync(work.path("a"), "theirs") }
  expect(await work.error("Write", { file_path: "a", content: "new" }, meddle)).toContain("at this moment")
  expect(work.get("a")).toBe("theirs")
})

test("a file or folder that vanishes while the intent is committed is told, and not brought back", async () => {
  using work = new Workspace()
  work.put("dir/a", "old")
  await work.text("Read", { file_path: "dir/a" })
  const meddle = { intend: async () => rmSync(work.path("dir"), { recursive: true }) }
  expect(await work.error("Write", { file_path: "dir/a", content: "new" }, meddle)).toContain(
    "does not exist (any more)",
  )
  expect(existsSync(work.path("dir"))).toBe(false)
})

test("the mode stays, and a script stays executable", async () => {
  using work = new Workspace()
  chmodSync(work.put("run.sh", "old"), 0o751)
  await work.text("Read", { file_path: "run.sh" })
  await work.text("Write", { file_path: "run.sh", content: "new" })
  expect(statSync(work.path("run.sh")).mode & 0o7777).toBe(0o751)
})

test("a link keeps pointing, and what it points to is written, also when that is not there yet", async () => {
  using work = new Workspace()
  work.put("target", "old")
  symlinkSync("target", work.path("link"))
  symlinkSync("new/target", work.path("dangling"))
  await work.text("Read", { file_path: "target" })
  await work.text("Write", { file_path: "link", content: "new" })
  await work.text("Write", { file_path: "dangling", content: "made" })
  expect(lstatSync(work.path("link")).isSymbolicLink()).toBe(true)
  expect(readlinkSync(work.path("dangling"))).toBe("new/target")
  expect([work.get("target"), work.get("new/target")]).toEqual(["new", "made"])
})

test("readers see the old or the new content, never a part", async () => {
  using work = new Workspace()
  const contents = ["a", "b"].map((letter) => letter.repeat(300_000))
  const path = work.put("a", contents[0]!)
  await work.text("Read", { file_path: "a" })
  let isDone = false
  const odd: number[] = []
  const watch = (async () => {
    while (!isDone) {
      const now = readFileSync(path, "utf8")
      if (!contents.includes(now)) odd.push(now.length)
      await new Promise(setImmediate)
    }
  })()
  for (let round = 1; round <= 20; round++) await work.text("Write", { file_path: "a", content: contents[round % 2]! })
  isDone = true
  await watch
  expect(odd).toEqual([])
})

test("the same content again changes nothing", async () => {
  using work = new Workspace()
  work.put("a", "same")
  await work.text("Read", { file_path: "a" })
  const { ino } = statSync(work.path("a"))
  expect(await work.text("Write", { file_path: "a", content: "same" })).toContain("nothing was changed")
  expect(statSync(work.path("a")).ino).toBe(ino)
  expect(work.intents).toEqual([])
})

test("a folder, a file as folder, and a name that is too long are told", async () => {
  using work = new Workspace()
  mkdirSync(work.path("dir"))
  work.put("file", "x")
  expect(await work.error("Write", { file_path: "dir", content: "" })).toContain("is a folder")
  expect(await work.error("Write", { file_path: "file/x", content: "" })).toMatch(
    /Cannot write file\/x: .*\((ENOTDIR|EEXIST)\)/,
  )
  expect(await work.error("Write", { file_path: "x".repeat(300), content: "" })).toContain("too long")
})

test("what is left of a call that died is replaced, not in the way", async () => {
  using work = new Workspace()
  work.put(".meanwhile-call-1.tmp", "half")
  await work.text("Write", { file_path: "a", content: "whole" })
  expect(readdirSync(work.cwd)).toEqual(["a"])
})

test("after a crash, the hashes say whether a write happened", async () => {
  using work = new Workspace()
  const intent: WriteIntent = { path: work.path("a"), before: null, after: sha256("new") }
  expect(await stateOfWrite(intent)).toBe("not-done")
  work.put("a", "new")
  expect(await stateOfWrite(intent)).toBe("done")
  work.put("a", "other")
  expect(await stateOfWrite(intent)).toBe("unknown")
  expect(await stateOfWrite({ ...intent, before: sha256("other") })).toBe("not-done")
})

test("large contents are cut in what is kept for interfaces", async () => {
  using work = new Workspace()
  const { data } = await work.run("Write", { file_path: "a", content: "line\n".repeat(10_000) })
  expect(data).toMatchObject({ added: 10_000, cut: true })
  expect(JSON.stringify(data).length).toBeLessThan(12_000)
})
