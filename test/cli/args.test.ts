import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { UserError } from "../../src/base/error.ts"
import { parseCommandLine, splitRules } from "../../src/cli/args.ts"
import { type Command, commandNames, type SessionOptions } from "../../src/cli/command.ts"

function refused(...argv: string[]): string {
  try {
    parseCommandLine(argv)
  } catch (error) {
    if (error instanceof UserError && error.exit === 2) return error.message
    throw error
  }
  throw new Error(`accepted: ${argv.join(" ")}`)
}

const plain: SessionOptions = {
  start: { type: "new" },
  allowedTools: [],
  disallowedTools: [],
  trust: false,
  verbose: false,
}

describe("a prompt", () => {
  test("without -p opens the interface, with -p it is printed", () => {
    expect(parseCommandLine([])).toEqual({ type: "interface", session: plain })
    expect(parseCommandLine(["fix it"])).toEqual({ type: "interface", prompt: "fix it", session: plain })
    const print: Command = { type: "print", output: "text", input: "text", waitSeconds: 600, session: plain }
    expect(parseCommandLine(["-p"])).toEqual(print)
    expect(parseCommandLine(["fix it", "--print"])).toEqual({ ...print, prompt: "fix it" })
  })

  test("may begin with a dash when it has white space, and be anything after --", () => {
    expect(parseCommandLine(["-p", "- one\n- two"])).toMatchObject({ prompt: "- one\n- two" })
    expect(parseCommandLine(["-p", "--", "--version"])).toMatchObject({ type: "print", prompt: "--version" })
    expect(refused("-p", "-zzz")).toContain('after "--"')
  })

  test("may be the name of a command with -p or after --, and nowhere else", () => {
    expect(parseCommandLine(["-p", "tasks"])).toMatchObject({ type: "print", prompt: "tasks" })
    expect(parseCommandLine(["--", "tasks"])).toMatchObject({ type: "interface", prompt: "tasks" })
    expect(parseCommandLine(["tasks"])).toMatchObject({ type: "tasks" })
    expect(refused("--verbose", "tasks")).toContain('"tasks" is a command')
  })

  test("is one argument and not empty", () => {
    expect(refused("-p", "fix", "it")).toContain("put it in quotes")
    expect(refused("task", "list")).toContain("meanwhile tasks list")
    expect(refused("-p", " ")).toContain("empty")
  })
})

