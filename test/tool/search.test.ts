import { expect, test } from "bun:test"
import { mkdirSync, rmSync, symlinkSync, utimesSync } from "node:fs"
import { join } from "node:path"
import { RecordReader, type SearchRecord } from "../../src/tool/search.ts"
import { Workspace } from "./workspace.ts"

/** A repository as far as ripgrep looks at it. */
function repository(): Workspace {
  const work = new Workspace()
  mkdirSync(work.path(".git"))
  work.put(".gitignore", "dist/\n*.log\n")
  return work
}

function age(work: Workspace, names: readonly string[]): void {
  names.forEach((name, index) => {
    utimesSync(work.path(name), 1_000_000 - index, 1_000_000 - index)
  })
}

const lines = (text: string) => text.split("\n")

test("Glob lists the newest first, and names of the same age in order", async () => {
  using work = repository()
  for (const name of ["b.ts", "src/a.ts", "src/deep/c.ts", "d.js"]) work.put(name, "")
  age(work, ["src/deep/c.ts", "b.ts", "src/a.ts"])
  utimesSync(work.path("src/a.ts"), 999_999, 999_999)
  expect(lines(await work.text("Glob", { pattern: "**/*.ts" }))).toEqual(["src/deep/c.ts", "b.ts", "src/a.ts"])
  expect(lines(await work.text("Glob", { pattern: "*.ts" }))).toEqual(["src/deep/c.ts", "b.ts", "src/a.ts"])
})

test("Glob starts where path, or the pattern, says", async () => {
  using work = repository()
  for (const name of ["a.ts", "src/a.ts", "src/deep/a.ts", "../home/h.ts", "app/[id]/page.tsx"]) work.put(name, "")
  age(work, ["a.ts", "src/a.ts", "src/deep/a.ts"])
  const found = async (input: unknown) => lines(await work.text("Glob", input)).sort()
  expect(await found({ pattern: "src/*.ts" })).toEqual(["src/a.ts"])
  expect(await found({ pattern: "./src/**" })).toEqual(["src/a.ts", "src/deep/a.ts"])
  expect(await found({ pattern: "src/" })).toEqual(["src/a.ts", "src/deep/a.ts"])
  expect(await found({ pattern: "*/a.ts", path: "src" })).toEqual(["src/deep/a.ts"])
  expect(await found({ pattern: "*.{ts,js}", path: "src/deep" })).toEqual(["src/deep/a.ts"])
  expect(await found({ pattern: work.path("src/*.ts") })).toEqual(["src/a.ts"])
  expect(await found({ pattern: "~/*.ts" })).toEqual([join(work.home, "h.ts")])
  expect(await found({ pattern: "../home/*.ts" })).toEqual([join(work.home, "h.ts")])
  expect(await found({ pattern: "src/a.ts" })).toEqual(["src/a.ts"])
  expect(await found({ pattern: "app/[id]/*" })).toEqual(["app/[id]/page.tsx"])
  expect(await found({ pattern: "*.ts", path: "" })).toEqual(["a.ts", "src/a.ts", "src/deep/a.ts"])
})

test("ignored and hidden files are found only by who names their folder", async () => {
  using work = repository()
  for (const name of ["dist/x.ts", "a.log", ".hidden/x.ts", ".env", "a.ts", "sub/.git/x.ts"]) work.put(name, "needle")
  expect(lines(await work.text("Glob", { pattern: "**/*" }))).toEqual(["a.ts"])
  expect(lines(await work.text("Glob", { pattern: "**" }))).toEqual(["a.ts"])
  expect(lines(await work.text("Glob", { pattern: "dist/*.ts" }))).toEqual(["dist/x.ts"])
  expect(lines(await work.text("Glob", { pattern: ".hidden/*" }))).toEqual([".hidden/x.ts"])
  expect(lines(await work.text("Glob", { pattern: ".env" }))).toEqual([".env"])
  expect(lines(await work.text("Grep", { pattern: "needle" }))).toEqual(["a.ts"])
  expect(lines(await work.text("Grep", { pattern: "needle", glob: "*" }))).toEqual(["a.ts"])
  expect(lines(await work.text("Grep", { pattern: "needle", glob: "**/*.log" }))[0]).toStartWith("No matches")
  expect(lines(await work.text("Grep", { pattern: "needle", path: "dist" }))).toEqual(["dist/x.ts"])
  expect(lines(await work.text("Grep", { pattern: "needle", glob: ".env*" }))).toEqual([".env"])
  expect(lines(await work.text("Grep", { pattern: "needle", path: ".hidden" }))).toEqual([".hidden/x.ts"])
})

test("Glob shows a hundred, and says that there are more", async () => {
  using work = new Workspace()
  for (let n = 0; n < 130; n++) work.put(`f${n}`, "")
  const found = lines(await work.text("Glob", { pattern: "f*" }))
  expect(found).toHaveLength(101)
  expect(found.at(-1)).toBe("[The newest 100 of 130 matches. Narrow the pattern to see others.]")
})

