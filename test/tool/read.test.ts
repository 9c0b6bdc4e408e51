import { expect, test } from "bun:test"
import { spawnSync } from "node:child_process"
import { ftruncateSync, mkdirSync, openSync, symlinkSync, truncateSync, writeSync } from "node:fs"
import { join } from "node:path"
import { RESULT_CHARS } from "../../src/tool/truncate.ts"
import { Workspace } from "./workspace.ts"

test("lines are numbered, whatever ends them, and the final newline is no line", async () => {
  using work = new Workspace()
  work.put("a", "one\ntwo\r\n\nfour")
  work.put("b", "one\ntwo\n")
  expect(await work.text("Read", { file_path: "a" })).toBe("1\tone\n2\ttwo\n3\t\n4\tfour")
  expect(await work.text("Read", { file_path: "b" })).toBe("1\tone\n2\ttwo")
})

test("a part is read by offset and limit, and the result says how to go on", async () => {
  using work = new Workspace()
  work.put("a", "1\n2\n3\n4\n5\n")
  expect(await work.text("Read", { file_path: "a", offset: 2, limit: 2 })).toBe(
    "2\t2\n3\t3\n[2 more lines of 5. Go on with offset 4.]",
  )
  expect(await work.text("Read", { file_path: "a", offset: 5 })).toBe("5\t5")
  expect(await work.text("Read", { file_path: "a", offset: 0, limit: 1 })).toStartWith("1\t1\n")
  expect(await work.error("Read", { file_path: "a", offset: 6 })).toContain("only 5 lines")
})

test("2,000 lines are read unless the call says otherwise", async () => {
  using work = new Workspace()
  work.put("a", "x\n".repeat(2500))
  const text = await work.text("Read", { file_path: "a" })
  expect(text).toContain("\n2000\tx\n[500 more lines of 2500. Go on with offset 2001.]")
})

test("a result stays below the boundary that would cut it, and the pages together are the file", async () => {
  using work = new Workspace()
  const lines = Array.from({ length: 900 }, (_, index) => `${index} ${"y".repeat(90)}`)
  work.put("a", lines.join("\n"))
  const seen: string[] = []
  for (let offset: number | undefined = 1; offset; ) {
    const text: string = await work.text("Read", { file_path: "a", offset })
    expect(text.length).toBeLessThan(RESULT_CHARS)
    seen.push(...text.split("\n").flatMap((line) => (/^\d+\t/.test(line) ? [line.replace(/^\d+\t/, "")] : [])))
    offset = Number(/offset (\d+)/.exec(text)?.[1] ?? 0)
  }
  expect(seen).toEqual(lines)
})

test("a long line is cut, and its length told", async () => {
  using work = new Workspace()
  work.put("a", `${"x".repeat(5000)}\nnext\n${"😀".repeat(3000)}`)
  const [first, second, third] = (await work.text("Read", { file_path: "a" })).split("\n")
  expect(first).toBe(`1\t${"x".repeat(2000)}… [cut: the line has 5,000 bytes]`)
  expect(second).toBe("2\tnext")
  expect(third).toBe(`3\t${"😀".repeat(1000)}… [cut: the line has 12,000 bytes]`)
})

test("an empty file is said to be empty", async () => {
  using work = new Workspace()
  work.put("a", "")
  expect(await work.text("Read", { file_path: "a" })).toBe("(a is empty)")
})

test("binary files, UTF-16 and PDF are refused with a way out", async () => {
  using work = new Workspace()
  work.put("a.bin", new Uint8Array([80, 75, 3, 4, 0, 0]))
  work.put("u.txt", Buffer.from("\ufeffhello", "utf16le"))
  work.put("d.pdf", "%PDF-1.7\nplain")
  expect(await work.error("Read", { file_path: "a.bin" })).toContain("binary file (6 bytes)")
  expect(await work.error("Read", { file_path: "u.txt" })).toContain("iconv")
  expect(await work.error("Read", { file_path: "d.pdf" })).toContain("pdftotext")
})

test("a folder, a pipe and a system file are refused, without waiting", async () => {
  using work = new Workspace()
  mkdirSync(work.path("src"))
  spawnSync("mkfifo", [work.path("pipe")])
  expect(await work.error("Read", { file_path: "src" })).toContain("Glob")
  expect(await work.error("Read", { file_path: "pipe" })).toContain("not a regular file")
  expect(await work.error("Read", { file_path: "/dev/zero" })).toContain("system")
})

test("the environment of a process, which holds keys, cannot be read, also by a link", async () => {
  using work = new Workspace()
  symlinkSync("/proc/self", work.path("link"))
  expect(await work.error("Read", { file_path: "/proc/self/environ" })).toContain("system")
  expect(await work.error("Read", { file_path: "link/environ" })).toContain("system")
  expect(await work.error("Read", { file_path: "../../../../../../../../proc/self/environ" })).toContain("system")
  expect(await work.error("Grep", { pattern: "x", path: "link" })).toContain("system")
})

