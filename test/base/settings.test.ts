// Settings files in their order, and what a repository may not decide.
import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { UserError } from "../../src/base/error.ts"
import { permissionModes } from "../../src/base/permission-mode.ts"
import { type LoadedSettings, loadSettings } from "../../src/base/settings.ts"

let folder: string
let home: { home: string; config: string; data: string }
let root: string
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "meanwhile-settings-")))
  home = { home: join(folder, "home"), config: join(folder, "home/.config/meanwhile"), data: join(folder, "data") }
  root = join(folder, "home/shop")
  mkdirSync(join(root, "app"), { recursive: true })
})
afterEach(() => rmSync(folder, { recursive: true }))

function write(path: string, content: unknown): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), typeof content === "string" ? content : JSON.stringify(content))
}
const load = (trusted: boolean, cwd = root): LoadedSettings => loadSettings({ cwd, root, home, trusted })
function mistake(): UserError {
  try {
    load(true)
  } catch (error) {
    if (error instanceof UserError) return error
    throw error
  }
  throw new Error("nothing was thrown")
}

describe("order", () => {
  test("no files are no settings", () => {
    expect(load(false)).toEqual({ settings: { extra: {} }, ruleFiles: new Map(), withheld: [], notes: [] })
  })
  test("each file goes over the ones before it", () => {
    const order = [
      "home/.claude/settings.json",
      "home/.config/meanwhile/settings.json",
      "home/shop/.claude/settings.json",
      "home/shop/.meanwhile/settings.json",
      "home/shop/app/.claude/settings.json",
      "home/shop/app/.meanwhile/settings.json",
      "home/shop/.claude/settings.local.json",
      "home/shop/.meanwhile/settings.local.json",
      "home/shop/app/.claude/settings.local.json",
      "home/shop/app/.meanwhile/settings.local.json",
    ]
    for (const path of order) {
      write(path, { model: path })
      expect(load(false, join(root, "app")).settings.model).toBe(path)
    }
  })
  test("lists are joined, objects merged, the rest replaced", () => {
    write("home/.claude/settings.json", {
      permissions: { allow: ["Read"], deny: ["A"], defaultMode: "plan" },
      env: { A: "1", B: "1" },
    })
    write("home/.config/meanwhile/settings.json", {
      permissions: {
        allow: ["Grep", "Read"],
        ask: ["Bash"],
        defaultMode: "acceptEdits",
        additionalDirectories: ["/x"],
      },
      env: { B: 2, C: true },
      modelFallback: "scout",
      providers: {
        local: { kind: "openai-compatible", baseURL: "http://127.0.0.1:1/v1", apiKeyEnv: "KEY", headers: { a: "b" } },
      },
      models: {
        "local/qwen": {
          contextWindow: 32768,
          images: true,
          price: { input: 0.1, output: 0.2, above: { tokens: 1, input: 1, output: 2, cacheRead: 0 } },
          later: "unknown keys are left alone",
        },
      },
      modelAliases: { fast: "local/qwen" },
      idleTimeoutSeconds: 600,
      theme: "light",
      nested: { a: [1], b: { c: 1 } },
    })
    write("home/shop/.meanwhile/settings.json", { nested: { a: [2], b: { d: 2 } }, theme: "dark" })
    expect(load(true).settings).toEqual({
      permissions: { allow: ["Read", "Grep"], deny: ["A"], ask: ["Bash"], defaultMode: "acceptEdits" },
      env: { A: "1", B: "2", C: "true" },
      modelFallback: ["scout"],
      providers: {
        local: { kind: "openai-compatible", baseURL: "http://127.0.0.1:1/v1", apiKeyEnv: "KEY", headers: { a: "b" } },
      },
      models: {
        "local/qwen": {
          contextWindow: 32768,
          images: true,
          price: { input: 0.1, output: 0.2, above: { tokens: 1, input: 1, output: 2, cacheRead: 0 } },
        },
      },
      modelAliases: { fast: "local/qwen" },
      idleTimeoutSeconds: 600,
      extra: {
        theme: "dark",
        nested: { a: [1, 2], b: { c: 1, d: 2 } },
        permissions: { additionalDirectories: ["/x"] },
      },
    })
  })
  test("of Claude Code's files only the keys that both have are read", () => {
    write("home/.claude/settings.json", {
      model: "opus",
      hooks: { Stop: [] },
      enabledMcpjsonServers: ["a"],
      apiKeyHelper: "evil",
      providers: 7,
    })
    expect(load(false).settings).toEqual({
      model: "opus",
      extra: { hooks: { Stop: [] }, enabledMcpjsonServers: ["a"] },
    })
  })
  test("in the home folder the person's own files are not a repository's", () => {
    write("home/.claude/settings.json", { env: { A: "1" }, permissions: { allow: ["Read"] } })
    write("home/.meanwhile/settings.json", { env: { B: "1" } })
    const own = { ...home, config: join(home.home, ".meanwhile") }
    const { settings, notes } = loadSettings({ cwd: home.home, root: home.home, home: own, trusted: false })
    expect(settings.env).toEqual({ A: "1", B: "1" })
    expect(settings.permissions?.allow).toEqual(["Read"])
    expect(notes).toEqual([])
  })
})

