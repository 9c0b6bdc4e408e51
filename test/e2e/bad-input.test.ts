// Rubbish that flows in while the program works: on standard input, from the model, from commands, and folders that
// vanish under it. What a terminal would act on never reaches one, whatever looks at it later.
import { describe, expect, test } from "bun:test"
import { join } from "node:path"
import { PROGRAM, type Workbench, workbench } from "../../testing/headless.ts"
import {
  type ModelServer,
  type ProblemCode,
  type Reply,
  reply,
  script,
  startModelServer,
} from "../../testing/model-server.ts"
import { inTerminal } from "../cli/terminal.ts"
import { ACTS, expectClear, flaws, inTurn, PATIENCE_MS, testCases } from "./clear.ts"

const LINES = ["-p", "--input-format", "stream-json", "--output-format", "stream-json"]
const HELLO = '{"type":"user","message":{"content":"hello"}}'

describe("standard input as a prompt", () => {
  const piped = (name: string, stdin: string, exit: number, says: RegExp, args = ["-p"]) => ({
    name,
    args,
    exit,
    says,
    options: { stdin },
  })
  testCases([
    piped("nothing", "", 2, /needs a prompt/),
    piped("white space", " \n\t\n", 2, /needs a prompt/),
    piped("NUL", "a\0b", 2, /binary data.*Store it in a file/),
    piped("NUL, beside a prompt", "a\0b", 2, /binary data/, ["-p", "What is this?"]),
    piped("UTF-16", "\ufeffh\0i\0", 2, /iconv -f UTF-16/),
    piped("terminal sequences", ACTS, 0, /./),
  ])

  const shell = async (bench: Workbench, command: string) => {
    const child = Bun.spawn(["sh", "-c", command, PROGRAM], {
      cwd: bench.cwd,
      env: bench.env,
      stdout: "pipe",
      stderr: "pipe",
    })
    const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
    return { exit: await child.exited, stdout, stderr, lines: [] }
  }
  test(
    "closed, a folder, a device without end",
    async () => {
      await using bench = workbench()
      for (const from of ["<&-", "</", "</dev/zero"])
        expectClear(await shell(bench, `"$0" -p ${from}`), { exit: 2, says: /needs a prompt/ })
    },
    PATIENCE_MS,
  )
  test(
    "9 MB are more than a prompt can be",
    async () => {
      await using bench = workbench()
      const answer = await shell(bench, `head -c 9000000 /dev/zero | tr '\\0' x | "$0" -p`)
      expectClear(answer, { exit: 2, says: /more than 8 MiB.*Store it in a file/ })
    },
    PATIENCE_MS,
  )
  test("bytes that are no text are replaced, and asked about", async () => {
    await using server = await startModelServer({ script: script.inOrder([reply.text("Read.")]) })
    await using bench = workbench(server)
    const answer = await shell(bench, `printf 'caf\\351' | "$0" -p`)
    expectClear(answer, { exit: 0, says: /Read\./ })
    expect(server.requests[0]!.prompt).toBe("caf\ufffd")
  })
})