describe("options of a session", () => {
  test("arrive typed", () => {
    const argv = [
      "-p",
      "go",
      "--model",
      "scout",
      "--permission-mode=plan",
      "--max-turns",
      "3",
      "--wait",
      "0.5",
      "-n",
      "tidy",
    ]
    expect(parseCommandLine([...argv, "--output-format", "stream-json", "--verbose", "--agents", '{"a":{}}'])).toEqual({
      type: "print",
      prompt: "go",
      output: "stream-json",
      input: "text",
      waitSeconds: 0.5,
      session: {
        ...plain,
        start: { type: "new", name: "tidy" },
        model: "scout",
        permissionMode: "plan",
        maxTurns: 3,
        verbose: true,
        agents: { a: {} },
      },
    })
  })

  test("--resume takes the next argument unless that is an option", () => {
    expect(parseCommandLine(["-r", "tidy", "-p", "go"])).toMatchObject({
      session: { start: { type: "resume", session: "tidy" } },
    })
    expect(parseCommandLine(["--resume", "--verbose"])).toMatchObject({
      session: { start: { type: "resume" }, verbose: true },
    })
    expect(parseCommandLine(["-r"])).toMatchObject({ session: { start: { type: "resume" } } })
    expect(parseCommandLine(["-pc", "go"])).toMatchObject({ type: "print", session: { start: { type: "continue" } } })
    expect(refused("-p", "go", "-r")).toContain("name or id")
    expect(refused("-c", "-r", "tidy")).toContain("exclude")
    expect(refused("-c", "-n", "tidy")).toContain("--name")
  })

  test("tool rules may be one argument, several, or the option again", () => {
    const rules = ["Read", "Bash(git log:*, b)", "mcp__a__b"]
    const forms = [
      ["--allowedTools", "Read, Bash(git log:*, b) mcp__a__b"],
      ["--allowedTools", "Read", "Bash(git log:*, b)", "mcp__a__b"],
      ["--allowed-tools=Read", "--allowedTools", "Bash(git log:*, b),mcp__a__b"],
    ]
    for (const form of forms)
      for (const argv of [
        ["-p", ...form, "go on"],
        ["-p", "go on", ...form],
      ])
        expect(parseCommandLine(argv)).toMatchObject({
          prompt: "go on",
          session: { allowedTools: rules, disallowedTools: [] },
        })
    expect(parseCommandLine(["--disallowedTools", "Read", "Edit"])).toMatchObject({
      session: { disallowedTools: ["Read", "Edit"] },
    })
    expect(() => splitRules("Bash(rm")).toThrow("parenthesis")
  })

  test("with a wrong value are refused with what would be right", () => {
    expect(refused("--permission-mode", "yolo")).toContain("default, acceptEdits, plan, bypassPermissions")
    expect(refused("-p", "x", "--output-format", "xml")).toContain("text, json, stream-json")
    for (const value of ["0", "1.5", "-1", "many", "1e3", "99999999999999999999"])
      expect(refused("-p", "x", `--max-turns=${value}`)).toContain("a whole number, at least 1")
    expect(refused("-p", "x", "--wait", "soon")).toContain("a number of seconds")
    expect(refused("--agents", "[1]")).toContain("JSON object")
    expect(refused("--agents", "{")).toContain("is not JSON")
    expect(refused("--model", " ")).toContain("empty")
  })

  test("that are misspelt, without their value, with an unwanted one or given twice are refused", () => {
    expect(refused("--permision-mode", "plan")).toContain("Did you mean --permission-mode?")
    expect(refused("--alowedTools", "Read")).toContain("--allowedTools")
    expect(refused("--zzz")).toContain("meanwhile --help")
    expect(refused("-x")).toContain("There is no option -x")
    expect(refused("--model")).toContain("--model needs a value")
    expect(refused("--model", "--verbose")).toContain("--verbose follows it")
    expect(parseCommandLine(["--name", "- a b"])).toMatchObject({ session: { start: { name: "- a b" } } })
    expect(refused("--verbose=yes")).toContain("takes no value")
    expect(refused("--model", "a", "--model", "b")).toContain("given twice")
  })

  test("that would have no effect are refused", () => {
    for (const option of ["--wait=3", "--output-format=json", "--input-format=text"])
      expect(refused(option)).toContain("only has a meaning with -p")
    for (const option of ["--mcp-config=f", "--add-dir=d"])
      expect(refused("-p", "x", option)).toContain("is not available yet")
    expect(refused("mcp", "list")).toContain("not available yet")
  })
})