describe("a repository that is not trusted", () => {
  test("cannot run, permit or redirect anything, and says so in one line", () => {
    write("home/.config/meanwhile/settings.json", { permissions: { defaultMode: "default", allow: ["Read"] } })
    write("home/shop/.claude/settings.json", { hooks: { Stop: [] }, env: { DEBUG: "1" } })
    write("home/shop/.meanwhile/settings.json", {
      permissions: { allow: ["Bash"], defaultMode: "bypassPermissions", additionalDirectories: ["/"] },
      mcpServers: { a: { command: "evil" } },
      statusLine: { command: "evil" },
    })
    const { settings, withheld, notes } = load(false)
    expect(settings).toEqual({ permissions: { allow: ["Read"], deny: [], ask: [], defaultMode: "default" }, extra: {} })
    const claude = "~/shop/.claude/settings.json"
    const own = "~/shop/.meanwhile/settings.json"
    expect(withheld).toEqual([
      { file: claude, key: "hooks", detail: '{"Stop":[]}', isUnused: true },
      { file: claude, key: "env", detail: "DEBUG=1" },
      { file: own, key: "mcpServers", detail: '{"a":{"command":"evil"}}', isUnused: true },
      { file: own, key: "permissions.allow", detail: "Bash" },
      { file: own, key: "permissions.defaultMode", detail: "bypassPermissions" },
    ])
    expect(load(true).withheld).toEqual([])
    expect(notes).toEqual([
      "This folder is not trusted, so these are ignored: hooks, env in ~/shop/.claude/settings.json; " +
        "mcpServers, permissions.allow, permissions.defaultMode in ~/shop/.meanwhile/settings.json. --trust uses them.",
    ])
  })
  test("can deny, ask, and choose the model and the plan mode", () => {
    write("home/shop/.claude/settings.json", {
      model: "opus",
      permissions: { deny: ["Read(.env)"], ask: ["Bash(git push:*)"], defaultMode: "plan" },
    })
    expect(load(false)).toEqual({
      settings: {
        model: "opus",
        permissions: { allow: [], deny: ["Read(.env)"], ask: ["Bash(git push:*)"], defaultMode: "plan" },
        extra: {},
      },
      ruleFiles: new Map([
        ["Read(.env)", "~/shop/.claude/settings.json"],
        ["Bash(git push:*)", "~/shop/.claude/settings.json"],
      ]),
      withheld: [],
      notes: [],
    })
  })
})

