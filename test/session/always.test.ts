// "Always" in the answer to a request for permission: from then on, in this project, and nowhere else.
import { expect, test } from "bun:test"
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { openProgram } from "../../src/program.ts"
import type { ApprovalRow } from "../../src/store/rows.ts"
import { agent } from "../../testing/calls.ts"
import { type Driving, driving } from "../../testing/driving.ts"
import { eventually } from "../../testing/harness.ts"
import { reply, type Step } from "../../testing/model-server.ts"

const bash = (command: string) => ({ name: "Bash", input: { command, description: command } })
const write = (path: string) => ({ name: "Write", input: { file_path: path, content: "x" } })

const start = (root: readonly Step[], more: Partial<Parameters<typeof driving>[0]> = {}) =>
  driving({ root, permissionMode: "default", ...more })

const requests = (it: Driving) => it.program.store.all<ApprovalRow>("SELECT * FROM approval ORDER BY rowid")
const asked = async (it: Driving, count: number) => {
  await eventually(`${count} requests`, () => requests(it).length === count)
  return requests(it)[count - 1]!
}
const always = { behavior: "allow", always: true } as const
const rules = (it: Driving) => it.program.rules(it.hosted.row).map(({ text }) => text)

/** Runs a command to its end, once it has begun. */
const finish = async (it: Driving, description: string) => {
  await it.begun(description)
  await it.finish(description, "done")
}

/** A conversation that is over, in which `npm test` was allowed for always. */
const keeping = async () => {
  const it = await start([reply.calls([bash("npm test")]), reply.text("Done.")])
  await it.say("Begin.")
  const talk = it.converse()
  await it.hosted.approvals.answer((await asked(it, 1)).id, always)
  await finish(it, "npm test")
  await talk
  return it
}

test("the rule that was shown holds for the next call at once, without another request", async () => {
  await using it = await start([
    reply.calls([bash("npm test")]),
    reply.calls([bash("npm test -- --watch=false")]),
    reply.text("Done."),
  ])
  await it.say("Begin.")
  const talk = it.converse()
  const request = await asked(it, 1)
  expect(request.rule).toBe("Bash(npm test:*)")
  expect(await it.hosted.approvals.answer(request.id, always)).toBeTrue()
  await finish(it, "npm test")
  await finish(it, "npm test -- --watch=false")
  await talk
  expect(requests(it)).toHaveLength(1)
  expect(rules(it)).toEqual(["Bash(npm test:*)"])
})

test("without “always” nothing is kept, and a late “always” keeps nothing either", async () => {
  await using it = await start([reply.calls([bash("npm test")]), reply.text("Done.")])
  await it.say("Begin.")
  const talk = it.converse()
  const { id } = await asked(it, 1)
  await it.hosted.approvals.answer(id, { behavior: "deny" })
  expect(await it.hosted.approvals.answer(id, always)).toBeFalse()
  await talk
  expect(rules(it)).toEqual([])
})

test("what waits for the same rule at that moment goes on too, an agent's call as well", async () => {
  const helper = agent("helper", "Be helper.")
  await using it = await start([reply.calls([helper, bash("npm test")]), reply.text("Done."), reply.text("Noted.")], {
    agents: { helper: [reply.calls([bash("npm test again")]), reply.text("REPORT")] },
  })
  await it.say("Begin.")
  const talk = it.converse()
  const { id } = await asked(it, 2)
  expect(requests(it).map(({ rule }) => rule)).toEqual(["Bash(npm test:*)", "Bash(npm test:*)"])
  await it.hosted.approvals.answer(id, always)
  await finish(it, "npm test")
  await finish(it, "npm test again")
  await talk
  expect(requests(it).map(({ state }) => state)).toEqual(["allowed", "allowed"])
})

test("it holds for every later process of the project, by any of its names, and for no other project", async () => {
  await using it = await keeping()
  const other = join(it.bench.home, "..", "other")
  const inner = join(it.bench.cwd, "inner")
  const link = join(it.bench.home, "..", "link")
  mkdirSync(other)
  mkdirSync(join(inner, ".git"), { recursive: true })
  symlinkSync(it.bench.cwd, link)
  const seen = async (cwd: string) => {
    const program = await openProgram({ env: { ...it.bench.env }, cwd })
    try {
      return program.rules(await program.createSession({})).map(({ text }) => text)
    } finally {
      program.close()
    }
  }
  expect(await seen(it.bench.cwd)).toEqual(["Bash(npm test:*)"])
  expect(await seen(link)).toEqual(["Bash(npm test:*)"])
  expect(await seen(other)).toEqual([])
  // A repository within it is another project.
  expect(await seen(inner)).toEqual([])
})

