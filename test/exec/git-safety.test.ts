import { expect, test } from "bun:test"
import { execFileSync } from "node:child_process"
import { existsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { filtersOff } from "../../src/exec/git-safety.ts"
import { quietGit } from "../../src/exec/quiet-git.ts"
import { temporaryFolder } from "../../testing/harness.ts"

const names = (...filters: string[]) => Buffer.from(filters.map((name) => `filter.${name}.clean\0`).join(""))

test("where it is not known which filters there are, no file may be compared", () => {
  expect(filtersOff({ code: null, out: names() })).toBeUndefined()
  expect(filtersOff({ code: 128, out: names() })).toBeUndefined()
  expect(filtersOff({ code: 1, out: names() })).toEqual([])
  expect(filtersOff({ code: 0, out: Buffer.from("filter.\xff.clean\0", "latin1") })).toBeUndefined()
  expect(filtersOff({ code: 0, out: names(...Array.from({ length: 51 }, (_, n) => `f${n}`)) })).toBeUndefined()
})

test("a repository's own clean filter does not run when its files are compared", async () => {
  using folder = temporaryFolder()
  const git = (...args: string[]) => execFileSync("git", ["-C", folder.path, ...args], { stdio: "pipe" })
  git("init", "-q")
  writeFileSync(join(folder.path, "a.txt"), "one\n")
  git("add", ".")
  const trace = join(folder.path, "ran")
  git("config", "filter.evil.clean", `touch ${trace}; cat`)
  writeFileSync(join(folder.path, ".gitattributes"), "* filter=evil\n")
  writeFileSync(join(folder.path, "a.txt"), "two\n")
  const quiet = await quietGit({ root: folder.path, env: process.env })
  const { out } = await quiet!(["diff", "--name-only"])
  expect(out?.toString()).toContain("a.txt")
  expect(existsSync(trace)).toBe(false)
  // The same with git alone shows that the filter is one that would run.
  git("diff", "--name-only")
  expect(existsSync(trace)).toBe(true)
})