describe("a trusted repository", () => {
  test("is used as it is", () => {
    const content = {
      hooks: { Stop: [] },
      mcpServers: {},
      env: { DEBUG: "1" },
      permissions: { allow: ["Bash"], defaultMode: "acceptEdits" },
    }
    write("home/shop/.meanwhile/settings.local.json", content)
    const { settings, notes } = load(true)
    expect(settings).toEqual({
      env: { DEBUG: "1" },
      permissions: { allow: ["Bash"], deny: [], ask: [], defaultMode: "acceptEdits" },
      extra: { hooks: { Stop: [] }, mcpServers: {} },
    })
    expect(notes).toEqual([])
  })
  test("still cannot set what decides which program runs or where keys go", () => {
    const forbidden = [
      ...[
        "BUN_OPTIONS",
        "NODE_OPTIONS",
        "LD_PRELOAD",
        "DYLD_INSERT_LIBRARIES",
        "PATH",
        "Path",
        "HOME",
        "MEANWHILE_HOME",
      ],
      ...[
        "ANTHROPIC_BASE_URL",
        "ANTHROPIC_API_KEY",
        "OPENAI_BASE_URL",
        "GOOGLE_GEMINI_BASE_URL",
        "https_proxy",
        "OPENROUTER_BASE_URL",
        "MY_KEY",
      ],
    ]
    write("home/.config/meanwhile/settings.json", {
      providers: { mine: { kind: "anthropic", baseURL: "https://me", apiKeyEnv: "MY_KEY" } },
    })
    write("home/shop/.meanwhile/settings.json", {
      env: Object.fromEntries([...forbidden, "DEBUG", "XPATH", "MY_LD_X", "AWS_REGION"].map((name) => [name, "x"])),
      providers: { mine: { kind: "anthropic", baseURL: "https://evil" } },
      models: { "mine/m": { price: { input: 0, output: 0 } } },
      modelAliases: { sonnet: "mine/m" },
      idleTimeoutSeconds: 1,
    })
    const { settings, notes } = load(true)
    expect(Object.keys(settings.env ?? {})).toEqual(["DEBUG", "XPATH", "MY_LD_X", "AWS_REGION"])
    expect(settings.providers?.mine?.baseURL).toBe("https://me")
    for (const key of ["models", "modelAliases", "idleTimeoutSeconds"]) expect(settings).not.toHaveProperty(key)
    const personal = ["providers", "models", "modelAliases", "idleTimeoutSeconds"]
    const listed = [...personal, ...forbidden.map((name) => `env.${name}`)].join(", ")
    expect(notes).toEqual([
      `A repository cannot set these, so they are ignored: ${listed} in ~/shop/.meanwhile/settings.json. They work in ~/.config/meanwhile/settings.json.`,
    ])
  })
  test("has its names shown harmlessly and not at any length", () => {
    const env = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`LD_\x1b[2J\n${index}`, "x"]))
    write("home/shop/.meanwhile/settings.json", { env })
    const [note] = load(true).notes
    expect(note).toContain("env.LD_\\x1b[2J\\n0, env.LD_")
    expect(note!.length).toBeLessThan(700)
  })
  test("may not say which private addresses are fetched from; the person's own file may", () => {
    const webFetch = { allowPrivate: ["10.0.0.0/8"], proxy: "ignore" }
    write("home/shop/.meanwhile/settings.json", { webFetch })
    const refused = load(true)
    expect(refused.settings.webFetch).toBeUndefined()
    expect(refused.notes[0]).toContain("webFetch in ~/shop/.meanwhile/settings.json")
    write("home/.config/meanwhile/settings.json", { webFetch: { allowPrivate: ["localhost:3000"] } })
    expect(load(true).settings.webFetch).toEqual({ allowPrivate: ["localhost:3000"], proxy: "refuse" })
  })
  test("how long sessions and output are kept is the person's own", () => {
    write("home/shop/.meanwhile/settings.json", { storage: { removeSessionDays: 1 } })
    const refused = load(true)
    expect(refused.settings.storage).toBeUndefined()
    expect(refused.notes[0]).toContain("storage in ~/shop/.meanwhile/settings.json")
    write("home/.config/meanwhile/settings.json", { storage: { removeSessionDays: 400, commandOutputMb: 0.5 } })
    expect(load(true).settings.storage).toEqual({ removeSessionDays: 400, commandOutputMb: 0.5 })
  })
  test("the person's own file may set them", () => {
    write("home/.config/meanwhile/settings.json", { env: { ANTHROPIC_BASE_URL: "https://proxy" } })
    expect(load(false).settings.env).toEqual({ ANTHROPIC_BASE_URL: "https://proxy" })
  })
})

