import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { PermissionMode } from "../../src/base/permission-mode.ts"
import { createDecider } from "../../src/permission/decide.ts"
import type { Decision, PermissionCall } from "../../src/permission/permission.ts"
import { parseRules } from "../../src/permission/rules.ts"
import { bash, CWD, call, HOME } from "./calls.ts"

function decide(request: PermissionCall, { allow = "", deny = "", only = "" } = {}): Decision {
  return createDecider({ allow: parseRules(allow), deny: parseRules(deny), only: parseRules(only), home: HOME })(
    request,
  )
}

const edit = (path: string, mode: PermissionMode = "default") => call("Edit", { file_path: path }, { mode })

describe("order", () => {
  test.each(["default", "acceptEdits", "plan", "bypassPermissions"] as const)(
    "a deny rule holds in mode %s, whatever is allowed",
    (mode) => {
      expect(decide(bash("rm x", { mode }), { allow: "Bash", deny: "Bash(rm:*)" }).type).toBe("deny")
      expect(
        decide(call("Read", { file_path: ".env" }, { mode, readOnly: true }), { allow: "Read", deny: "Read(.env)" })
          .type,
      ).toBe("deny")
      expect(decide(edit("src/a", mode), { deny: "Edit" }).type).toBe("deny")
    },
  )

  test("a denial names its rule", () => {
    expect(decide(bash("rm x"), { deny: "Bash(ls),Bash(rm:*)" })).toEqual({
      type: "deny",
      reason: "the rule Bash(rm:*) forbids it.",
    })
  })

  test("allow rules give what the mode does not", () => {
    expect(decide(bash("npm test")).type).toBe("ask")
    expect(decide(bash("npm test | tail -3"), { allow: "Bash(npm test)" }).type).toBe("allow")
    expect(decide(bash("cd sub && npm test"), { allow: "Bash(npm test)" }).type).toBe("ask")
    expect(decide(edit("src/a"), { allow: "Edit(src/**)" }).type).toBe("allow")
  })

  test("limits of an agent hold whatever else is allowed, but forbid nothing about other tools", () => {
    const limits = { allow: "Bash", only: "Bash(git log:*)" }
    expect(decide(bash("git log -3"), limits).type).toBe("allow")
    expect(decide(bash("npm test", { mode: "bypassPermissions" }), limits).type).toBe("deny")
    expect(decide(bash("ls"), limits).type).toBe("deny")
    expect(decide(call("Read", { file_path: "a" }, { readOnly: true }), limits).type).toBe("allow")
  })
})

describe("modes", () => {
  test("bypassPermissions allows everything that is not denied", () => {
    expect(decide(bash("rm -rf $x", { mode: "bypassPermissions" })).type).toBe("allow")
  })

  test("plan allows reading and nothing else, even if a rule does", () => {
    const rules = { allow: "Bash Edit Write" }
    expect(decide(bash("ls | wc -l", { mode: "plan" }), rules).type).toBe("allow")
    expect(decide(call("Read", { file_path: "a" }, { mode: "plan", readOnly: true }), rules).type).toBe("allow")
    expect(decide(bash("npm test", { mode: "plan" }), rules).type).toBe("deny")
    expect(decide(edit("a", "plan"), rules).type).toBe("deny")
    expect(decide(call("mcp__db__drop", {}, { mode: "plan" }), { allow: "mcp__db" }).type).toBe("deny")
  })

  test.each([
    ["src/a.ts", "allow"],
    ["new/deep/a.ts", "allow"],
    [`${CWD}/a`, "allow"],
    [".github/workflows/ci.yml", "allow"],
    ["..a", "allow"],
    ["../a", "ask"],
    ["src/../../a", "ask"],
    ["/etc/passwd", "ask"],
    ["~/.bashrc", "ask"],
    [`${CWD}-evil/a`, "ask"],
    [".", "ask"],
    [".git/config", "ask"],
    [".git/hooks/pre-commit", "ask"],
    ["sub/.git/config", "ask"],
    [".GIT/config", "ask"],
    [".meanwhile/settings.json", "ask"],
    [".claude/settings.json", "ask"],
    [".mcp.json", "ask"],
    [".envrc", "ask"],
    [".vscode/tasks.json", "ask"],
    ["src/.npmrc", "ask"],
  ])("acceptEdits on %j: %s", (path, expected) => {
    expect(decide(edit(path, "acceptEdits")).type).toBe(expected as "allow")
    expect(decide(call("Write", { file_path: path }, { mode: "acceptEdits" })).type).toBe(expected as "allow")
  })

  test("acceptEdits accepts edits, not commands", () => {
    expect(decide(bash("touch a", { mode: "acceptEdits" })).type).toBe("ask")
    expect(decide(call("mcp__fs__write", { file_path: "a" }, { mode: "acceptEdits" })).type).toBe("ask")
  })

  test("acceptEdits leaves the dot files of the home folder alone", () => {
    const at = (path: string) => decide(call("Write", { file_path: path }, { mode: "acceptEdits", cwd: HOME })).type
    expect(at("notes.txt")).toBe("allow")
    expect(at(".anything")).toBe("ask")
    expect(at(".config/autostart/x")).toBe("ask")
    expect(at("shop/.eslintrc")).toBe("allow")
  })
})

