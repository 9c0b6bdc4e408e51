// The main job over HTTP: agents work side by side in the background, each reports once, the conversation wakes.
import { describe, expect, test } from "bun:test"
import { Gate } from "../../testing/gate.ts"
import { type StreamLine, workbench } from "../../testing/headless.ts"
import { reply, script, startModelServer } from "../../testing/model-server.ts"

const STREAM = ["--output-format", "stream-json"]
const agent = (description: string, prompt: string, more: object = {}) => ({
  name: "Agent",
  input: { subagent_type: "explore", description, prompt, run_in_background: true, ...more },
})

const notifications = (lines: StreamLine[]) => lines.filter((line) => line.subtype === "task_notification")
/** The wake-ups: how many requests of the root brought notices. */
const wakes = (lines: StreamLine[]) => {
  const groups: number[] = []
  let open = false
  for (const line of lines) {
    const notice = line.type === "user" && line.origin === "task" && line.parent_tool_use_id === null
    if (notice && !open) groups.push(0)
    if (notice) groups[groups.length - 1]!++
    open = notice || (open && line.type !== "assistant")
  }
  return groups
}

for (const protocol of ["anthropic", "openai"] as const)
  describe(`sub-agents, over ${protocol}`, () => {
    test("eight agents that finish together are told once each, in at most two wake turns", async () => {
      const together = new Gate()
      const names = Array.from({ length: 8 }, (_, n) => `side ${n}`)
      await using server = await startModelServer()
      server.script = script.byAgent([
        {
          name: "root",
          match: "Look at eight sides",
          steps: [
            reply.calls(
              names.map((name) => agent(name, `Examine ${name}.`)),
              { text: "Eight at once." },
            ),
            reply.text("They are at work."),
            (request) => reply.text(`News: ${(request.news.match(/Found/g) ?? []).length}`),
            (request) => reply.text(`News: ${(request.news.match(/Found/g) ?? []).length}`),
          ],
        },
        {
          name: "side",
          match: /^Examine side/,
          steps: [(request) => reply.text(`Found ${request.prompt}`).gate(together, "before-end")],
        },
      ])
      await using bench = workbench(server, protocol)
      const run = bench.start(["-p", "Look at eight sides", ...STREAM])
      await server.receivedWhere(() => server.openRequests >= 8)
      expect(server.maxConcurrent).toBeGreaterThanOrEqual(8)
      together.open()
      const { exit, lines } = await run.finished
      server.check()
      expect(exit).toBe(0)
      expect(notifications(lines)).toHaveLength(8)
      expect(new Set(notifications(lines).map((line) => line.task_id)).size).toBe(8)
      const groups = wakes(lines)
      expect(groups.length).toBeLessThanOrEqual(2)
      expect(groups.reduce((sum, count) => sum + count, 0)).toBe(8)
      const result = lines.at(-1)!
      expect(result).toMatchObject({ type: "result", subtype: "success", is_error: false })
      expect(result.tasks).toHaveLength(8)
    })

    test("a foreground agent's report is its call's result, and no notice follows", async () => {
      await using server = await startModelServer()
      server.script = script.byAgent([
        {
          name: "root",
          match: "Ask one",
          steps: [
            reply.calls([agent("one", "Examine it.", { run_in_background: false })]),
            (request) => reply.text(`It said: ${JSON.stringify(request.results)}`),
          ],
        },
        { name: "one", match: "Examine it", steps: [reply.text("All is well at src/a.ts:1")] },
      ])
      await using bench = workbench(server, protocol)
      const { exit, lines } = await bench.run(["-p", "Ask one", ...STREAM])
      server.check()
      expect(exit).toBe(0)
      expect(lines.at(-1)!.result).toContain("All is well at src/a.ts:1")
      expect(notifications(lines)).toEqual([])
      expect(lines.filter((line) => line.origin === "task")).toEqual([])
    })

    test("what an agent does carries the id of the call that started it", async () => {
      await using server = await startModelServer()
      server.script = script.byAgent([
        {
          name: "root",
          match: "Start",
          steps: [
            reply.calls([{ ...agent("one", "Examine it."), id: "call_one" }]),
            reply.text("Waiting."),
            reply.text("Done."),
          ],
        },
        {
          name: "one",
          match: "Examine it",
          steps: [reply.calls([{ name: "Glob", input: { pattern: "*.md" } }]), reply.text("No markdown.")],
        },
      ])
      await using bench = workbench(server, protocol)
      const { lines } = await bench.run(["-p", "Start", ...STREAM])
      server.check()
      const call = lines
        .find((line) => line.type === "assistant")!
        .message.content.find((block: { type: string }) => block.type === "tool_use")
      const inner = lines.filter((line) => line.parent_tool_use_id === call.id)
      expect(inner.filter((line) => line.type === "assistant")).toHaveLength(2)
      expect(inner.some((line) => line.message.content[0].type === "tool_result")).toBe(true)
      expect(lines.find((line) => line.subtype === "task_started")).toMatchObject({
        tool_use_id: call.id,
        task_type: "agent",
        subagent_type: "explore",
        is_backgrounded: true,
      })
    })
  })