describe("mistakes", () => {
  const own = "home/.config/meanwhile/settings.json"
  const corpus: [content: unknown, message: string][] = [
    ['{\n  "model": "x",\n}', ':3:1: a "," before "}" is not allowed'],
    [[], ": the whole file must be an object, but is []"],
    [{ model: 7 }, ": model must be a text that is not empty, but is 7"],
    [{ permissions: { allow: "Read" } }, ': permissions.allow must be a list of texts, but is "Read"'],
    [{ permissions: { deny: [1] } }, ": permissions.deny must be a list of texts, but is [1]"],
    [
      { permissions: { defaultMode: "yolo" } },
      ': permissions.defaultMode must be one of default, acceptEdits, plan, bypassPermissions, but is "yolo"',
    ],
    [{ env: { A: { b: 1 } } }, ': env.A must be a text, but is {"b":1}'],
    [{ env: { "A=B": "c" } }, ': env must be made of names without "=", but is "A=B"'],
    [
      { providers: { x: { baseURL: "http://a" } } },
      ": providers.x.kind must be one of anthropic, openai, openai-compatible, google, bedrock, but is missing",
    ],
    [
      { providers: { x: { kind: "anthropic", baseURL: "a" } } },
      ': providers.x.baseURL must be an address that begins with http:// or https://, but is "a"',
    ],
    [{ modelFallback: ["opus", ""] }, ': modelFallback[1] must be a text that is not empty, but is ""'],
    [{ models: { qwen: {} } }, ': models must be made of "provider/model" names, but is "qwen"'],
    [
      { models: { "a/b": { contextWindow: "32k" } } },
      ': models.a/b.contextWindow must be a number over 0, but is "32k"',
    ],
    [{ models: { "a/b": { images: "no" } } }, ': models.a/b.images must be true or false, but is "no"'],
    [{ models: { "a/b": { price: { input: 1 } } } }, ": models.a/b.price.output must be a number, but is missing"],
    [
      { models: { "a/b": { price: { input: -1, output: 1 } } } },
      ": models.a/b.price.input must be a number, but is -1",
    ],
    [{ modelAliases: { fast: 1 } }, ": modelAliases.fast must be a text that is not empty, but is 1"],
    [{ idleTimeoutSeconds: 0 }, ": idleTimeoutSeconds must be a number over 0, but is 0"],
    [{ webFetch: { allowPrivate: "x" } }, ': webFetch.allowPrivate must be a list of texts, but is "x"'],
    [{ webFetch: { proxy: "use" } }, ': webFetch.proxy must be one of refuse, ignore, but is "use"'],
    [{ "env\n": 1, env: "\x1b" }, ': env must be an object, but is "\\u001b"'],
  ]
  for (const [content, message] of corpus) {
    test(`name file and key: ${message}`, () => {
      write(own, content)
      const error = mistake()
      expect(error.message).toBe(`~/.config/meanwhile/settings.json${message}`)
      expect(error.exit).toBe(2)
    })
  }
  test("in a repository stop the program too: a rule that denies could be in there", () => {
    write("home/shop/.meanwhile/settings.json", "{")
    expect(mistake().message).toBe('~/shop/.meanwhile/settings.json:1:2: "}" is missing at the end')
  })
  test("modes that only Claude Code has are no mistake in its files", () => {
    write("home/.claude/settings.json", { permissions: { defaultMode: "dontAsk" } })
    expect(load(false).settings.permissions).toEqual({ allow: [], deny: [], ask: [] })
  })
  test("an empty file and a byte order mark are none", () => {
    write(own, " \n")
    write("home/.claude/settings.json", '\ufeff{"model": "opus"}')
    expect(load(false).settings).toEqual({ model: "opus", extra: {} })
  })
  test("a file that cannot be read is named", () => {
    write("home/shop/.meanwhile/settings.json", " ".repeat(1024 * 1024 + 1))
    expect(mistake().message).toBe("~/shop/.meanwhile/settings.json is larger than 1024 KB")
  })
})

test("keys with a meaning for JavaScript change no prototype", () => {
  write(
    "home/.config/meanwhile/settings.json",
    '{"__proto__": {"a": 1}, "env": {"__proto__": "x"}, "constructor": {"b": 1}}',
  )
  write("home/shop/.meanwhile/settings.json", '{"__proto__": {"c": 1}}')
  const { extra, env } = load(true).settings
  expect(Object.getPrototypeOf(extra)).toBe(Object.prototype)
  expect(Object.keys(extra)).toEqual(["__proto__", "constructor"])
  expect(Object.keys(env ?? {})).toEqual(["__proto__"])
})

test("the modes are those of the permissions", () => {
  for (const defaultMode of permissionModes) {
    write("home/.config/meanwhile/settings.json", { permissions: { defaultMode } })
    expect(load(false).settings.permissions?.defaultMode).toBe(defaultMode)
  }
})

test("compactAt is a share, and the person's own", () => {
  write("home/.config/meanwhile/settings.json", { compactAt: 0.5 })
  write("home/shop/.meanwhile/settings.json", { compactAt: 0.01 })
  const { settings, notes } = load(true)
  expect(settings.compactAt).toBe(0.5)
  expect(notes.join()).toContain("compactAt in ~/shop/.meanwhile/settings.json")
  for (const wrong of [80, -0.1, "0.8", null]) {
    write("home/.config/meanwhile/settings.json", { compactAt: wrong })
    expect(mistake().message).toContain("compactAt")
    expect(mistake().message).toContain("a number from 0 to 1")
  }
})
