// Agents from everywhere: who wins, what is left out, and that nothing is left out silently.
import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { type AgentPlaces, findAgent, loadAgents, problemLine } from "../../src/agent/load.ts"
import { UserError } from "../../src/base/error.ts"

let folder: string
let places: AgentPlaces
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "meanwhile-agents-")))
  mkdirSync(join(folder, "home/shop/app"), { recursive: true })
  places = {
    cwd: join(folder, "home/shop/app"),
    root: join(folder, "home/shop"),
    userConfig: join(folder, "home/.config/meanwhile"),
    userHome: join(folder, "home"),
  }
})
afterEach(() => rmSync(folder, { recursive: true }))

function write(path: string, content: string): string {
  const file = join(folder, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
  return file
}
const file = (name: string, more = "") => `---\nname: ${name}\ndescription: does things\n${more}---\nDo things.\n`
const load = (more: Partial<AgentPlaces> = {}) => loadAgents({ ...places, ...more })

const BUILTIN = ["explore", "general-purpose", "main", "plan"]

describe("places", () => {
  test("without files there are the built-ins, and nothing to complain about", async () => {
    const loaded = await load()
    expect(loaded.agents.map(({ name }) => name)).toEqual(BUILTIN)
    expect(loaded.problems).toEqual([])
    expect(loaded.shadowed).toEqual([])
  })
  test("the nearest of a name wins, and the others are known as shadowed", async () => {
    const order = [
      "home/.claude/agents/explore.md",
      "home/.config/meanwhile/agents/explore.md",
      "home/shop/.claude/agents/explore.md",
      "home/shop/.meanwhile/agents/explore.md",
      "home/shop/app/.claude/agents/explore.md",
      "home/shop/app/.meanwhile/agents/explore.md",
    ]
    for (const [index, path] of order.entries()) {
      const written = write(path, file("explore"))
      const { agents, shadowed } = await load()
      const winner = agents.find(({ name }) => name === "explore")!
      expect(winner.source).toEqual({ scope: index < 2 ? "user" : "project", path: written })
      expect(shadowed).toHaveLength(index + 1)
      expect(shadowed.every(({ by }) => by === winner)).toBe(true)
    }
    const flagJson = JSON.stringify({ explore: { description: "d", prompt: "p" } })
    expect(findAgent(await load({ flagJson }), "explore").source).toEqual({ scope: "flag" })
  })
  test("folders in agents/ count, hidden ones, other files and places above the root don't", async () => {
    write("home/shop/.claude/agents/team/review/a.md", file("deep"))
    write("home/shop/.claude/agents/.git/b.md", file("hidden"))
    write("home/shop/.claude/agents/notes.txt", file("text"))
    write("home/.meanwhile/agents/c.md", file("above"))
    const { agents, problems } = await load()
    expect(agents.map(({ name }) => name)).toEqual(["deep", ...BUILTIN])
    expect(problems).toEqual([])
  })
  test("in the home folder the person's agents are the person's", async () => {
    write("home/.claude/agents/a.md", file("mine", "permissionMode: acceptEdits\n"))
    const home = join(folder, "home")
    const loaded = await load({ cwd: home, root: home })
    expect(findAgent(loaded, "mine").source.scope).toBe("user")
    expect(findAgent(loaded, "mine").permissionMode).toBe("acceptEdits")
    expect(loaded.shadowed).toEqual([])
  })
  test("loops of links end, links to files work, and each file counts once", async () => {
    const real = write("home/shop/.claude/agents/real/a.md", file("linked"))
    symlinkSync("..", join(dirname(real), "loop"))
    symlinkSync(dirname(real), join(folder, "home/shop/.claude/agents/again"))
    symlinkSync(write("elsewhere.md", file("elsewhere")), join(dirname(real), "b.md"))
    const { agents, problems } = await load()
    expect(agents.map(({ name }) => name)).toEqual(["elsewhere", ...BUILTIN.slice(0, 2), "linked", ...BUILTIN.slice(2)])
    expect(problems).toEqual([])
  })
  test("a link to a huge tree is not followed without end", async () => {
    for (let index = 0; index < 250; index++) mkdirSync(join(folder, "big", String(index)), { recursive: true })
    mkdirSync(join(folder, "home/shop/.claude/agents"), { recursive: true })
    symlinkSync(join(folder, "big"), join(folder, "home/shop/.claude/agents/big"))
    const { problems } = await load()
    expect(problems).toHaveLength(1)
    expect(problems[0]!.message).toBe("comes after 200 folders: not read, nor what follows")
  })
  test("two files with one name in a folder: the first is used, and it is said", async () => {
    const first = write("home/shop/.claude/agents/a.md", file("twin", "model: one\n"))
    const second = write("home/shop/.claude/agents/b.md", file("twin", "model: two\n"))
    const loaded = await load()
    expect(findAgent(loaded, "twin").model).toBe("one")
    expect(loaded.shadowed.map(({ agent, by }) => [agent.source.path, by.source.path])).toEqual([[second, first]])
    expect(loaded.problems).toEqual([
      { path: second, message: `the name "twin" is taken by ${first}, which is used`, fatal: false, agent: "twin" },
    ])
  })
})

test("a complete file is read completely", async () => {
  const head = `name: reviewer
description: |
  Use this agent when: code was written.
  <example>user: "done"</example>
tools: [Read, "Bash(git log:*, git diff:*)"]
disallowedTools: Write, Edit
model: sonnet
permissionMode: plan
maxTurns: 12
background: true
initialPrompt: Begin.
color: blue
skills: [a]
isolation: worktree
`
  const path = write(
    "home/shop/.claude/agents/reviewer.md",
    `\ufeff---\r\n${head.replaceAll("\n", "\r\n")}---\r\n\r\nReview.\r\n---\r\nWell.\r\n`,
  )
  const loaded = await load()
  expect(loaded.problems).toEqual([])
  expect(findAgent(loaded, "reviewer")).toEqual({
    name: "reviewer",
    description: 'Use this agent when: code was written.\n<example>user: "done"</example>',
    prompt: "Review.\n---\nWell.",
    tools: ["Read", "Bash(git log:*, git diff:*)"],
    disallowedTools: ["Write", "Edit"],
    model: "sonnet",
    permissionMode: "plan",
    maxTurns: 12,
    background: true,
    initialPrompt: "Begin.",
    color: "blue",
    source: { scope: "project", path },
    extra: { skills: ["a"], isolation: "worktree" },
  })
})

describe("sloppy and hostile files", () => {
  /** What is wrong with a file, as it is listed; `-` before the message says that the file is left out. */
  const corpus: [what: string, content: string, problems: string[]][] = [
    ["an empty file", "", ["-:1: the file is empty"]],
    ["no front matter", "# Read me\n", ['-:1: the file must begin with front matter between two lines "---"']],
    ["front matter without an end", "\n---\nname: a\n\nBody\n", ['-:2: the front matter has no closing line "---"']],
    [
      "empty front matter",
      "---\n---\nDo it.\n",
      [
        '+:1: name: missing: the file\'s name is used, "x"',
        "+:1: description: missing: the first words of the instructions are used",
      ],
    ],
    ["no body", "---\nname: a\ndescription: b\n---\n", ["-:1: prompt: there are no instructions"]],
    [
      "an unquoted colon",
      file("a").replace("does things", "Use when: x"),
      [
        '-:3:14: Nested mappings are not allowed in compact mappings (a value with ": " in it needs quotes, or "|" and indented lines)',
      ],
    ],
    ["a key twice", file("a", "name: b\n"), ["-:4:1: Map keys must be unique"]],
    ["a tab", file("a", "tools:\n\t- Read\n"), ["-:5:1: Tabs are not allowed as indentation"]],
    ["an open quote", file("a", 'model: "x\n'), ['-:4:10: Missing closing "quote']],
    [
      "an alias to nowhere",
      file("a", "model: *x\n"),
      ["-:2: Unresolved alias (the anchor must be set before the alias): x"],
    ],
    [
      "a list instead of fields",
      "---\n- a\n---\nDo it.\n",
      ["-:2: the front matter must be made of lines `key: value`"],
    ],
    [
      "a name that is a path",
      file("../../etc/passwd"),
      ['-:2: name: "../../etc/passwd" is not a name: letters, digits and - _ . : are allowed, 64 at most'],
    ],
    [
      "a name with an escape",
      file('"a\\e[31m"'),
      ['-:2: name: "a\\x1b[31m" is not a name: letters, digits and - _ . : are allowed, 64 at most'],
    ],
    [
      "a number as tools",
      file("a", "tools: 7\n"),
      ["-:4: tools: must be a list of tools, or their names with commas between them"],
    ],
    [
      "a list with a hole as tools",
      file("a", "tools: [Read, null]\n"),
      ["-:4: tools: must be a list of tools, or their names with commas between them"],
    ],
    ["tools that are none", file("a", "tools: Read; rm\n"), ['-:4: tools: "Read;" does not name a tool']],
    ["tools left empty", file("a", "tools:\n"), ["+:4: tools: empty: all tools are allowed ([] allows none)"]],
    [
      "a mode that does not exist",
      file("a", "permissionMode: yolo\n"),
      ['+:4: permissionMode: "yolo" is not one of default, acceptEdits, plan, bypassPermissions: left out'],
    ],
    [
      "wrong values",
      file("a", "maxTurns: many\nbackground: perhaps\ncolor: [red]\n"),
      [
        "+:4: maxTurns: must be a whole number above 0: left out",
        "+:5: background: must be true or false: left out",
        "+:6: color: must be a text: left out",
      ],
    ],
    [
      "a description that is a list",
      file("a").replace("does things", "[a]"),
      ["+:3: description: must be a text: left out"],
    ],
    [
      "a bomb of aliases",
      file(
        "a",
        `a: &a [x,x,x,x,x,x,x,x,x]\n${"bcdefgh"
          .split("")
          .map((key, index) => `${key}: &${key} [${Array(9).fill(`*${"abcdefg"[index]}`)}]`)
          .join("\n")}\n`,
      ),
      ["-:2: Excessive alias count indicates a resource exhaustion attack"],
    ],
    ["nesting without end", file("a", `a: ${"[".repeat(10_000)}\n`), ["-"]],
    ["a head without end", file("a", `a: ${"x".repeat(20_000)}\n`), ["-:2: the front matter is longer than 16 KB"]],
    ["a file without end", file("a") + "x".repeat(300_000), ["-: is larger than 256 KB"]],
    ["bytes that are no text", "\0", ['-:1: the file must begin with front matter between two lines "---"']],
  ]
  for (const [what, content, expected] of corpus) {
    test(what, async () => {
      const path = write("home/shop/.claude/agents/x.md", content)
      const { problems } = await load()
      const lines = problems.map((problem) => (problem.fatal ? "-" : "+") + problemLine(problem).slice(path.length))
      if (expected[0] === "-") expect(problems.map(({ fatal }) => fatal)).toEqual([true])
      else expect(lines).toEqual(expected)
    })
  }
  test("a device and a link to nowhere or itself are listed", async () => {
    const agents = join(folder, "home/shop/.claude/agents")
    mkdirSync(agents, { recursive: true })
    symlinkSync("/dev/zero", join(agents, "a.md"))
    symlinkSync("nowhere", join(agents, "b.md"))
    symlinkSync("c.md", join(agents, "c.md"))
    const { problems } = await load()
    expect(problems.map(({ path }) => path)).toEqual(["a.md", "b.md", "c.md"].map((name) => join(agents, name)))
    expect(problems[0]!.message).toBe("is not a regular file")
    expect(problems[1]!.message).toBe("leads nowhere")
    expect(problems[2]!.message).toStartWith("cannot be read: ELOOP")
  })
  test("a bad file does not keep the good ones away", async () => {
    write("home/shop/.claude/agents/a.md", "rubbish")
    write("home/shop/.claude/agents/b.md", file("good"))
    expect(findAgent(await load(), "good").prompt).toBe("Do things.")
  })
  test("tools that are an empty list are none, which is not the same as all", async () => {
    write("home/shop/.claude/agents/a.md", file("none", "tools: []\n"))
    expect(findAgent(await load(), "none").tools).toEqual([])
  })
  test("a description brings no escapes along", async () => {
    write("home/shop/.claude/agents/a.md", file("a").replace("does things", '"does\\e]0;evil\\a things"'))
    expect(findAgent(await load(), "a").description).toBe("does things")
  })
})

describe("a repository that is not trusted", () => {
  test("cannot widen an agent's permissions", async () => {
    const path = write("home/shop/.claude/agents/a.md", file("a", "permissionMode: bypassPermissions\n"))
    const loaded = await load()
    expect("permissionMode" in findAgent(loaded, "a")).toBe(false)
    expect(loaded.problems).toEqual([
      {
        path,
        message: 'permissionMode: the folder is not trusted, so "bypassPermissions" is left out',
        fatal: false,
        agent: "a",
        withheld: "permissionMode: bypassPermissions",
      },
    ])
    expect(findAgent(await load({ trusted: true }), "a").permissionMode).toBe("bypassPermissions")
  })
  test("cannot replace the main agent", async () => {
    write("home/shop/.claude/agents/a.md", file("main"))
    const loaded = await load()
    expect(findAgent(loaded, "main").source.scope).toBe("builtin")
    expect(loaded.problems.map(({ fatal }) => fatal)).toEqual([true])
    expect(findAgent(await load({ trusted: true }), "main").source.scope).toBe("project")
  })
})

describe("--agents", () => {
  test("gives agents for this run", async () => {
    const flagJson = '{"helper": {"description": "helps", "prompt": "Help.", "tools": ["Read"], "model": "haiku"}}'
    const { agents } = await load({ flagJson })
    expect(agents.find(({ name }) => name === "helper")).toEqual({
      ...{ name: "helper", description: "helps", prompt: "Help.", tools: ["Read"], model: "haiku" },
      source: { scope: "flag" },
      extra: {},
    })
  })
  const shape = 'expected {"NAME": {"description": "…", "prompt": "…", "tools": ["…"], "model": "…"}}'
  const wrong: [json: string, message: string][] = [
    ["{a", "--agents: not JSON, at line 1, column 2: expected a key in double quotes"],
    ["[]", `--agents: ${shape}`],
    ['{"a": "b"}', `--agents: ${shape}`],
    ['{"a": {"description": "b"}}', `--agents: "a" has no prompt; ${shape}`],
    [
      '{"a": {"prompt": "b", "tools": 1}}',
      '--agents: "a": tools: must be a list of tools, or their names with commas between them',
    ],
    [
      '{"a b": {"prompt": "b"}}',
      '--agents: "a b": name: "a b" is not a name: letters, digits and - _ . : are allowed, 64 at most',
    ],
  ]
  for (const [flagJson, message] of wrong) {
    test(`${flagJson} is wrong usage`, async () => {
      const error = await load({ flagJson }).catch((thrown) => thrown)
      expect(error).toBeInstanceOf(UserError)
      expect(error.message).toBe(message)
      expect(error.exit).toBe(2)
    })
  }
})

describe("findAgent", () => {
  test("takes another case when that is clear", async () => {
    expect(findAgent(await load(), "Explore").name).toBe("explore")
  })
  test("names those that may be meant, and all", async () => {
    const loaded = await load()
    const find = () => findAgent(loaded, "explorer\n")
    expect(find).toThrow(
      new UserError(
        "unknown-agent",
        'There is no agent "explorer\\n". Did you mean "explore"? Known: explore, general-purpose, main, plan.',
        2,
      ),
    )
  })
  test("says what is wrong with the file of the agent that is asked for", async () => {
    const path = write("home/shop/.claude/agents/broken.md", "rubbish")
    const loaded = await load()
    expect(() => findAgent(loaded, "broken")).toThrow(
      `The agent "broken" cannot be used. ${path}:1: the file must begin`,
    )
  })
})