describe("sub-agents", () => {
  test("a parent settles after its children, and its shell passes to its owner", async () => {
    const child = new Gate()
    await using server = await startModelServer()
    server.script = script.byAgent([
      {
        name: "root",
        match: "Nest",
        steps: [
          reply.calls([
            {
              name: "Agent",
              input: {
                subagent_type: "general-purpose",
                description: "parent",
                prompt: "Be the parent.",
                run_in_background: true,
              },
            },
          ]),
          reply.text("Waiting."),
          reply.text("The parent has reported."),
          reply.text("The shell has ended."),
        ],
      },
      {
        name: "parent",
        match: "Be the parent",
        steps: [
          reply.calls([
            {
              name: "Agent",
              input: {
                subagent_type: "explore",
                description: "child",
                prompt: "Be the child.",
                run_in_background: true,
              },
            },
            {
              name: "Bash",
              input: { command: "until [ -e done ]; do sleep 0.02; done; echo ended", run_in_background: true },
            },
          ]),
          reply.text("My child works."),
          reply.text("Parent's report."),
        ],
      },
      { name: "child", match: "Be the child", steps: [reply.text("Child's report.").gate(child)] },
    ])
    await using bench = workbench(server)
    const run = bench.start(["-p", "Nest", ...STREAM, "--permission-mode", "bypassPermissions"])
    await server.receivedWhere((request) => request.prompt.includes("Be the child"))
    // The parent is asked again before its child ends: otherwise it could hear of that in the same answer.
    await server.receivedWhere(({ prompt, results }) => prompt.includes("Be the parent") && results.length > 0)
    child.open()
    const parent = await run.line((line) => line.subtype === "task_notification" && line.summary === "parent")
    expect(parent.result).toBe("Parent's report.")
    await server.receivedWhere((request) => request.prompt === "Nest" && request.news.includes("Parent's report."))
    await Bun.write(`${bench.cwd}/done`, "")
    const { exit, lines } = await run.finished
    server.check()
    expect(exit).toBe(0)
    const order = notifications(lines).map((line) => line.summary)
    expect(order.slice(0, 2)).toEqual(["child", "parent"])
    // The shell's notice came to the root: its owner had gone.
    const toRoot = lines.filter((line) => line.origin === "task" && line.parent_tool_use_id === null)
    expect(toRoot.map((line) => line.message.content[0].text).join()).toContain("ended")
    expect(lines.at(-1)!.result).toBe("The shell has ended.")
  })

  test("agents below the third level have no Agent tool", async () => {
    await using server = await startModelServer()
    const deeper = (n: number) => ({
      name: `level ${n}`,
      match: `You are level ${n}.`,
      steps: [
        reply.calls([
          {
            name: "Agent",
            input: {
              subagent_type: "general-purpose",
              description: `level ${n + 1}`,
              prompt: `You are level ${n + 1}.`,
            },
          },
        ]),
        reply.text(`Level ${n} is done.`),
      ],
    })
    server.script = script.byAgent([
      deeper(0),
      deeper(1),
      deeper(2),
      {
        name: "level 3",
        match: "You are level 3.",
        steps: [(request) => reply.text(`Tools: ${request.tools.map((tool) => tool.name).join(" ")}`)],
      },
    ])
    await using bench = workbench(server)
    const { exit } = await bench.run(["-p", "You are level 0."])
    server.check()
    expect(exit).toBe(0)
    const deepest = server.requests.find((request) => request.prompt === "You are level 3.")!
    expect(deepest.tools.map((tool) => tool.name)).not.toContain("Agent")
    expect(server.requests[0]!.tools.map((tool) => tool.name)).toContain("Agent")
  })

  test("an agent that ends without a word is asked once, then reported as without a report", async () => {
    await using server = await startModelServer()
    server.script = script.byAgent([
      {
        name: "root",
        match: "Start",
        steps: [
          reply.calls([agent("mute", "Say nothing.")]),
          reply.text("Waiting."),
          (request) => reply.text(request.news),
        ],
      },
      { name: "mute", match: "Say nothing", steps: [reply.parts([]), reply.parts([])] },
    ])
    await using bench = workbench(server)
    const { exit, lines } = await bench.run(["-p", "Start", ...STREAM])
    expect(exit).toBe(0)
    expect(server.requests.filter((request) => request.prompt.includes("Say nothing"))).toHaveLength(2)
    expect(notifications(lines).map((line) => [line.status, line.result])).toEqual([
      ["completed", "(The agent ended without a report.)"],
    ])
  })

  test("an agent whose provider refuses it fails, and the conversation is told why", async () => {
    await using server = await startModelServer()
    server.script = script.byAgent([
      {
        name: "root",
        match: "Start",
        steps: [reply.calls([agent("broken", "Break.")]), reply.text("Waiting."), reply.text("It failed.")],
      },
      {
        name: "broken",
        match: "Break",
        steps: [reply.error(400, { type: "invalid_request_error", message: "no such thing" })],
      },
    ])
    await using bench = workbench(server)
    const { exit, lines } = await bench.run(["-p", "Start", ...STREAM])
    expect(exit).toBe(0)
    expect(notifications(lines)).toMatchObject([{ status: "failed" }])
    expect(lines.find((line) => line.origin === "task")!.message.content[0].text).toContain("no such thing")
    expect(lines.at(-1)!.result).toBe("It failed.")
  })

  test("an agent that the model stops is stopped, and its notice is not told again", async () => {
    const never = new Gate()
    await using server = await startModelServer()
    let task = ""
    server.script = script.byAgent([
      {
        name: "root",
        match: "Start",
        steps: [
          reply.calls([agent("endless", "Go on for ever.")]),
          (request) => {
            task = JSON.stringify(request.results).match(/task ([a-z0-9]{12})/)![1]!
            return reply.calls([{ name: "TaskStop", input: { task_id: task.slice(0, 6) } }])
          },
          reply.text("Stopped it."),
        ],
      },
      { name: "endless", match: "Go on for ever", steps: [reply.text("never").gate(never)] },
    ])
    await using bench = workbench(server)
    const { exit, lines } = await bench.run(["-p", "Start", ...STREAM])
    server.check()
    expect(exit).toBe(0)
    expect(notifications(lines)).toMatchObject([{ task_id: task, status: "stopped" }])
    expect(lines.filter((line) => line.origin === "task")).toEqual([])
    expect(lines.at(-1)!.result).toBe("Stopped it.")
  })
})