describe("standard input as lines", () => {
  /** Each is left out with its reason, and the session goes on. */
  const left: [string, RegExp][] = [
    ["rubbish", /it is not JSON/],
    ['{"type":"user","message":{"content":"hel', /it is not JSON/],
    [ACTS, /it is not JSON/],
    ["[]", /it is no object/],
    ["3", /it is no object/],
    ["{}", /its type is missing; known are user/],
    ['{"type":3}', /its type is no text/],
    [JSON.stringify({ type: ACTS }), /its type is "\\x1b\]0;owned\\x07/],
    ['{"type":"user"}', /message must be/],
    ['{"type":"user","message":3}', /message must be/],
    ['{"type":"user","message":{"role":"assistant","content":"x"}}', /message must be/],
    ['{"type":"user","message":{"content":" "}}', /not empty/],
    ['{"type":"user","message":{"content":[]}}', /not empty/],
    ['{"type":"user","message":{"content":[{"type":"image"}]}}', /must be a text that is not empty, or an image/],
    ['{"type":"user","message":{"content":[{"type":"tool_result","content":"x"}]}}', /must be a text/],
    ['{"type":"permission_response"}', /request_id is missing/],
    ['{"type":"permission_response","request_id":"x","behavior":"maybe"}', /behavior must be allow or deny/],
    [JSON.stringify({ type: "permission_response", request_id: ACTS, behavior: "deny" }), /no open request "\\x1b/],
    ['{"type":"control"}', /action is missing; known are/],
    ['{"type":"control","action":"explode"}', /action is "explode"; known are/],
    ['{"type":"control","action":"stop_task"}', /task_id is missing/],
    [JSON.stringify({ type: "control", action: "stop_task", task_id: ACTS }), /no task "\\x1b/],
    ['{"type":"control_request","request":{}}', /request_id is missing/],
    ['{"type":"control_response"}', /response\.request_id is missing/],
    ["[".repeat(300_000), /it is not JSON/],
    ["x".repeat(40_000_000), /longer than 32 MiB/],
  ]
  test(
    `${left.length} kinds of bad lines are left out, each with its reason, and the session goes on`,
    async () => {
      await using bench = workbench()
      const running = bench.start(LINES, { stdin: "open" })
      for (const [line] of left) running.write(`${line}\n`)
      running.write(`${HELLO}\n{"type":"user","mess`)
      running.end()
      const { exit, stderr, stdout, lines } = await running.finished
      expect([exit, flaws(stderr), flaws(stdout)]).toEqual([2, [], []])
      const told = stderr.trimEnd().split("\n")
      expect(told).toHaveLength(left.length + 1)
      for (const [at, [, says]] of left.entries()) expect(told[at]).toMatch(says)
      expect(told.at(-1)).toMatch(/is not JSON/)
      expect(lines.at(-1)).toMatchObject({ type: "result", is_error: false })
    },
    PATIENCE_MS,
  )

  test("a request that nobody knows is answered in the stream", async () => {
    await using bench = workbench()
    const request = JSON.stringify({ type: "control_request", request_id: "1", request: { subtype: ACTS } })
    const { exit, lines } = await bench.run(LINES, { stdin: `${request}\n` })
    expect(exit).toBe(0)
    expect(lines.at(-1)!.response).toMatchObject({
      subtype: "error",
      error: expect.stringMatching(/no control request "\\x1b/),
    })
  })

  test("a byte order mark and Windows line ends are no mistake", async () => {
    await using bench = workbench()
    const { exit, stderr } = await bench.run(LINES, { stdin: `\ufeff${HELLO}\r\n\r\n` })
    expect([exit, stderr]).toEqual([0, ""])
  })
})

describe("what a model says", () => {
  interface Odd {
    name: string
    reply: Reply
    /** What the server has against the conversation, because the model is at fault. */
    faults?: ProblemCode[]
    /** In the result of a call, as the model gets it. */
    gets?: RegExp
  }
  const call = (name: string, input: unknown, more: { id?: string; json?: string } = {}) => ({ name, input, ...more })
  const odd: Odd[] = [
    {
      name: "a tool made of escapes",
      faults: ["call-undeclared", "prefix-changed"],
      reply: reply.calls([call(`Ba\nsh${ACTS}`, {})]),
      gets: /There is no tool named/,
    },
    {
      name: "a tool without a name",
      faults: ["call-undeclared", "prefix-changed"],
      reply: reply.calls([call("", {})]),
      gets: /There is no tool named/,
    },
    {
      name: "a tool that every object has",
      faults: ["call-undeclared", "prefix-changed"],
      reply: reply.calls([call("constructor", {})]),
      gets: /There is no tool named/,
    },
    {
      name: "input that is no JSON",
      reply: reply.calls([call("Bash", {}, { json: '{"command": "ec' })]),
      gets: /not JSON/,
    },
    { name: "input that is a list", reply: reply.calls([call("Bash", [])]), gets: /must be an object/ },
    { name: "a command with NUL", reply: reply.calls([call("Bash", { command: "echo a\0b" })]), gets: /NUL/ },
    { name: "a path with NUL", reply: reply.calls([call("Read", { file_path: "a\0b" })]), gets: /NUL/ },
    {
      name: "a file to write with NUL",
      reply: reply.calls([call("Write", { file_path: "a\0b", content: "x" })]),
      gets: /NUL/,
    },
    { name: "a pattern with NUL", reply: reply.calls([call("Grep", { pattern: "a\0b" })]), gets: /./ },
    { name: "a glob with NUL", reply: reply.calls([call("Glob", { pattern: "a\0b" })]), gets: /./ },
    { name: "a pattern that is none", reply: reply.calls([call("Grep", { pattern: "([" })]), gets: /unclosed|regex/ },
    {
      name: "an agent with NUL",
      reply: reply.calls([call("Agent", { subagent_type: "x\0", description: ACTS, prompt: "x" })]),
      gets: /no agent/,
    },
    {
      name: "a description made of escapes",
      reply: reply.calls([call("Bash", { command: "true", description: `one\n${ACTS}` })]),
      gets: /exit code 0/,
    },
    {
      name: "half of a pair of code units",
      reply: reply.calls([call("Bash", { command: "echo \ud800" })]),
      gets: /exit code/,
    },
    {
      name: "ids that are the same",
      faults: ["prefix-changed"],
      reply: reply.calls([
        call("Glob", { pattern: "*" }, { id: "same" }),
        call("Glob", { pattern: "**" }, { id: "same" }),
      ]),
    },
    {
      name: "ids made of escapes",
      faults: ["prefix-changed"],
      reply: reply.calls([call("Glob", { pattern: "*" }, { id: `i\n${ACTS}` })]),
    },
    { name: "a thousand calls", reply: reply.calls(Array.from({ length: 1000 }, () => call("TaskList", {}))) },
    { name: "a megabyte of one word", reply: reply.text("x".repeat(1_000_000)) },
    {
      name: "a megabyte on the way",
      reply: reply.calls([call("Glob", { pattern: "*" })], { text: "x".repeat(1_000_000) }),
    },
    {
      name: "terminal sequences on the way",
      reply: reply.calls([call("Glob", { pattern: "*" })], { text: ACTS, reasoning: ACTS }),
    },
  ]
  for (const { name, reply: said, gets, faults = [] } of odd) {
    test.concurrent(
      name,
      () =>
        inTurn(async () => {
          await using server = await startModelServer({ script: script.inOrder([said, reply.text(`Done.${ACTS}`)]) })
          await using bench = workbench(server)
          const args = ["-p", "Odd", "--verbose", "--allowedTools", "Bash,Write,Read"]
          const { exit, stdout, stderr } = await bench.run(args)
          expect([exit, flaws(stdout), flaws(stderr)]).toEqual([0, [], []])
          if (gets) expect(server.requests[1]!.results.map(({ text }) => text).join("\n")).toMatch(gets)
          expect(server.problems.filter(({ code }) => !faults.includes(code))).toEqual([])
          const sent = JSON.stringify(server.requests.at(-1)!.body.messages)
          const calls = [...sent.matchAll(/"type":"tool_use","id":"(.*?)","name":"(.*?)"/g)].flatMap(
            ([, ...parts]) => parts,
          )
          if (faults.length > 0) expect(calls).not.toEqual([])
          for (const part of calls) expect(part).toMatch(/^[\w-]{1,64}$/)
        }),
      PATIENCE_MS,
    )
  }
})

describe("what commands print", () => {
  const COMMANDS: Record<string, string> = {
    escapes: String.raw`printf 'a\033]0;owned\007\033[2J\033[31mred\302\2332J\342\200\256b\n'`,
    "NUL and half characters": String.raw`printf 'a\000b\377\376\342\200\n'`,
    "no line end": "head -c 3000000 /dev/zero | tr '\\0' x",
    "over itself": String.raw`printf 'rm -rf /\r\033[Kharmless'`,
  }
  /** Besides text only what we draw with ourselves: colours, and the block that is kept up to date. */
  const drawn = (output: string) => flaws(output.replace(/\x1b\[(?:[\d;]*m|2K|\d*A|J)|\r/g, ""))

  async function ran(server: ModelServer, bench: Workbench): Promise<void> {
    const calls = Object.entries(COMMANDS).map(([name, command]) => ({
      name: "Bash",
      input: { command, description: `${name}\n${ACTS}`, run_in_background: true },
    }))
    server.script = script.byAgent([
      { name: "any", match: () => true, steps: [reply.calls(calls)], after: reply.text(ACTS) },
    ])
    const { exit, stdout, stderr } = await bench.run(["-p", "Print", "--allowedTools", "Bash", "--verbose"])
    expect([exit, flaws(stdout), flaws(stderr)]).toEqual([0, [], []])
  }

  test(
    "a list of them in a terminal is a row each, and every look at one is clean",
    async () => {
      await using server = await startModelServer()
      await using bench = workbench(server)
      await ran(server, bench)
      const look = async (args: readonly string[]) => {
        await using terminal = inTerminal([PROGRAM, ...args], { cwd: bench.cwd, env: { ...bench.env }, columns: 80 })
        const exit = await terminal.exited
        expect([args, exit, drawn(terminal.output)]).toEqual([args, 0, []])
        return terminal.output
      }
      const list = await look(["tasks", "--all"])
      expect(list.trimEnd().split("\n")).toHaveLength(Object.keys(COMMANDS).length + 1)
      const { stdout } = await bench.run(["tasks", "--all", "--json"])
      for (const { task_id: id } of JSON.parse(stdout)) {
        await look(["tasks", "show", id])
        await look(["tasks", "output", id])
      }
      await look(["sessions"])
      expect(flaws((await bench.run(["tasks", "--all"])).stdout)).toEqual([])
    },
    PATIENCE_MS,
  )

  test(
    "`-p` in a terminal draws nothing of theirs",
    async () => {
      await using server = await startModelServer()
      await using bench = workbench(server)
      const calls = Object.values(COMMANDS).map((command) => ({
        name: "Bash",
        input: { command: `${command}; sleep 0.3`, description: ACTS },
      }))
      server.script = script.inOrder([reply.calls(calls, { text: ACTS }), reply.text(`Done.${ACTS}`)])
      const argv = [PROGRAM, "-p", "Print", "--allowedTools", "Bash"]
      await using terminal = inTerminal(argv, { cwd: bench.cwd, env: { ...bench.env }, columns: 80 })
      expect([await terminal.exited, drawn(terminal.output)]).toEqual([0, []])
    },
    PATIENCE_MS,
  )
})

describe("what vanishes while the program works", () => {
  const vanishing = (name: string, command: string, says: RegExp, exit = 0) =>
    test.concurrent(
      name,
      () =>
        inTurn(async () => {
          await using server = await startModelServer()
          await using bench = workbench(server)
          const after = ["Bash", "Read", "Write", "Glob", "Grep"].map((tool) => ({
            name: tool,
            input: { command: "echo still here", file_path: join(bench.cwd, "x"), content: "x", pattern: "x" },
          }))
          server.script = script.inOrder([
            reply.calls([{ name: "Bash", input: { command } }]),
            reply.calls(after),
            reply.text("Done."),
          ])
          expectClear(await bench.run(["-p", "Vanish", "--permission-mode", "bypassPermissions"]), { exit, says })
        }),
      PATIENCE_MS,
    )
  vanishing("the working folder", 'rm -rf "$PWD"', /Done\./)
  vanishing("the folder of the commands' output", 'rm -rf "$HOME"/home/spool "$HOME"/home/output', /Done\./)
  vanishing("the whole home", 'rm -rf "$HOME"/home', /Done\.|database|home/)
})