test("nothing found, no such folder, a file as folder, and the whole machine are told", async () => {
  using work = new Workspace()
  work.put("a", "x")
  expect(await work.text("Glob", { pattern: "*.zig" })).toContain('No files match "*.zig"')
  expect(await work.text("Grep", { pattern: "zzz" })).toContain('No matches for "zzz"')
  expect(await work.error("Glob", { pattern: "none/*.ts" })).toContain("none does not exist")
  expect(await work.error("Grep", { pattern: "x", path: "none" })).toContain("none does not exist")
  expect(await work.error("Glob", { pattern: "*", path: "a" })).toContain("is a file")
  expect(await work.error("Grep", { pattern: "x", path: "/" })).toContain("whole machine")
  expect(await work.error("Glob", { pattern: "{a,b}".repeat(20) })).toContain("alternatives")
})

test("a working folder that vanished is told", async () => {
  using work = new Workspace()
  mkdirSync(work.path("gone"))
  const cwd = work.path("gone")
  rmSync(cwd, { recursive: true })
  expect(await work.error("Glob", { pattern: "*" }, { cwd })).toContain("does not exist")
  expect(await work.error("Grep", { pattern: "x" }, { cwd })).toContain("does not exist")
  expect(await work.error("Read", { file_path: "a" }, { cwd })).toContain("does not exist")
})

test("names of every kind come through", async () => {
  using work = new Workspace()
  for (const name of ["new\nline", "über 文", "-rf", "a:12:b", "x\x1b[31m"]) work.put(name, "needle\n")
  const expected = ["-rf", '"new\\nline"', "a:12:b", '"x\\u001b[31m"', "über 文"]
  expect(lines(await work.text("Grep", { pattern: "needle" })).sort()).toEqual([...expected].sort())
  expect(lines(await work.text("Glob", { pattern: "*" })).sort()).toEqual([...expected].sort())
  const content = await work.text("Grep", { pattern: "needle", output_mode: "content" })
  expect(lines(content).sort()).toEqual(expected.map((name) => `${name}:1:needle`).sort())
})

test("Grep shows lines with numbers and context, in the order of paths", async () => {
  using work = new Workspace()
  work.put("b.txt", "one\r\nneedle two\r\nthree\r\nfour\r\nfive\r\nneedle\r\n")
  work.put("a.txt", "needle")
  const grep = (more: object) => work.text("Grep", { pattern: "needle", output_mode: "content", ...more })
  expect(await grep({})).toBe("a.txt:1:needle\nb.txt:2:needle two\nb.txt:6:needle")
  expect(await grep({ "-n": false })).toBe("a.txt:needle\nb.txt:needle two\nb.txt:needle")
  expect(await grep({ "-C": 1, path: "b.txt" })).toBe(
    "b.txt-1-one\nb.txt:2:needle two\nb.txt-3-three\n--\nb.txt-5-five\nb.txt:6:needle",
  )
  expect(await grep({ "-A": "1", glob: "b*" })).toBe("b.txt:2:needle two\nb.txt-3-three\n--\nb.txt:6:needle")
  expect(await grep({ "-i": true, pattern: "NEEDLE$" })).toBe("a.txt:1:needle\nb.txt:6:needle")
})

test("Grep counts, and goes on page by page", async () => {
  using work = new Workspace()
  for (let n = 10; n < 15; n++) work.put(`f${n}`, "needle\nneedle\n")
  expect(await work.text("Grep", { pattern: "needle", output_mode: "count", glob: "f1[12]" })).toBe(
    "f11:2\nf12:2\n[4 matching lines in 2 files]",
  )
  expect(await work.text("Grep", { pattern: "needle", head_limit: 2 })).toBe(
    "f10\nf11\n[There are more. Go on with offset 2, or narrow the search.]",
  )
  expect(await work.text("Grep", { pattern: "needle", head_limit: 2, offset: 2 })).toBe(
    "f12\nf13\n[There are more. Go on with offset 4, or narrow the search.]",
  )
  expect(await work.text("Grep", { pattern: "needle", head_limit: 2, offset: 4 })).toBe("f14")
  expect(await work.text("Grep", { pattern: "needle", offset: 9 })).toContain("no results from offset 9")
})

test("Grep is bounded in all directions", async () => {
  using work = new Workspace()
  work.put("long", `${"x".repeat(100_000)}needle\n`)
  work.put("many", `${"needle ".repeat(40)}\n`.repeat(20_000))
  const text = await work.text("Grep", { pattern: "needle", output_mode: "content", head_limit: 0 })
  expect(text.length).toBeLessThan(30_000)
  expect(text).toContain("Go on with offset")
  expect(lines(text)[0]!.length).toBeLessThan(700)
})

