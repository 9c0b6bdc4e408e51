import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { readFilter } from "../../src/permission/deny-rules.ts"
import { deniedBy, isAllowedBy } from "../../src/permission/rule-match.ts"
import { parseRules } from "../../src/permission/rules.ts"
import { CWD, call, HOME } from "./calls.ts"

const allows = (rules: string, path: string, tool = "Edit") =>
  isAllowedBy(parseRules(rules), call(tool, { file_path: path }), { home: HOME })
const denies = (rules: string, path: string, tool = "Read") =>
  deniedBy(parseRules(rules), call(tool, { file_path: path }), HOME) !== undefined

test.each([
  ["Edit(src/**)", "src/a.ts", true],
  ["Edit(src/**)", "./src/b/c.ts", true],
  ["Edit(src/**)", `${CWD}/src/a.ts`, true],
  ["Edit(src/**)", "~/shop/src/a.ts", true],
  ["Edit(src/**)", "src", false],
  ["Edit(src/**)", "lib/src/a.ts", false],
  ["Edit(src/**)", "src/../a.ts", false],
  ["Edit(src/**)", "src/../../../etc/passwd", false],
  ["Edit(src/**)", "/src/a.ts", false],
  ["Edit(src/**)", "SRC/a.ts", false],
  ["Edit(/src/**)", "src/a.ts", true],
  ["Edit(/src/**)", "/src/a.ts", false],
  ["Edit(//tmp/out/**)", "/tmp/out/a", true],
  ["Edit(//tmp/out/**)", "tmp/out/a", false],
  ["Edit(~/notes/**)", "~/notes/a", true],
  ["Edit(~/notes/**)", "../notes/a", true],
  ["Edit(~/notes/**)", "notes/a", false],
  ["Edit(src)", "src/a/b.ts", true],
  ["Edit(src/)", "src/a/b.ts", true],
  ["Edit(src/*)", "src/a.ts", true],
  ["Edit(src/*)", "src/a/b.ts", false],
  ["Edit(*.md)", "docs/a.md", true],
  ["Edit(./*.md)", "docs/a.md", false],
  ["Edit(./*.md)", "a.md", true],
  ["Edit(*.{md,txt})", "a.txt", true],
  ["Edit(../lib/**)", "../lib/a", true],
  ["Edit(**)", "a/b", true],
  ["Edit(**)", "../b", false],
  ["Edit(*)", "/etc/passwd", true],
  ["Edit(a\\*b)", "a*b", true],
  ["Edit(a\\*b)", "axb", false],
  ["Edit(über/**)", "u\u0308ber/a", true],
])("%s on %j allows: %p", (rules, path, expected) => {
  expect(allows(rules, path)).toBe(expected)
})

test.each([
  ["Read(.env)", ".env", true],
  ["Read(.env)", "a/b/.env", true],
  ["Read(.env)", "/elsewhere/.env", true],
  ["Read(.env)", ".ENV", true],
  ["Read(.env)", ".env.example", false],
  ["Read(.env*)", ".env.local", true],
  ["Read(secrets)", "secrets/deep/a", true],
  ["Read(secrets/*)", "secrets/deep/a", true],
  ["Read(/etc/**)", "/etc/passwd", true],
  ["Read(/etc/**)", "etc/passwd", true],
  ["Read(~/.ssh/**)", "/home/ada/.ssh/id", true],
  ["Read(//**/id_rsa)", "/x/id_rsa", true],
  ["Read(**/secret)", "/elsewhere/secret", true],
  ["Read(src/**)", "lib/a", false],
])("%s on %j forbids: %p", (rules, path, expected) => {
  expect(denies(rules, path)).toBe(expected)
})

test("rules for Edit are about Write too, and rules for Read about searches", () => {
  expect(allows("Edit(src/**)", "src/a", "Write")).toBe(true)
  expect(allows("Write(src/**)", "src/a", "Edit")).toBe(false)
  const search = (tool: string, input: unknown) =>
    deniedBy(parseRules("Read(secrets/**)"), call(tool, input), HOME) !== undefined
  expect(search("Grep", { pattern: "x", path: "secrets/deep" })).toBe(true)
  expect(search("Glob", { pattern: "*.pem", path: "secrets/deep" })).toBe(true)
  expect(search("Glob", { pattern: "secrets/*.pem" })).toBe(true)
  expect(search("Grep", { pattern: "x" })).toBe(false)
})

test("a call without a path matches no rule that has one", () => {
  expect(isAllowedBy(parseRules("Edit(src/**)"), call("Edit", {}), { home: HOME })).toBe(false)
  expect(isAllowedBy(parseRules("Edit(src/**)"), call("Edit", null), { home: HOME })).toBe(false)
  expect(isAllowedBy(parseRules("Edit(src/**)"), call("Edit", { file_path: 5 }), { home: HOME })).toBe(false)
})

describe("links", () => {
  let cwd: string
  beforeAll(() => {
    cwd = realpathSync(mkdtempSync(join(tmpdir(), "path-rules-")))
    for (const folder of ["src", "secrets", "outside"]) mkdirSync(join(cwd, folder))
    writeFileSync(join(cwd, "secrets/key"), "x")
    symlinkSync(join(cwd, "outside"), join(cwd, "src/out"))
    symlinkSync("../secrets/key", join(cwd, "src/innocent"))
    symlinkSync("/nowhere/at/all", join(cwd, "src/dangling"))
    symlinkSync("loop", join(cwd, "src/loop"))
  })
  afterAll(() => rmSync(cwd, { recursive: true }))

  const allowed = (path: string) =>
    isAllowedBy(parseRules("Edit(src/**)"), call("Edit", { file_path: path }, { cwd }), { home: HOME })

  test("do not lead out of what is allowed, also when nothing is there yet", () => {
    expect(allowed("src/new/a")).toBe(true)
    expect(allowed("src/out/new")).toBe(false)
    expect(allowed("src/innocent")).toBe(false)
    expect(allowed("src/dangling")).toBe(false)
    expect(allowed("src/loop")).toBe(true)
  })

  test("do not lead around what is forbidden", () => {
    const rules = parseRules("Read(secrets/**)")
    expect(deniedBy(rules, call("Read", { file_path: "src/innocent" }, { cwd }), HOME)).toBeDefined()
    expect(deniedBy(rules, call("Bash", { command: "cat src/innocent" }, { cwd }), HOME)).toBeDefined()
    expect(deniedBy(rules, call("Read", { file_path: "src/new" }, { cwd }), HOME)).toBeUndefined()
  })
})

test("a filter for searches leaves out what a Read rule forbids", () => {
  const mayRead = readFilter({ deny: parseRules("Read(.env), Edit(src/**), Bash(rm:*)"), cwd: CWD, home: HOME })
  expect(mayRead(`${CWD}/a/.env`)).toBe(false)
  expect(mayRead(`${CWD}/src/a`)).toBe(true)
})
