// Settings and agent files that are anything but what they should be: named with their place and what is wrong; what
// has no such file, or a harmless one, goes on.
import { describe, expect, test } from "bun:test"
import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { type Workbench, workbench } from "../../testing/headless.ts"
import { ACTS, type Case, expectClear, flaws, inTurn, PATIENCE_MS, testCases } from "./clear.ts"

type Content = string | Uint8Array | ((path: string) => void)

const ASK = ["-p", "hi", "--model", "scout"]
const isRoot = process.getuid?.() === 0

function put(path: string, content: Content): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  if (typeof content === "function") content(path)
  else writeFileSync(path, content)
}

const fifo = (path: string) => void Bun.spawnSync(["mkfifo", path])
const link = (to: string) => (path: string) => symlinkSync(to, path)
const folder = (path: string) => void mkdirSync(path)
const unreadable = (path: string) => {
  writeFileSync(path, "{}")
  chmodSync(path, 0)
}
const utf16 = (text: string) => new Uint8Array(Buffer.from(`\ufeff${text}`, "utf16le"))

describe("the folder's settings", () => {
  const refused = (name: string, content: Content, says: RegExp): Case => ({
    name,
    args: ASK,
    exit: 2,
    says: new RegExp(`~/work/.meanwhile/settings.json.*${says.source}`),
    before: ({ cwd }) => put(join(cwd, ".meanwhile/settings.json"), content),
  })
  testCases([
    refused("cut off", "{", /:1:2: "\}" is missing/),
    refused("a list", "[1,2]", /must be an object, but is \[1,2\]/),
    refused("null", "null", /must be an object/),
    refused("comments", '{\n// no\n"a":1}', /:2:1: comments are not allowed/),
    refused("Windows line ends and a comma too many", '{"model":\r\n "x",\r\n}', /:3:1: a "," before/),
    refused("a byte of NUL behind the end", "{}\0", /:1:3: nothing may follow/),
    refused("UTF-16", utf16("{}"), /not text in UTF-8/),
    refused("Latin-1", new Uint8Array([0x7b, 0x22, 0xe9, 0x22, 0x7d]), /not text in UTF-8/),
    refused("a text that holds an escape", `{"${ACTS}`, /:1:2: this text/),
    refused("nested without end", "[".repeat(200_000), /is missing at the end/),
    refused("huge", " ".repeat(3_000_000), /larger than 1024 KB/),
    refused("a folder", folder, /not a regular file/),
    refused("a pipe that nobody writes to", fifo, /not a regular file/),
    refused("a device without end", link("/dev/zero"), /not a regular file/),
    refused("a link to itself", link("settings.json"), /too many symbolic links/),
    refused("a model that is a number", '{"model": 3}', /model must be a text/),
    refused(
      "rules that are no list",
      '{"permissions": {"deny": "Read"}}',
      /deny must be a list of texts, but is "Read"/,
    ),
    refused("a rule that is a number", '{"permissions": {"deny": [3]}}', /deny must be a list of texts/),
    refused("a rule without its end", '{"permissions": {"deny": ["Bash("]}}', /the "\)" is missing, at character 5/),
    refused("a rule made of escapes", JSON.stringify({ permissions: { deny: [ACTS] } }), /no tool's name/),
    refused("a mode that there is not", '{"permissions": {"defaultMode": "yolo"}}', /one of default.*"yolo"/),
    refused("a variable that is an object", '{"env": {"A": {}}}', /env\.A must be a text/),
  ])
  test.if(!isRoot)("that nobody may read", async () => {
    await using bench = workbench()
    put(join(bench.cwd, ".meanwhile/settings.json"), unreadable)
    expectClear(await bench.run(ASK), { exit: 2, says: /cannot be read/ })
  })
})

describe("the person's settings", () => {
  const refused = (name: string, content: object | string, says: RegExp, args = ASK): Case => ({
    name,
    args,
    exit: 2,
    says,
    before: ({ home }) =>
      put(join(home, "settings.json"), typeof content === "string" ? content : JSON.stringify(content)),
  })
  const provider = (fields: object) => ({
    providers: { a: { kind: "openai-compatible", baseURL: "http://127.0.0.1:1/v1", ...fields } },
  })
  testCases([
    refused("providers that are a number", { providers: 3 }, /settings\.json: providers must be an object/),
    refused("a provider that is nothing", { providers: { a: null } }, /providers\.a must be an object/),
    refused("a kind that there is not", provider({ kind: "ftp" }), /providers\.a\.kind must be one of anthropic/),
    refused("an address that is none", provider({ baseURL: "localhost" }), /baseURL must be an address/),
    refused("an address that is missing", provider({ baseURL: undefined }), /baseURL must be.*but is missing/),
    refused("a header's name with a newline", provider({ headers: { "a\nb": "x" } }), /header names, but is "a\\nb"/),
    refused(
      "a header's value with a newline",
      provider({ headers: { a: "x\ny: z" } }),
      /headers\.a must be a text that/,
    ),
    refused("a provider's name with a slash", { providers: { "a/b": provider({}).providers.a } }, /without "\/"/),
    refused("a provider's name made of escapes", { providers: { [ACTS]: 3 } }, /providers\.\\x1b/),
    refused(
      "a provider's name that is taken",
      { providers: { anthropic: provider({}).providers.a } },
      /"anthropic" is built in.*ANTHROPIC_BASE_URL/,
      ["-p", "hi", "--model", "anthropic/m"],
    ),
    refused("a model's name without a slash", { models: { x: {} } }, /"provider\/model" names/),
    refused("a window below nothing", { models: { "x/y": { contextWindow: -3 } } }, /a number over 0, but is -3/),
    refused("a window without end", '{"models": {"x/y": {"contextWindow": 1e999}}}', /but is Infinity/),
    refused("a time that is a text", { idleTimeoutSeconds: "3" }, /idleTimeoutSeconds must be a number/),
    refused("an alias that is a number", { modelAliases: { a: 3 } }, /modelAliases\.a must be a text/),
    refused("an alias of itself", { modelAliases: { a: "a" } }, /no model "a"/, ["-p", "hi", "--model", "a"]),
    refused("a fallback that is a number", { modelFallback: 3 }, /modelFallback must be a text/),
    refused("a variable with an equals sign", { env: { "A=B": "x" } }, /names without "="/),
    refused("a variable with NUL", { env: { A: "x\0y" } }, /env\.A must be a text without NUL/),
    refused("a model made of escapes", { model: ACTS }, /no model "\\x1b/, ["-p", "hi"]),
    refused("a proxy rule that there is not", { webFetch: { proxy: "x" } }, /one of refuse, ignore/),
  ])
})

describe("settings that are harmless", () => {
  const used = (name: string, content: Content): Case => ({
    name,
    args: ASK,
    exit: 0,
    says: /offline scout/,
    before: ({ cwd }) => put(join(cwd, ".meanwhile/settings.json"), content),
  })
  testCases([
    used("a byte order mark", "\ufeff{}"),
    used("nothing but line ends", "\r\n\r\n"),
    used("the same key twice", '{"a": 1, "a": 2}'),
    used("5,000 objects in each other", '{"a":'.repeat(5000) + 1 + "}".repeat(5000)),
    used("a link to nowhere", link("nowhere")),
    used("a pattern that no file could have", '{"permissions": {"deny": ["Read([)", "Edit(***/**[z-a]{)"]}}'),
    used("a key of every object", '{"__proto__": {"model": "x"}, "constructor": 3}'),
    { ...used("a file where the folder is looked for", ""), before: ({ cwd }) => put(join(cwd, ".meanwhile"), "x") },
  ])
})

describe("agent files", () => {
  const head = (lines: string) => `---\n${lines}\n---\nDo it.`
  /** 0: it is used, without what is wrong in it. */
  const files: [string, Content, RegExp, 0?][] = [
    ["empty", "", /:1: the file is empty/],
    ["no head", "hello", /:1: the file must begin with front matter/],
    ["a head without its end", "---\nname: x\n", /:1: the front matter has no closing line/],
    ["a list that does not end", head("name: [a"), /:2:9: /],
    ["tabs", head("name: a\n\tdescription: b"), /:3:1: Tabs are not allowed/],
    ["a key twice", head("name: a\nname: b"), /:3:1: Map keys must be unique/],
    ["a list as the head", head("- a\n- b"), /lines `key: value`/],
    ["a tag", head('!!js/function "x"'), /lines `key: value`/],
    ["an alias of itself", head("name: a\ndescription: &a [*a]"), /:3: description: must be a text/, 0],
    ["no instructions", "---\nname: a\ndescription: b\n---\n", /there are no instructions/],
    ["a name that is a path", head("name: ../../etc"), /"..\/..\/etc" is not a name/],
    ["a name with a newline", head('name: "a\\nb"'), /"a\\nb" is not a name/],
    ["a name made of escapes", head('name: "\\e[31mred"'), /"\\x1b\[31mred" is not a name/],
    ["a name with NUL", head('name: "nul\\0"'), /"nul\\x00" is not a name/],
    ["a name without end", head(`name: ${"n".repeat(300)}`), /"n{63}…" is not a name/],
    ["tools that are an object", head("name: a\ntools: {a: 1}"), /tools: must be a list of tools/],
    ["tools made of escapes", head('name: a\ntools: "Bash, \\e[31m"'), /tools: .* does not name a tool/],
    ["turns below zero", head("name: a\nmaxTurns: -1"), /maxTurns: must be a whole number/, 0],
    ["a mode that there is not", head("name: a\npermissionMode: yolo"), /"yolo" is not one of/, 0],
    ["10 MB", "a".repeat(10_000_000), /larger than 256 KB/],
    ["bytes that are no text", new Uint8Array([0x2d, 0xff, 0xfe, 0x00]), /not text in UTF-8/],
    ["a folder with the name of a file", folder, /no problems/, 0],
    ["a pipe", fifo, /not a regular file/],
    ["a link to itself", link("x.md"), /too many symbolic links/],
    ["a link to nowhere", link("/nonexistent"), /leads nowhere/],
    ["a link to a device", link("/dev/zero"), /not a regular file/],
  ]
  testCases(
    files.map(
      ([name, content, says, exit = 1]): Case => ({
        name,
        args: ["agents", "validate"],
        exit,
        says,
        before: ({ cwd }) => put(join(cwd, ".meanwhile/agents/x.md"), content),
      }),
    ),
  )

  test(
    "all of them together stop nobody who does not ask for one; who does is told what is wrong with it",
    async () => {
      await using bench = workbench()
      files.forEach(([name, content], at) => {
        put(join(bench.cwd, `.meanwhile/agents/${at}/${name}\n${ACTS}.md`), content)
      })
      put(join(bench.cwd, ".meanwhile/agents/slash.md"), head("name: ../x"))
      symlinkSync(".", join(bench.cwd, ".meanwhile/agents/self"))
      expect((await bench.run(ASK)).exit).toBe(0)
      expectClear(await bench.run(["agents", "list"]), {
        exit: 0,
        says: /problems in agent files: meanwhile agents validate/,
      })
      expectClear(await bench.run(["agents", "validate"]), { exit: 1, says: /\d+ agents, \d+ problems/ })
      const asked = await bench.run([...ASK, "--agent", "slash"])
      expectClear(asked, { exit: 2, says: /"slash" cannot be used. .*slash\.md:2: name: ".*" is not a name/ })
    },
    PATIENCE_MS,
  )

  test(
    "texts that a terminal would act on are shown without, a row each",
    async () => {
      await using bench = workbench()
      const description = JSON.stringify(`one\n${ACTS}two`)
      put(join(bench.cwd, ".meanwhile/agents/x.md"), `${head(`name: odd\ndescription: ${description}`)}${ACTS}`)
      const { stdout } = await bench.run(["agents", "list"])
      expect(stdout.split("\n").filter((line) => line.startsWith("odd"))).toHaveLength(1)
      expect(flaws(stdout)).toEqual([])
      expectClear(await bench.run(["agents", "show", "odd"]), { exit: 0, says: /Do it\./ })
    },
    PATIENCE_MS,
  )
})

describe("folders", () => {
  /** Starts the program by a shell that first does something to the folder that it stands in. */
  const after = async (bench: Workbench, deed: string) => {
    const child = Bun.spawn(
      ["sh", "-c", `${deed}; exec "$0" "$@"`, join(import.meta.dir, "../../bin/meanwhile"), ...ASK],
      {
        cwd: bench.cwd,
        env: bench.env,
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
      },
    )
    const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
    return { exit: await child.exited, stdout, stderr, lines: [] }
  }
  const gone = (name: string, deed: string, expected: { exit: number; says: RegExp }) =>
    test.concurrent(
      name,
      () =>
        inTurn(async () => {
          await using bench = workbench()
          expectClear(await after(bench, deed), expected)
        }),
      PATIENCE_MS,
    )
  gone("the working folder was deleted", 'rmdir "$PWD"', { exit: 1, says: /current folder does not exist any more/ })
  gone("the home folder is a file", 'touch "$MEANWHILE_HOME"', { exit: 1, says: /MEANWHILE_HOME/ })
  gone("the home folder is a link to nowhere", 'ln -s nowhere/at/all "$MEANWHILE_HOME"', { exit: 1, says: /home/ })
  gone("the database is a folder", 'mkdir -p "$MEANWHILE_HOME/meanwhile.db"', { exit: 1, says: /meanwhile\.db/ })
  gone(
    "the database is rubbish",
    'mkdir -m 700 "$MEANWHILE_HOME"; echo "rubbish rubbish" > "$MEANWHILE_HOME/meanwhile.db"',
    {
      exit: 1,
      says: /is damaged/,
    },
  )
  gone("the log's folder is a file", 'mkdir -m 700 "$MEANWHILE_HOME"; touch "$MEANWHILE_HOME/logs"', {
    exit: 0,
    says: /scout/,
  })

  testCases([
    {
      name: "a home that is relative",
      args: ASK,
      exit: 2,
      says: /MEANWHILE_HOME is ".*", which is not an absolute path/,
      options: { env: { MEANWHILE_HOME: `x${ACTS}` } },
    },
  ])

  test(
    "eight start at once in a home that is not there yet: each makes it, or finds it",
    async () => {
      await using bench = workbench()
      const runs = Array.from({ length: 8 }, () => bench.run(ASK))
      for (const finished of await Promise.all(runs)) expectClear(finished, { exit: 0, says: /scout/ })
    },
    PATIENCE_MS,
  )

  test(
    "names of folders that a terminal or a shell would act on: runs, lists and mistakes stay a clean row each",
    async () => {
      await using bench = workbench()
      const names = [
        "new\nline",
        `acts${ACTS}`,
        "\u202ebidi",
        "emoji 🦊👩‍👩‍👧",
        "-rf",
        "a".repeat(200),
        "%s",
        "$(touch owned)",
      ]
      const work = names.map((name) =>
        inTurn(async () => {
          const cwd = join(bench.cwd, name)
          mkdirSync(cwd)
          expectClear(await bench.run(["-p", "-c", "hi"], { cwd }), { exit: 1, says: /no session to continue in/ })
          const run = await bench.run(["-p", "run pwd", "--allowedTools", "Bash", "--verbose"], { cwd })
          expectClear(run, { exit: 0, says: /exit code 0/ })
          put(join(cwd, ".meanwhile/settings.json"), "{")
          expectClear(await bench.run(ASK, { cwd }), { exit: 2, says: /settings\.json:1:2/ })
        }),
      )
      await Promise.all(work)
      for (const list of [["sessions"], ["tasks", "--all"]]) {
        const { stdout } = await bench.run(list)
        expect([stdout.trimEnd().split("\n").length, flaws(stdout)]).toEqual([names.length + 1, []])
      }
      expect(existsSync(join(bench.cwd, "$(touch owned)", "owned"))).toBe(false)
    },
    PATIENCE_MS,
  )
})
