import { expect, test } from "bun:test"
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { sha256 } from "../../src/tool/files.ts"
import { Gate } from "../../testing/gate.ts"
import { Workspace } from "./workspace.ts"

async function edited(work: Workspace, content: string | Uint8Array, change: Record<string, unknown>): Promise<string> {
  work.put("a", content)
  await work.text("Read", { file_path: "a" })
  await work.text("Edit", { file_path: "a", ...change })
  return work.get("a")
}

async function refused(work: Workspace, content: string, change: Record<string, unknown>): Promise<string> {
  work.put("a", content)
  await work.text("Read", { file_path: "a" })
  const message = await work.error("Edit", { file_path: "a", ...change })
  expect(work.get("a")).toBe(content)
  return message
}

test("text is replaced, the intent committed, and the changed lines shown", async () => {
  using work = new Workspace()
  const content = Array.from({ length: 20 }, (_, index) => `line ${index + 1}`).join("\n")
  work.put("a", content)
  await work.text("Read", { file_path: "a" })
  const output = await work.run("Edit", { file_path: "a", old_string: "line 10\n", new_string: "ten\nand more\n" })
  const after = content.replace("line 10\n", "ten\nand more\n")
  expect(work.get("a")).toBe(after)
  expect(output.content).toEqual([
    {
      type: "text",
      text: "Edited a.\n7\tline 7\n8\tline 8\n9\tline 9\n10\tten\n11\tand more\n12\tline 11\n13\tline 12\n14\tline 13",
    },
  ])
  expect(work.intents).toEqual([{ path: work.path("a"), before: sha256(content), after: sha256(after) }])
  expect(output.data).toMatchObject({ line: 10, before: "line 10\n", after: "ten\nand more\n" })
})

test("a file that was not read, or changed since, is left alone", async () => {
  using work = new Workspace()
  const path = work.put("a", "one two")
  const change = { file_path: "a", old_string: "one", new_string: "1" }
  expect(await work.error("Edit", change)).toContain("Read a first")
  await work.text("Read", { file_path: "a" })
  writeFileSync(path, "one three")
  expect(await work.error("Edit", change)).toContain("changed by somebody else since you read it")
  expect(work.get("a")).toBe("one three")
  await work.text("Read", { file_path: "a" })
  await work.text("Edit", change)
  expect(work.get("a")).toBe("1 three")
})

test("a file that changes while the intent is committed is left alone", async () => {
  using work = new Workspace()
  const path = work.put("a", "one")
  await work.text("Read", { file_path: "a" })
  const meddle = { intend: async () => writeFileSync(path, "theirs") }
  expect(await work.error("Edit", { file_path: "a", old_string: "one", new_string: "1" }, meddle)).toContain(
    "at this moment",
  )
  expect(work.get("a")).toBe("theirs")
})

test("two edits of one file at once are both made", async () => {
  using work = new Workspace()
  work.put("a", "one two")
  await work.text("Read", { file_path: "a" })
  const gate = new Gate()
  const first = work.run("Edit", { file_path: "a", old_string: "one", new_string: "1" }, { intend: () => gate.wait() })
  const second = work.run("Edit", { file_path: "./a", old_string: "two", new_string: "2" }, { id: "call-2" })
  gate.open()
  await Promise.all([first, second])
  expect(work.get("a")).toBe("1 2")
})

test("an edit that fails lets the next one through", async () => {
  using work = new Workspace()
  work.put("a", "one")
  await work.text("Read", { file_path: "a" })
  const outcomes = await Promise.allSettled([
    work.run("Edit", { file_path: "a", old_string: "none", new_string: "" }),
    work.run("Edit", { file_path: "a", old_string: "one", new_string: "1" }),
  ])
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "fulfilled"])
})

