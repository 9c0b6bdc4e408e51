// Caps over HTTP: what a call, a session and a task may use, and what happens when that is used up.
import { describe, expect, test } from "bun:test"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type Hosted, openProgram } from "../../src/program.ts"
import { Sqlite } from "../../src/runtime/sqlite.ts"
import type { InboxRow, LedgerRow, RunRow } from "../../src/store/rows.ts"
import { Gate } from "../../testing/gate.ts"
import { eventually } from "../../testing/harness.ts"
import { type Workbench, workbench } from "../../testing/headless.ts"
import { type ModelServer, reply, script, startModelServer } from "../../testing/model-server.ts"

const JSON_OUT = ["--output-format", "json"]
/** A tenth of a cent a token, in and out: a short answer costs about a dollar. */
const PRICES = { "anthropic/claude-sonnet-5-5": { price: { input: 1000, output: 1000 }, maxOutputTokens: 2000 } }
const OUTPUT_ONLY = { "anthropic/claude-sonnet-5-5": { price: { input: 0, output: 1000 }, maxOutputTokens: 2000 } }
const look = { name: "Read", input: { file_path: "a.txt" } }

function settings(bench: Workbench, more: object = {}): void {
  mkdirSync(bench.home, { recursive: true })
  writeFileSync(join(bench.home, "settings.json"), JSON.stringify({ models: PRICES, ...more }))
  writeFileSync(join(bench.cwd, "a.txt"), "text\n")
}

const agent = (prompt: string, more: object = {}) => ({
  name: "Agent",
  input: { subagent_type: "explore", description: prompt, prompt, run_in_background: true, ...more },
})