test("a rule about a path means the folder that it was shown for, not one of that name elsewhere", async () => {
  await using it = await start([
    reply.calls([write("src/a.ts")]),
    reply.calls([write("src/b.ts")]),
    reply.text("Done."),
  ])
  await it.say("Begin.")
  const talk = it.converse()
  const request = await asked(it, 1)
  expect(request.rule).toBe("Edit(./src/**)")
  await it.hosted.approvals.answer(request.id, always)
  await talk
  expect(requests(it)).toHaveLength(1)

  const below = join(it.bench.cwd, "below")
  mkdirSync(below)
  mkdirSync(join(it.bench.cwd, ".git"))
  it.server.script = () => reply.calls([write("src/c.ts")])
  const program = await openProgram({ env: { ...it.bench.env }, cwd: below, answerable: true })
  const hosted = (await program.host(await program.createSession({})))!
  const end = new AbortController()
  await hosted.prompt([{ type: "text", text: "Begin." }])
  const asking = hosted.converse({ signal: end.signal, steps: 5 })
  const open = () => program.store.one<ApprovalRow>("SELECT * FROM approval WHERE state = 'open'")
  await eventually("it asks again", () => open() !== undefined)
  expect(open()?.rule).toBe("Edit(./src/**)")
  end.abort(new Error("enough"))
  await asking.catch(() => undefined)
  hosted.release()
  program.close()
})

test("a rule that forbids goes before it, also one that a repository gives", async () => {
  await using it = await keeping()
  mkdirSync(join(it.bench.cwd, ".claude"))
  const settings = { permissions: { deny: ["Bash(npm test:*)"], allow: ["Bash(curl:*)"] } }
  writeFileSync(join(it.bench.cwd, ".claude/settings.json"), JSON.stringify(settings))
  let step = 0
  it.server.script = () => (step++ === 0 ? reply.calls([bash("npm test")]) : reply.text("Refused."))
  const result = await it.bench.run(["-p", "Again."])
  expect(result.stdout).toContain("Refused.")
  const denied = it.program.store.one<{ result: string }>("SELECT result FROM tool_call WHERE denied = 1")
  expect(denied?.result).toContain("the rule Bash(npm test:*) forbids it")
  const listed = it.program.store.all("SELECT rule FROM permission_rule")
  expect(listed).toEqual([{ rule: "Bash(npm test:*)" }])
})

test("taken back, it is asked about again by the process that runs", async () => {
  await using it = await start([
    reply.calls([bash("npm test")]),
    reply.calls([bash("npm test two")]),
    reply.text("Done."),
  ])
  await it.say("Begin.")
  const talk = it.converse()
  await it.hosted.approvals.answer((await asked(it, 1)).id, always)
  await it.begun("npm test")
  const [kept] = it.program.rules(it.hosted.row)
  if (kept?.source.type !== "kept") throw new Error("nothing is kept")
  await it.program.dropRule(it.hosted.row, kept.source.rule)
  await it.finish("npm test", "done")
  await it.hosted.approvals.answer((await asked(it, 2)).id, { behavior: "deny" })
  await talk
  expect(rules(it)).toEqual([])
})

test("an agent that is started in plan mode only reads, whatever its own definition says", async () => {
  const bold = { name: "Agent", input: { subagent_type: "bold", description: "bold", prompt: "Be bold." } }
  await using it = await start([reply.calls([bold]), reply.text("Done.")], {
    agents: { bold: [reply.calls([write("a.ts")]), reply.text("REPORT")] },
    program: { agents: JSON.stringify({ bold: { description: "d", prompt: "p", permissionMode: "acceptEdits" } }) },
    permissionMode: "plan",
  })
  await it.say("Begin.")
  await it.converse()
  const modes = it.program.store.all("SELECT agent, permission_mode FROM session ORDER BY rowid")
  expect(modes).toMatchObject([{ permission_mode: "plan" }, { agent: "bold", permission_mode: "plan" }])
  const denied = it.program.store.one<{ result: string }>("SELECT result FROM tool_call WHERE denied = 1")
  expect(denied?.result).toContain("this is plan mode")
})