test("Grep searches by type and glob", async () => {
  using work = new Workspace()
  for (const name of ["a.ts", "b.js", "src/c.ts", "src/d.tsx", "lib/e.ts"]) work.put(name, "needle")
  const grep = async (more: object) => lines(await work.text("Grep", { pattern: "needle", ...more }))
  expect(await grep({ type: "js" })).toEqual(["b.js"])
  expect(await grep({ glob: "*.{ts,tsx}" })).toEqual(["a.ts", "lib/e.ts", "src/c.ts", "src/d.tsx"])
  expect(await grep({ glob: "src/**" })).toEqual(["src/c.ts", "src/d.tsx"])
  expect(await grep({ glob: "src" })).toEqual(["src/c.ts", "src/d.tsx"])
  expect(await grep({ glob: "!*.ts" })).toEqual(["b.js", "src/d.tsx"])
  expect(await grep({ glob: "*.ts", path: "src" })).toEqual(["src/c.ts"])
  expect(await grep({ glob: "*.ts", type: "ts" })).toEqual(["a.ts", "lib/e.ts", "src/c.ts"])
  expect(await grep({ glob: "", type: "js", path: "" })).toEqual(["b.js"])
  expect(await work.error("Grep", { pattern: "x", type: "nope" })).toBe("Grep: unrecognized file type: nope")
})

test("patterns that look like options are patterns, and no configuration is read", async () => {
  using work = new Workspace()
  work.put("a", "--files -x\n(foo\n")
  expect(await work.text("Grep", { pattern: "--files" })).toBe("a")
  expect(await work.text("Grep", { pattern: "-x" })).toBe("a")
  expect(await work.text("Grep", { pattern: "--pre=x" })).toContain("No matches")
  expect(await work.text("Grep", { pattern: "files", glob: "--pre=./x" })).toContain("No matches")
})

test("a mistake in a regular expression is told as ripgrep tells it", async () => {
  using work = new Workspace()
  work.put("a", "foo(")
  const message = await work.error("Grep", { pattern: "foo(" })
  expect(message).toContain("unclosed group")
  expect(message).toContain("Escape characters")
  expect(message).not.toContain("PCRE2")
})

test("look-around and line ends work, the latter over several lines", async () => {
  using work = new Workspace()
  work.put("a", "foo\nbar\nfood\n")
  const grep = (more: object) => work.text("Grep", { output_mode: "content", ...more })
  expect(await grep({ pattern: "foo(?=d)" })).toBe("a:3:food")
  expect(await grep({ pattern: "foo\\nbar" })).toBe("a:1:foo\na:2:bar")
  expect(await grep({ pattern: "foo.*food", multiline: true })).toBe("a:1:foo\na:2:bar\na:3:food")
})

test("binary files do not get into the results", async () => {
  using work = new Workspace()
  work.put("a.txt", "needle\n")
  work.put("b.bin", "needle\n\0needle\n")
  work.put("c.txt", "needle\n")
  expect(await work.text("Grep", { pattern: "needle", output_mode: "content" })).not.toContain("binary file")
  expect(lines(await work.text("Grep", { pattern: "needle", output_mode: "content" }))).toEqual(
    expect.arrayContaining(["a.txt:1:needle", "c.txt:1:needle"]),
  )
  expect(await work.text("Grep", { pattern: "needle", output_mode: "content", path: "b.bin" })).toContain("binary file")
})

test("links are not followed, and a folder behind a link can be searched by its name", async () => {
  using work = new Workspace()
  work.put("../home/secret/a", "needle")
  symlinkSync(join(work.home, "secret"), work.path("link"))
  expect(await work.text("Grep", { pattern: "needle" })).toContain("No matches")
  expect(await work.text("Grep", { pattern: "needle", path: "link" })).toBe("link/a")
})

test("what a rule hides is neither searched nor listed, also behind a link", async () => {
  const hidden: string[] = []
  using work = new Workspace({ mayRead: (path) => !hidden.includes(path) })
  work.put("secrets/key", "needle")
  work.put("a", "needle")
  symlinkSync(work.cwd, join(work.root, "alias"))
  hidden.push(work.path("secrets/key"))
  expect(await work.text("Grep", { pattern: "needle" })).toBe("a")
  expect(await work.text("Grep", { pattern: "needle", path: "../alias" })).toBe(join(work.root, "alias/a"))
  expect(lines(await work.text("Glob", { pattern: "**" }))).toEqual(["a"])
  expect(await work.error("Grep", { pattern: "needle", path: "secrets/key" })).toContain("hides")
})

test("an interrupted search ends with the interruption", async () => {
  using work = new Workspace()
  work.put("a", "x")
  const reason = new Error("interrupted")
  await expect(work.run("Grep", { pattern: "x" }, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  await expect(work.run("Glob", { pattern: "*" }, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
})

test("records are read the same, however the bytes come in pieces", () => {
  const bytes = Buffer.from(
    'a\x001:x\nnew\nline\x002:ü\nb: binary file matches (found "\\0" byte around offset 3)\nc\x003:\n',
  )
  const read = (size: number) => {
    const found: SearchRecord[] = []
    const reader = new RecordReader("lines", (record) => {
      found.push(record)
      return "more"
    })
    for (let from = 0; from < bytes.length; from += size) reader.take(bytes.subarray(from, from + size))
    return found
  }
  const whole = read(bytes.length)
  expect(whole).toEqual([
    { path: "a", text: "1:x" },
    { path: "new\nline", text: "2:ü" },
    { path: "c", text: "3:" },
  ])
  for (let size = 1; size < bytes.length; size++) expect(read(size)).toEqual(whole)
})