describe("commands", () => {
  test("take their actions, words and options", () => {
    expect(parseCommandLine(["tasks", "--all", "--json"])).toEqual({
      type: "tasks",
      action: { type: "list", all: true, json: true, follow: false },
    })
    expect(parseCommandLine(["tasks", "stop", "a", "b"])).toEqual({
      type: "tasks",
      action: { type: "stop", ids: ["a", "b"] },
    })
    expect(parseCommandLine(["tasks", "show", "a", "--json"])).toEqual({
      type: "tasks",
      action: { type: "show", id: "a", json: true },
    })
    expect(parseCommandLine(["sessions"])).toEqual({ type: "sessions", action: { type: "list", json: false } })
    expect(parseCommandLine(["agents", "show", "explore"])).toEqual({
      type: "agents",
      action: { type: "show", name: "explore" },
    })
    expect(parseCommandLine(["doctor"])).toEqual({ type: "doctor" })
    expect(parseCommandLine(["tasks", "--follow", "--json"])).toMatchObject({
      action: { type: "list", follow: true, json: true },
    })
    expect(parseCommandLine(["tasks", "output", "a", "--follow"])).toMatchObject({
      action: { type: "output", id: "a", follow: true },
    })
    expect(parseCommandLine(["tasks", "wait", "a", "b"])).toMatchObject({ action: { type: "wait", ids: ["a", "b"] } })
    expect(parseCommandLine(["sessions", "rename", "a", "two words"])).toMatchObject({
      action: { type: "rename", id: "a", name: "two words" },
    })
    expect(parseCommandLine(["sessions", "rm", "a", "-y"])).toMatchObject({
      action: { type: "rm", id: "a", yes: true },
    })
    expect(parseCommandLine(["agents", "validate", "a", "b"])).toMatchObject({
      action: { type: "validate", paths: ["a", "b"] },
    })
    expect(parseCommandLine(["stats"])).toEqual({ type: "stats", json: false, range: "30d" })
    expect(parseCommandLine(["stats", "--json", "--range=all"])).toEqual({ type: "stats", json: true, range: "all" })
    expect(parseCommandLine(["completion", "zsh"])).toEqual({
      type: "completion",
      action: { type: "script", shell: "zsh" },
    })
    expect(parseCommandLine(["completion", "--list", "tasks"])).toEqual({
      type: "completion",
      action: { type: "list", list: "tasks" },
    })
  })

  test("refuse what they do not know", () => {
    expect(refused("tasks", "shwo", "a")).toContain("Did you mean show?")
    expect(refused("tasks", "stop")).toContain("tasks stop ID")
    expect(refused("tasks", "show", "a", "b")).toContain('"b"')
    expect(refused("tasks", "stop", "a", "--json")).toContain("--json has no meaning for meanwhile tasks stop")
    expect(refused("tasks", "--al")).toContain("--all")
    expect(refused("tasks", "show", "a", "--follow")).toContain("--follow has no meaning for meanwhile tasks show")
    expect(refused("sessions", "export", "a", "--yes")).toContain("--yes has no meaning for meanwhile sessions export")
    expect(refused("sessions", "rename", "a")).toContain("sessions rename ID NAME")
    for (const action of [
      ["sessions", "rm", ""],
      ["tasks", "stop", ""],
      ["tasks", "stop", "a", ""],
    ])
      expect(refused(...action)).toContain("ID")
    expect(refused("stats", "--range", "1y")).toContain("7d, 30d, all")
    expect(refused("completion")).toContain("bash, zsh, fish")
    expect(refused("completion", "bash", "zsh")).toContain('"zsh"')
    expect(refused("completion", "--list", "secrets")).toContain("tasks, running, sessions, agents, models")
    expect(refused("doctor", "now")).toContain('"now"')
  })

  test("--help and --version work everywhere", () => {
    expect(parseCommandLine(["-p", "x", "--help"])).toEqual({ type: "help" })
    expect(parseCommandLine(["tasks", "-h"])).toEqual({ type: "help", topic: "tasks" })
    expect(parseCommandLine(["-p", "x", "-v"])).toEqual({ type: "version" })
  })
})

test("any arguments give a command or a usage error, and what follows -- arrives unchanged", () => {
  const word = fc.oneof(
    fc.constantFrom("-p", "-r", "-c", "--", "--model", "--allowedTools", ...commandNames),
    fc.string(),
  )
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), (argv) => {
      try {
        expect(parseCommandLine(argv).type).toBeString()
      } catch (error) {
        expect(error).toBeInstanceOf(UserError)
        expect((error as UserError).exit).toBe(2)
      }
    }),
  )
  fc.assert(
    fc.property(
      fc.string({ minLength: 1 }).filter((text) => text.trim() !== ""),
      (prompt) => {
        expect(parseCommandLine(["-p", "--", prompt])).toMatchObject({ type: "print", prompt })
      },
    ),
  )
})

test("host takes a session, or the process whose work it goes on with", () => {
  expect(parseCommandLine(["host", "abc"])).toEqual({ type: "host", sessionId: "abc" })
  expect(parseCommandLine(["host", "--of", "4242"])).toEqual({ type: "host", of: 4242 })
  for (const wrong of ["0", "-1", "x", "1.5", ""]) expect(refused("host", `--of=${wrong}`)).toContain("--of")
  expect(refused("host", "abc", "--of", "4242")).toContain("abc")
  expect(refused("host")).toContain("SESSION")
})