describe("links under acceptEdits", () => {
  let root: string
  let cwd: string
  beforeAll(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), "decide-")))
    cwd = join(root, "work")
    mkdirSync(join(root, "outside"))
    mkdirSync(join(cwd, ".git"), { recursive: true })
    symlinkSync("../outside", join(cwd, "out"))
    symlinkSync(".git", join(cwd, "innocent"))
    symlinkSync("../outside/new", join(cwd, "dangling"))
    symlinkSync("work", join(root, "alias"))
  })
  afterAll(() => rmSync(root, { recursive: true }))

  test.each([
    ["out/a", "ask"],
    ["innocent/config", "ask"],
    ["dangling", "ask"],
    ["plain/a", "allow"],
  ])("%s: %s", (path, expected) => {
    expect(decide(call("Write", { file_path: path }, { mode: "acceptEdits", cwd })).type).toBe(expected as "ask")
  })

  test("a working folder that is itself reached by a link is the folder it leads to", () => {
    expect(decide(call("Write", { file_path: "a" }, { mode: "acceptEdits", cwd: join(root, "alias") })).type).toBe(
      "allow",
    )
  })
})

describe("reading", () => {
  test("tools that only read, and commands on the list, need no permission", () => {
    expect(decide(call("Read", { file_path: "/etc/hosts" }, { readOnly: true })).type).toBe("allow")
    expect(decide(call("TaskList", {}, { readOnly: true })).type).toBe("allow")
    expect(decide(bash("git status && ls")).type).toBe("allow")
    expect(decide(call("Monitor", { command: "tail -f log" })).type).toBe("allow")
  })

  test("a shell tool is judged by its command, whatever it says of itself", () => {
    expect(decide(bash("rm x", { readOnly: true })).type).toBe("ask")
    expect(decide(call("Bash", {}, { readOnly: true })).type).toBe("ask")
    expect(decide(call("Bash", { command: ["ls"] })).type).toBe("ask")
  })

  test.each(["cat *", "cat .e*", "grep -r KEY .", "grep -nR KEY", "rg KEY", "diff -r a b", "cd sub && cat a"])(
    "while a rule hides files, %j may meet them and is asked about",
    (command) => {
      expect(decide(bash(command)).type).toBe("allow")
      expect(decide(bash(command), { deny: "Read(.env)" }).type).toBe("ask")
      expect(decide(bash("cat a | grep x"), { deny: "Read(.env)" }).type).toBe("allow")
    },
  )
})

describe("asking offers a rule", () => {
  test.each([
    ["npm test -- --watch", "Bash(npm test:*)"],
    ["npm run build", "Bash(npm run build:*)"],
    ["git add .", "Bash(git add:*)"],
    ["git push origin main", "Bash(git push origin main)"],
    ["git -C x gc", "Bash(git -C x gc)"],
    ["cargo build --release", "Bash(cargo build:*)"],
    ["rm -rf build", "Bash(rm -rf build)"],
    ["python3 x.py", "Bash(python3 x.py)"],
    ["npm exec evil", "Bash(npm exec evil)"],
    ["make && make install", "Bash(make && make install)"],
    ["node -e 'f()'", "Bash(node -e 'f\\(\\)')"],
  ])("%j: %s", (command, rule) => {
    expect(decide(bash(command))).toEqual({ type: "ask", rule })
  })

  test.each([
    ["Edit", { file_path: "src/tool/a.ts" }, "Edit(./src/tool/**)"],
    ["Write", { file_path: "src/tool/a.ts" }, "Edit(./src/tool/**)"],
    ["Write", { file_path: "a.ts" }, "Edit(./a.ts)"],
    ["Write", { file_path: "/tmp/out/a" }, "Edit(//tmp/out/**)"],
    ["Write", { file_path: "app/[id]/a" }, "Edit(./app/\\\\[id\\\\]/**)"],
    ["Edit", { file_path: ".git/config" }, "Edit(./.git/config)"],
    ["WebFetch", { url: "https://x.org/a" }, "WebFetch(domain:x.org)"],
    ["Skill", { skill: "deploy" }, "Skill(deploy)"],
    ["mcp__db__query", { sql: "x" }, "mcp__db__query"],
  ])("%s %j: %s", (tool, input, rule) => {
    expect(decide(call(tool, input))).toEqual({ type: "ask", rule })
  })

  test.each([
    bash("npm test -- --watch"),
    bash("git push origin main"),
    bash("for f in *; do rm $f; done"),
    bash("echo '(' > a, b"),
    call("Edit", { file_path: "src/tool/a.ts" }),
    call("Write", { file_path: "a (b), c.ts" }),
    call("Write", { file_path: "app/[id]/{x}/a" }),
    call("Write", { file_path: "/tmp/out/a" }),
    call("Write", { file_path: "/file" }),
    call("WebFetch", { url: "https://x.org/a" }),
    call("Agent", { subagent_type: "a (b)" }),
    call("mcp__db__query", {}),
  ])("that allows the same call the next time", (request) => {
    const first = decide(request)
    expect(first.type).toBe("ask")
    expect(decide(request, { allow: first.type === "ask" ? first.rule : "" }).type).toBe("allow")
  })
})