test.each([
  ["CRLF", "a\r\nb\r\nc\r\n", { old_string: "a\nb", new_string: "x\ny\nz" }, "x\r\ny\r\nz\r\nc\r\n"],
  ["CRLF, given as CRLF", "a\r\nb\r\nc\r\n", { old_string: "a\r\nb", new_string: "x\r\ny" }, "x\r\ny\r\nc\r\n"],
  ["CRLF, one line made two", "a\r\nb\r\n", { old_string: "b", new_string: "b\nc" }, "a\r\nb\r\nc\r\n"],
  ["mixed line ends", "a\r\nb\nc\nd\n", { old_string: "a\nb\nc", new_string: "x\ny" }, "x\ny\nd\n"],
  ["no final newline", "a\nb", { old_string: "b", new_string: "c" }, "a\nc"],
  ["no final newline with CRLF", "a\r\nb", { old_string: "b", new_string: "c" }, "a\r\nc"],
  ["a final newline", "a\nb\n", { old_string: "b", new_string: "c" }, "a\nc\n"],
  ["LF stays LF", "a\nb\n", { old_string: "b", new_string: "c\nd" }, "a\nc\nd\n"],
  ["a byte order mark", "\ufeffa\nb\n", { old_string: "a\nb", new_string: "c" }, "\ufeffc\n"],
  ["dollar signs", "a b", { old_string: "a", new_string: "$& $1 $$ $`" }, "$& $1 $$ $` b"],
  ["regex characters over CRLF", "f(x)*[1]\r\n$y\r\n", { old_string: "f(x)*[1]\n$y", new_string: "ok" }, "ok\r\n"],
  ["deletion", "abc", { old_string: "b", new_string: "" }, "ac"],
  ["emoji", "a😀b", { old_string: "😀", new_string: "ü" }, "aüb"],
  ["replace_all", "a a a", { old_string: "a", new_string: "aa", replace_all: true }, "aa aa aa"],
  ["replace_all given as text", "a a", { old_string: "a", new_string: "b", replace_all: "true" }, "b b"],
  ["overlapping matches", "aaa", { old_string: "aa", new_string: "b", replace_all: true }, "ba"],
  ["to nothing at all", "abc", { old_string: "abc", new_string: "" }, ""],
])("%s", async (_, content, change, expected) => {
  using work = new Workspace()
  expect(await edited(work, content, change)).toBe(expected)
})

test("bytes that are not UTF-8 stay as they are", async () => {
  using work = new Workspace()
  await edited(work, Buffer.from("caf\xe9 one \xff\xfe ü\n", "latin1"), { old_string: "one", new_string: "zwölf" })
  expect(readFileSync(work.path("a"))).toEqual(
    Buffer.concat([Buffer.from("caf\xe9 ", "latin1"), Buffer.from("zwölf"), Buffer.from(" \xff\xfe ü\n", "latin1")]),
  )
})

test("text that is not there is answered with what is nearly it", async () => {
  using work = new Workspace()
  const code = "function a() {\n    return 1\n}\n\nfunction b() {\n\treturn computeSomething(2)\n}\n"
  const indent = await refused(work, code, { old_string: "function a() {\n  return 1\n}", new_string: "x" })
  expect(indent).toContain("but for white space, is at line 1:\n1\tfunction a() {\n2\t    return 1\n3\t}")
  const within = await refused(work, code, { old_string: "return  1", new_string: "x" })
  expect(within).toContain("line 2:\n2\t    return 1")
  const oneLine = await refused(work, code, {
    old_string: "function c() {\n\treturn computeSomething(2)\n}",
    new_string: "x",
  })
  expect(oneLine).toContain(
    "One of its lines is at line 6; there the file has:\n5\tfunction b() {\n6\t\treturn computeSomething(2)\n7\t}",
  )
  expect(await refused(work, code, { old_string: "nothing like it", new_string: "x" })).toContain("Read the file again")
})

test("line numbers that were copied along, and an edit that was made already, are recognised", async () => {
  using work = new Workspace()
  expect(await refused(work, "one\ntwo\n", { old_string: "1\tone\n2\ttwo", new_string: "x" })).toContain("line numbers")
  expect(await refused(work, "a\nnew name\n", { old_string: "old name", new_string: "new name" })).toContain(
    "there already (line 2)",
  )
})

test("several matches are told with their lines", async () => {
  using work = new Workspace()
  const message = await refused(work, "x\ny\nx\nx x\n", { old_string: "x", new_string: "z" })
  expect(message).toContain("4 times (lines 1, 3, 4, 4)")
  expect(message).toContain("replace_all")
})

test("calls that make no sense are told so", async () => {
  using work = new Workspace()
  expect(await refused(work, "a", { old_string: "a", new_string: "a" })).toContain("identical")
  expect(await refused(work, "a", { old_string: "", new_string: "b" })).toContain("old_string is empty")
  expect(await work.error("Edit", { file_path: "none", old_string: "a", new_string: "b" })).toContain("does not exist")
  expect(existsSync(work.path("none"))).toBe(false)
})

test("the mode stays", async () => {
  using work = new Workspace()
  chmodSync(work.put("a", "one"), 0o755)
  await work.text("Read", { file_path: "a" })
  await work.text("Edit", { file_path: "a", old_string: "one", new_string: "two" })
  expect(statSync(work.path("a")).mode & 0o777).toBe(0o755)
})

test("many and long changes are shown in part", async () => {
  using work = new Workspace()
  work.put("a", "x\n\n\n\n\n\n\n\n\n\n".repeat(9))
  await work.text("Read", { file_path: "a" })
  const many = await work.text("Edit", { file_path: "a", old_string: "x", new_string: "y", replace_all: true })
  expect(many).toStartWith("Edited a in 9 places.\n")
  expect(many).toEndWith("[and 4 more places]")
  const long = await work.text("Edit", {
    file_path: "a",
    old_string: "y",
    new_string: "z\n".repeat(500),
    replace_all: true,
  })
  expect(long.length).toBeLessThan(5000)
  expect(long).toContain("more changed lines]")
})