describe("in a headless call", () => {
  test("--max-budget-usd ends it with exit 5, after what fits", async () => {
    await using server = await startModelServer()
    const spent = { input: 3000, output: 1500 }
    server.script = script.inOrder([
      reply.calls([look]).usage(spent),
      reply.calls([look]).usage(spent),
      reply.calls([look]).usage(spent),
    ])
    await using bench = workbench(server)
    settings(bench, { models: OUTPUT_ONLY })
    const { exit, stdout } = await bench.run(["-p", "Look", "--max-budget-usd", "3.5", ...JSON_OUT])
    expect(exit).toBe(5)
    const result = JSON.parse(stdout)
    expect(result).toMatchObject({ subtype: "error_budget", is_error: true, cost_is_estimated: false })
    expect(result.error).toContain("cap: $3.50 (used: $3.00) for this call")
    expect(result.total_cost_usd).toBeCloseTo(3)
    expect(server.requests).toHaveLength(2)
  })

  test("an answer is asked to be no longer than what is left can pay", async () => {
    await using server = await startModelServer()
    const asked: number[] = []
    server.script = script.inOrder([
      (request) => {
        asked.push((request.body as { max_tokens: number }).max_tokens)
        return reply.text("Short.")
      },
    ])
    await using bench = workbench(server)
    settings(bench, {
      models: { "anthropic/claude-sonnet-5-5": { price: { input: 0, output: 1000 }, maxOutputTokens: 9000 } },
    })
    expect((await bench.run(["-p", "Look", "--max-budget-usd", "1.5"])).exit).toBe(0)
    expect(asked).toEqual([1500])
  })

  test("a model without a price is not asked under a cap on cost", async () => {
    await using server = await startModelServer()
    await using bench = workbench(server)
    const { exit, stderr } = await bench.run(["-p", "Look", "--max-budget-usd", "1"], {
      env: { MEANWHILE_MODEL: "anthropic/claude-unheard-of-1" },
    })
    expect(exit).not.toBe(0)
    expect(stderr).toContain("Nobody knows what anthropic/claude-unheard-of-1 costs")
    expect(server.requests).toHaveLength(0)
  })

  test("an agent at its own cap fails, and its owner hears why", async () => {
    await using server = await startModelServer()
    server.script = script.byAgent([
      {
        name: "root",
        match: "Start one",
        steps: [
          reply.calls([agent("Dig.", { max_cost_usd: 8 })]),
          reply.text("It is at work."),
          (request) => reply.text(request.news),
        ],
      },
      {
        name: "side",
        match: /^Dig/,
        steps: Array.from({ length: 9 }, () => reply.calls([look]).usage({ input: 3000, output: 1000 })),
      },
    ])
    await using bench = workbench(server)
    settings(bench)
    const { exit, stdout } = await bench.run(["-p", "Start one", ...JSON_OUT])
    expect(exit).toBe(0)
    const result = JSON.parse(stdout)
    expect(result.tasks[0].status).toBe("failed")
    expect(result.result).toContain("(failed: cap: $8.00 (used: ")
  })

  test("agents that work side by side stay within the cap together", async () => {
    await using server = await startModelServer()
    const names = ["Dig a", "Dig b", "Dig c", "Dig d"]
    server.script = script.byAgent([
      {
        name: "root",
        match: "Start four",
        steps: [
          reply.calls(names.map((name) => agent(name))).usage({ input: 0, output: 1 }),
          ...Array.from({ length: 6 }, () => reply.text("So.").usage({ input: 0, output: 1 })),
        ],
      },
      {
        name: "side",
        match: /^Dig/,
        steps: Array.from({ length: 9 }, () => reply.calls([look]).usage({ input: 0, output: 2000 })),
      },
    ])
    await using bench = workbench(server)
    settings(bench, { models: OUTPUT_ONLY })
    const { exit, stdout } = await bench.run(["-p", "Start four", "--max-budget-usd", "9", ...JSON_OUT])
    expect(exit).toBe(5)
    expect(JSON.parse(stdout).total_cost_usd).toBeLessThanOrEqual(9)
  })

  test("caps of the person's settings hold for the whole session", async () => {
    await using server = await startModelServer()
    server.script = script.inOrder([reply.text("One."), reply.text("Two.")])
    await using bench = workbench(server)
    settings(bench, { caps: { steps: 2 } })
    expect((await bench.run(["-p", "A"])).exit).toBe(0)
    expect((await bench.run(["-p", "B", "-c"])).exit).toBe(0)
    const { exit, stderr } = await bench.run(["-p", "C", "-c"])
    expect(exit).toBe(5)
    expect(stderr).toContain("cap: 2 steps (used: 2 steps) for this session")
  })

  test("what a killed process had asked for is counted as estimated", async () => {
    await using server = await startModelServer()
    server.script = script.inOrder([reply.text("One."), reply.text("Two.")])
    await using bench = workbench(server)
    settings(bench)
    await bench.run(["-p", "Look"])
    // As a process leaves it that dies before the answer has come.
    const db = new Sqlite(join(bench.home, "meanwhile.db"))
    db.run(
      "UPDATE ledger SET state = 'open', closed_at = NULL, input_tokens = 700, output_tokens = 2000, cost_nanos = 1",
    )
    db.close()
    const { stdout } = await bench.run(["-p", "And?", "-c", ...JSON_OUT])
    const result = JSON.parse(stdout)
    expect(result.cost_is_estimated).toBe(false)
    expect(result.session_usage.cost_is_estimated).toBe(true)
    expect(result.session_usage.total_cost_usd - result.total_cost_usd).toBeCloseTo(0.7)
  })
})

/** A session that this process drives as one would that goes on without its terminal. */
async function hosting(
  server: ModelServer,
  bench: Workbench,
  use: (hosted: Hosted, program: Awaited<ReturnType<typeof openProgram>>) => Promise<void>,
) {
  const env = { ...bench.env, ...server.env("anthropic") }
  const program = await openProgram({ env, cwd: bench.cwd, whenCapped: "pause", unattended: true })
  try {
    const hosted = (await program.host(await program.createSession({})))!
    try {
      await use(hosted, program)
      await hosted.stopAll("program")
    } finally {
      hosted.release()
    }
  } finally {
    program.close()
  }
}

