// Which tools an agent gets.
import { describe, expect, test } from "bun:test"
import { splitTools, toolLimits, toolsFor } from "../../src/agent/tools.ts"

const ALL = ["Bash", "Read", "Write", "Edit", "Glob", "Grep", "Agent", "TaskList", "TaskOutput", "TaskStop"]
const TASKS = ["TaskList", "TaskOutput", "TaskStop"]
const root = { depth: 0 }

describe("toolsFor", () => {
  const corpus: [what: string, tools: string[] | undefined, disallowed: string[], left: string[]][] = [
    ["no list gives all", undefined, [], ALL],
    ["a star gives all", ["*"], [], ALL],
    ["an empty list gives none", [], [], []],
    ["the order is that of what is available", ["Grep", "Read", "Read"], [], ["Read", "Grep"]],
    ["unknown names give nothing", ["LS", "Read"], [], ["Read"]],
    ["case does not matter", ["read", "GREP"], [], ["Read", "Grep"]],
    ["Task is Agent, and brings the tools for tasks", ["Task"], [], ["Agent", ...TASKS]],
    ["Bash brings the tools for tasks", ["Bash"], [], ["Bash", ...TASKS]],
    ["a part in parentheses gives the tool", ["Bash(git:*)", "Agent(explore)"], [], ["Bash", "Agent", ...TASKS]],
    ["tools for tasks are useless alone", ["Read", "TaskOutput"], [], ["Read"]],
    ["disallowed goes first", undefined, ["Write", "edit", "Task"], ["Bash", "Read", "Glob", "Grep", ...TASKS]],
    ["disallowed wins over allowed", ["Read", "Write"], ["Write"], ["Read"]],
    ["tools for tasks can be disallowed", ["Bash"], ["TaskStop"], ["Bash", "TaskList", "TaskOutput"]],
    [
      "without Bash and Agent there are none of them",
      undefined,
      ["Bash", "Agent"],
      ["Read", "Write", "Edit", "Glob", "Grep"],
    ],
    ["disallowing a part takes nothing away here", ["Bash"], ["Bash(rm:*)"], ["Bash", ...TASKS]],
    ["disallowing all parts takes it away", ["Read", "Bash"], ["Bash(*)"], ["Read"]],
    ["disallowing all leaves none", undefined, ["*"], []],
  ]
  for (const [what, tools, disallowedTools, left] of corpus) {
    test(what, () => expect(toolsFor({ ...(tools && { tools }), disallowedTools }, ALL, root)).toEqual(left))
  }
  test("an agent at depth 3 starts no agents", () => {
    expect(toolsFor({}, ALL, { depth: 2 })).toContain("Agent")
    expect(toolsFor({}, ALL, { depth: 3 })).toEqual(ALL.filter((name) => name !== "Agent"))
    expect(toolsFor({ tools: ["Agent", "Read"] }, ALL, { depth: 3 })).toEqual(["Read"])
  })
  test("a prefix gives all tools of a server", () => {
    expect(toolsFor({ tools: ["mcp__db__*"] }, ["Read", "mcp__db__query", "mcp__web__get"], root)).toEqual([
      "mcp__db__query",
    ])
  })
})

test("parts of tools are limits, unless the whole tool is there too", () => {
  expect(
    toolLimits({
      tools: ["Bash(git:*)", "Read", "Read(src/**)", "Agent(explore)"],
      disallowedTools: ["Write", "Bash(git push:*)"],
    }),
  ).toEqual({
    only: ["Bash(git:*)", "Agent(explore)"],
    deny: ["Bash(git push:*)"],
  })
  expect(toolLimits({})).toEqual({ only: [], deny: [] })
})

test("lists are split outside of parentheses", () => {
  expect(splitTools("Read, Bash(git log:*, git diff (x)),Grep  Glob,")).toEqual([
    "Read",
    "Bash(git log:*, git diff (x))",
    "Grep",
    "Glob",
  ])
  expect(splitTools(" ")).toEqual([])
})
