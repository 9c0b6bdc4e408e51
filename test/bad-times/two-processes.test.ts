// Two processes want one session at the same moment: one drives it, and each prompt is answered once.
import { Database } from "bun:sqlite"
import { expect, test } from "bun:test"
import { join } from "node:path"
import { Gate } from "../../testing/gate.ts"
import { eventually } from "../../testing/harness.ts"
import { workbench } from "../../testing/headless.ts"
import { reply, startModelServer } from "../../testing/model-server.ts"

/** `RACES`: more of them, for who looks for a rare one. */
const ROUNDS = Number(process.env.RACES ?? 4)

/** Each prompt of the conversation is answered by its name, and never a second time. */
function answers() {
  const answered: string[] = []
  return {
    answered,
    script: (request: { messages: { role: string }[] }) => {
      const said = JSON.stringify(request.messages)
      const open = [...new Set(said.match(/prompt-\d+-[ab]/g) ?? [])].filter((name) => !answered.includes(name))
      answered.push(...open)
      return reply.text(open.map((name) => `answer to ${name}`).join(", ") || "nothing new")
    },
  }
}

function stored(home: string) {
  const db = new Database(join(home, "meanwhile.db"), { readonly: true })
  try {
    const prompts = db.query("SELECT content FROM message WHERE origin = 'human' ORDER BY seq").all()
    const sessions = db.query("SELECT COUNT(*) AS n FROM session WHERE parent_id IS NULL").get() as { n: number }
    const left = db.query("SELECT id FROM inbox").all()
    const open = db.query("SELECT id FROM turn WHERE state = 'open'").all()
    return { prompts: prompts.map((row) => JSON.stringify(row)), sessions: sessions.n, left, open }
  } finally {
    db.close()
  }
}

test(`both by -p -c: one hosts, both prompts are answered once (${ROUNDS} rounds)`, async () => {
  const { answered, script } = answers()
  await using server = await startModelServer({ script })
  await using bench = workbench(server)
  expect(await bench.run(["-p", "prompt-0-a"])).toMatchObject({ exit: 0 })
  for (let round = 1; round <= ROUNDS; round++) {
    const both = ["a", "b"].map((who) => bench.start(["-p", "-c", `prompt-${round}-${who}`]))
    const done = await Promise.all(both.map((one) => one.finished))
    for (const { exit, stderr, stdout } of done) {
      expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" })
      expect(stdout).toContain("answer")
    }
    for (const who of ["a", "b"]) expect(answered.filter((name) => name === `prompt-${round}-${who}`)).toHaveLength(1)
  }
  const { prompts, sessions, left, open } = stored(bench.home)
  expect(sessions).toBe(1)
  expect({ left, open }).toEqual({ left: [], open: [] })
  expect(prompts).toHaveLength(1 + 2 * ROUNDS)
  expect(new Set(prompts).size).toBe(prompts.length)
}, 60_000)

test(`host against -p, after a crash: what was open and what is new is answered once (${ROUNDS} rounds)`, async () => {
  const never = new Gate()
  await using server = await startModelServer()
  await using bench = workbench(server)
  for (let round = 1; round <= ROUNDS; round++) {
    server.script = () => reply.text("lost").gate(never)
    const before = server.requests.length
    const dies = bench.start(["-p", ...(round > 1 ? ["-c"] : []), `prompt-${round}-a`])
    await server.received(before + 1)
    dies.kill("SIGKILL")
    await dies.finished
    const { answered, script } = answers()
    server.script = (request) => {
      // Of earlier rounds: answered then.
      const now = request.messages.filter((message) => JSON.stringify(message).includes(`prompt-${round}-`))
      return script({ messages: now })
    }
    const db = new Database(join(bench.home, "meanwhile.db"), { readonly: true })
    const { id } = db.query("SELECT id FROM session WHERE parent_id IS NULL").get() as { id: string }
    db.close()
    const [host, print] = [bench.start(["host", id]), bench.start(["-p", "-c", `prompt-${round}-b`])]
    const [hosted, printed] = await Promise.all([host.finished, print.finished])
    expect(printed).toMatchObject({ exit: 0, stdout: expect.stringContaining(`prompt-${round}-b`) })
    // It drives the session, or is told that somebody does.
    if (hosted.exit !== 0) expect(hosted.stderr).toContain("is at work in another process")
    expect(answered.sort()).toEqual([`prompt-${round}-a`, `prompt-${round}-b`])
  }
  await eventually("nothing is left", () => stored(bench.home).open.length === 0)
  const { prompts, sessions, left } = stored(bench.home)
  expect({ sessions, left, prompts: prompts.length }).toEqual({ sessions: 1, left: [], prompts: 2 * ROUNDS })
}, 60_000)