describe("where somebody may come and let it go on", () => {
  test("an agent at its cap is paused, its owner hears of it, and resuming raises the cap", async () => {
    await using server = await startModelServer()
    server.script = script.byAgent([
      {
        name: "root",
        match: "Start one",
        steps: [
          reply.calls([agent("Dig.", { max_cost_usd: 5 })]),
          reply.text("It is at work."),
          reply.text("It waits."),
          reply.text("It is done."),
        ],
      },
      {
        name: "side",
        match: /^Dig/,
        steps: [reply.calls([look]).usage({ input: 3000, output: 1000 }), reply.text("Found.")],
      },
    ])
    await using bench = workbench(server)
    settings(bench, { caps: { unwatchedUsd: 0 } })
    await hosting(server, bench, async (hosted, { store, tasks }) => {
      await hosted.prompt([{ type: "text", text: "Start one" }])
      const end = hosted.converse({ signal: AbortSignal.timeout(10_000), steps: 9, patienceMs: 10_000 })
      const run = () => store.one<RunRow>("SELECT * FROM run")
      await eventually("it is paused", () => run()?.state === "paused")
      expect(run()?.reason).toStartWith("cap: $5.00 (used: ")
      await eventually("the owner was told", () =>
        server.requests.some((request) => request.news.includes('status="paused"')),
      )
      await tasks.resume([run()!.task_id])
      expect((await end).type).toBe("done")
      expect(run()).toMatchObject({ state: "completed", result: "Found." })
    })
  })

  test("with nobody looking, a tree does not wake itself for ever", async () => {
    await using server = await startModelServer()
    const again = () => reply.calls([{ name: "Bash", input: { command: "true", run_in_background: true } }])
    // A command may end so soon that its notice joins the turn that has started it: then another one is started there.
    server.script = ({ news }) => (/Go round|task-notification/.test(news) ? again() : reply.text("On."))
    await using bench = workbench(server)
    settings(bench, { caps: { unwatchedTurns: 2, unwatchedUsd: 0 }, permissions: { allow: ["Bash"] } })
    await hosting(server, bench, async (hosted, { store }) => {
      await hosted.prompt([{ type: "text", text: "Go round" }])
      const end = await hosted.converse({ signal: AbortSignal.timeout(10_000), steps: 50, patienceMs: 10_000 })
      expect(end).toMatchObject({ type: "capped" })
      expect((end as { error: Error }).error.message).toBe("cap: 2 wake turns with nobody looking")
      expect(store.all("SELECT * FROM turn WHERE cause = 'task' AND state = 'done'")).toHaveLength(2)
    })
  })

  test("at four fifths of a cap there is one quiet word about it", async () => {
    await using server = await startModelServer()
    server.script = script.inOrder([...Array.from({ length: 9 }, () => reply.calls([look])), reply.text("Done.")])
    await using bench = workbench(server)
    settings(bench, { caps: { steps: 10, unwatchedUsd: 0 } })
    await hosting(server, bench, async (hosted, { store }) => {
      await hosted.prompt([{ type: "text", text: "Look ten times" }])
      await hosted.converse({ signal: AbortSignal.timeout(10_000), steps: 50, patienceMs: 10_000 })
      const told = store.all<InboxRow>("SELECT * FROM inbox WHERE id LIKE 'cap:%'")
      expect(told.map(({ wake, content }) => [wake, content])).toEqual([
        [0, expect.stringContaining("80 % of the cap of 10 steps is used.")],
      ])
    })
  })

  test("an open ledger row holds the most that its request may cost", async () => {
    await using server = await startModelServer()
    const held = new Gate()
    server.script = script.inOrder([reply.text("Late.").gate(held)])
    await using bench = workbench(server)
    settings(bench, { caps: { costUsd: 50, unwatchedUsd: 0 } })
    await hosting(server, bench, async (hosted, { store, usageBelow }) => {
      await hosted.prompt([{ type: "text", text: "Look" }])
      const end = hosted.converse({ signal: AbortSignal.timeout(10_000), steps: 9, patienceMs: 10_000 })
      await server.received(1)
      const open = store.one<LedgerRow>("SELECT * FROM ledger")!
      expect(open).toMatchObject({ state: "open", output_tokens: 2000 })
      expect(open.cost_nanos).toBe((open.input_tokens + 2000) * 1e6)
      expect(usageBelow(hosted.row.id)).toEqual({ tokens: 0, costNanos: 0, isEstimated: false })
      held.open()
      await end
      expect(store.one<LedgerRow>("SELECT * FROM ledger")?.state).toBe("closed")
    })
  })
})