test("a missing file is answered with names that may have been meant", async () => {
  using work = new Workspace()
  work.put("src/config.ts", "")
  work.put("src/README.md", "")
  symlinkSync("nowhere", work.path("src/gone"))
  expect(await work.error("Read", { file_path: "src/confg.ts" })).toContain('Did you mean "src/config.ts"?')
  expect(await work.error("Read", { file_path: "src/config.js" })).toContain('"src/config.ts"')
  expect(await work.error("Read", { file_path: "src/readme.md" })).toContain('"src/README.md"')
  expect(await work.error("Read", { file_path: "src/zzzzzz" })).toContain("Glob")
  expect(await work.error("Read", { file_path: "scr/config.ts" })).toContain(`${work.cwd} exists`)
  expect(await work.error("Read", { file_path: "src/gone" })).toContain("symbolic link")
  expect(await work.error("Read", { file_path: "src/config.ts/x" })).toContain("ENOTDIR")
  expect(await work.error("Read", { file_path: "" })).toContain("empty")
  expect(await work.error("Read", { file_path: "a\0b" })).toContain("NUL")
  expect(await work.error("Read", { file_path: "x".repeat(300) })).toContain("too long")
})

test("a file is found below the home folder, by a link, and by any name", async () => {
  using work = new Workspace()
  work.put("../home/a", "home")
  work.put("plain", "target")
  symlinkSync("plain", work.path("link"))
  const names = ["über/ñ 文.txt", "new\nline", "-rf", " space ", "quote'\"", "~"]
  for (const name of names) work.put(name, name)
  expect(await work.text("Read", { file_path: "~/a" })).toBe("1\thome")
  expect(await work.text("Read", { file_path: "link" })).toBe("1\ttarget")
  expect(await work.text("Read", { file_path: "new\nline" })).toBe("1\tnew\n2\tline")
  for (const name of names.filter((known) => !known.includes("\n") && known !== "~"))
    expect(await work.text("Read", { file_path: name })).toBe(`1\t${name}`)
  expect(await work.text("Read", { file_path: "./~" })).toBe("1\t~")
})

test("bytes that are not UTF-8 are shown as such, and a byte order mark is not shown", async () => {
  using work = new Workspace()
  work.put("latin", Buffer.from("caf\xe9\nplain\n", "latin1"))
  work.put("bom", "\ufeffone\n")
  work.put("replacement", "a \ufffd b")
  expect(await work.text("Read", { file_path: "latin" })).toBe(
    "1\tcaf\ufffd\n2\tplain\n[Not all of this is valid UTF-8; such bytes are shown as \ufffd.]",
  )
  expect(await work.text("Read", { file_path: "bom" })).toBe("1\tone")
  expect(await work.text("Read", { file_path: "replacement" })).toBe("1\ta \ufffd b")
})

test("a character that is split between two chunks of the file stays whole", async () => {
  using work = new Workspace()
  const lines = [...Array(1023).fill("x".repeat(63)), `${"x".repeat(62)}é`, "end", ...Array(2000).fill("y".repeat(63))]
  work.put("a", lines.join("\n"))
  const text = await work.text("Read", { file_path: "a", offset: 1024, limit: 2 })
  expect(text).toStartWith(`1024\t${"x".repeat(62)}é\n1025\tend\n`)
})

test("of a huge file only what is shown is held in memory, and its rest is told", async () => {
  using work = new Workspace()
  const path = work.put("huge", "first\nsecond\n")
  // Sparse: a billion NUL bytes that take no place on the disk.
  truncateSync(path, 1_000_000_000)
  const before = process.memoryUsage().rss
  expect(await work.error("Read", { file_path: "huge" })).toContain("binary")
  const text = work.put("text", `${"word ".repeat(20)}\n`.repeat(200))
  const file = openSync(text, "r+")
  ftruncateSync(file, 300_000_000)
  writeSync(file, "end", 299_999_990)
  expect(await work.text("Read", { file_path: "text", limit: 2 })).toMatch(
    /\n2\tword.*\n\[The file goes on for 299,\d{3},\d{3} bytes\. Go on with offset 3\.\]$/,
  )
  expect(await work.text("Read", { file_path: "text", offset: 201, limit: 1 })).toContain("cut: the line has")
  expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000)
})

test("an interrupted read stops", async () => {
  using work = new Workspace()
  work.put("a", "x\n".repeat(100_000))
  const reason = new Error("interrupted")
  await expect(work.run("Read", { file_path: "a" }, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
})

test("a file that may not be read is told as such", async () => {
  using work = new Workspace()
  const path = work.put("secret", "x")
  const made = spawnSync("chmod", ["000", path])
  expect(made.status).toBe(0)
  // Root may read everything; anybody else is refused.
  const isRoot = process.getuid?.() === 0
  const outcome = await work
    .text("Read", { file_path: join(work.cwd, "secret") })
    .catch((error: Error) => error.message)
  expect(outcome).toContain(isRoot ? "1\tx" : "permission denied (EACCES)")
})
