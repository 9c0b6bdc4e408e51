// Death around a compaction: whoever goes on has either the old conversation or the compacted one, whole, and nothing is
// done twice. At each point from the boundary before it to the next request's answer.
import { expect, test } from "bun:test"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { systemClock } from "../../src/base/clock.ts"
import { randomIds } from "../../src/base/ids.ts"
import { request } from "../../src/session/controls.ts"
import { openStore } from "../../src/store/open.ts"
import type { CompactionRow, MessageRow, ToolCallRow } from "../../src/store/rows.ts"
import { type CrashHome, crashHome } from "../../testing/crash-home.ts"
import { withDatabase } from "../../testing/crash-state.ts"
import { type RecordedRequest, reply, startModelServer } from "../../testing/model-server.ts"

const EFFECTS = 5
/** What a compaction's transaction changes first. */
const COMMIT = "the commit of: UPDATE session SET told_tasks = NULL"

interface Story {
  name: string
  window: number
  at: number
  /** From so many results on the model refuses a request that is not compacted. */
  refusesAt?: number
  /** The user asks for it while the session rests. */
  asked?: true
}

const STORIES: readonly Story[] = [
  { name: "by itself", window: 30_000, at: 0.8 },
  { name: "after the model's refusal", window: 200_000, at: 0.8, refusesAt: 4 },
  { name: "as the user asked", window: 30_000, at: 0, asked: true },
]

interface End {
  effects: string
  compactions: CompactionRow[]
  messages: MessageRow[]
  calls: ToolCallRow[]
  said: string
}

const isCompacted = (asked: RecordedRequest) => asked.prompt.includes("The conversation was compacted")

/** `at`: the process dies there; another one goes on. */
async function tell(story: Story, at?: number, by: "kill" | "throw" = "kill"): Promise<{ points: string[]; end: End }> {
  await using server = await startModelServer({ restarts: isCompacted })
  const models = { "anthropic/claude-sonnet-5-5": { contextWindow: story.window } }
  const settings = { models, compactAt: story.at, memory: { updates: false }, titles: "prompt" }
  using it = crashHome(server, settings)
  const effects = () => linesIn(join(it.cwd, "effects"))
  server.script = (asked) => {
    const done = effects().length
    if (asked.news.includes("And now?")) return reply.text("Now it is over.")
    if (story.refusesAt !== undefined && done >= story.refusesAt && !isCompacted(asked))
      return reply.error(400, { type: "invalid_request_error", message: "prompt is too long: 300000 tokens" })
    const usage = { input: Math.round(JSON.stringify(asked.body).length / 4), output: 30 }
    if (done >= EFFECTS) return reply.text("All done.").usage(usage)
    return reply.calls([bash(done)]).usage(usage)
  }
  const log = join(it.folder, "points")
  const prompt = ["-p", "Do the five things.", "--allowedTools", "Bash"]
  if (story.asked) {
    await it.run(prompt)
    const id = rootOf(it)
    const store = await openStore({ folder: it.home, clock: systemClock })
    await store.writeFreely((tx) =>
      request(tx, { clock: systemClock, ids: randomIds }, { rootId: id, control: { action: "compact" } }),
    )
    store.close()
    await it.run(["host", id], { log, at, by })
    if (at !== undefined) await it.run(["host", id])
  } else {
    await it.run(prompt, { log, at, by })
    if (at !== undefined) await it.run(["host", rootOf(it)])
  }
  await it.run(["-p", "--continue", "And now?"])
  server.check()
  expect(it.problems).toEqual([])
  const end = withDatabase(it.home, (db) => ({
    effects: effects().join(" "),
    compactions: db.all<CompactionRow>("SELECT * FROM compaction ORDER BY rowid"),
    messages: db.all<MessageRow>("SELECT * FROM message ORDER BY seq"),
    calls: db.all<ToolCallRow>("SELECT * FROM tool_call ORDER BY rowid"),
    said: server.requests.at(-1)!.prompt.slice(0, 60),
  }))
  return { points: linesIn(log), end: end! }
}

function bash(n: number) {
  const command = `echo ${n} >>effects; seq -s ' line ' 1 ${1_700 + n}`
  return { name: "Bash", input: { command, description: `thing ${n}` } }
}

function linesIn(path: string): string[] {
  return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : []
}

function rootOf(it: CrashHome): string {
  return withDatabase(it.home, (db) => db.one<{ id: string }>("SELECT id FROM session")!.id)!
}

for (const story of STORIES)
  test(`a conversation that is compacted ${story.name} goes on after death at each point around it`, async () => {
    const { points, end } = await tell(story)
    expect(end.compactions.length).toBeGreaterThan(0)
    expect(end.effects).toBe("0 1 2 3 4")
    expect(end.said).toContain("The conversation was compacted")
    const commit = points.findIndex((point) => point.includes(COMMIT))
    expect(commit).toBeGreaterThan(0)
    const around = Array.from({ length: 6 }, (_, i) => commit - 2 + i).filter((k) => k >= 0 && k < points.length)
    const deaths = around.flatMap((k) => [
      { k, by: "kill" } as const,
      ...(k === commit ? [{ k, by: "throw" } as const] : []),
    ])
    for (const { k, by } of deaths) {
      const { end: after } = await tell(story, k + 1, by)
      const label = `${by} at ${points[k]}`
      expect({ label, effects: after.effects }).toEqual({ label, effects: end.effects })
      expect({ label, said: after.said }).toEqual({ label, said: end.said })
      // One that was made is not made again at the same place.
      const places = after.compactions.map(({ seq, kept_after }) => `${seq} ${kept_after}`)
      expect({ label, places: new Set(places).size }).toEqual({ label, places: places.length })
      expect({ label, count: after.compactions.length }).toEqual({ label, count: end.compactions.length })
      expect(after.calls.every(({ state }) => state === "done")).toBe(true)
      const roles = (messages: readonly MessageRow[]) => messages.map(({ role, seq }) => `${seq} ${role}`)
      expect({ label, roles: roles(after.messages) }).toEqual({ label, roles: roles(end.messages) })
    }
  }, 180_000)
