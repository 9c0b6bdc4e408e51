import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { realPathOf, resolveFilePath } from "../../src/base/file-path.ts"

test.each([
  ["a", "/w/a"],
  ["./a/../b", "/w/b"],
  ["/a//b/", "/a/b"],
  ["~", "/home/ada"],
  ["~/a", "/home/ada/a"],
  ["~ada/a", "/w/~ada/a"],
  ["a/~", "/w/a/~"],
  [" a ", "/w/ a "],
])("%j means %s", (path, expected) => {
  expect(resolveFilePath(path, { cwd: "/w", home: "/home/ada" })).toBe(expected)
})

let root: string
beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "file-path-")))
  mkdirSync(join(root, "real/deep"), { recursive: true })
  symlinkSync("real", join(root, "link"))
  symlinkSync("link/deep/new/file", join(root, "dangling"))
  symlinkSync("dangling", join(root, "twice"))
  symlinkSync("loop", join(root, "loop"))
  symlinkSync("../loop-b/x", join(root, "loop-a"))
  symlinkSync("../loop-a/x", join(root, "loop-b"))
})
afterAll(() => rmSync(root, { recursive: true }))

test.each([
  ["real/deep", "real/deep"],
  ["link/deep", "real/deep"],
  ["link/none/a", "real/none/a"],
  ["dangling", "real/deep/new/file"],
  ["twice", "real/deep/new/file"],
  ["none", "none"],
])("%s leads to %s", (path, expected) => {
  expect(realPathOf(join(root, path))).toBe(join(root, expected))
})

test("a loop of links comes to an end", () => {
  expect(realPathOf(join(root, "loop/a"))).toContain(root)
  expect(realPathOf(join(root, "loop-a"))).toBeString()
})
