// The sections that need no model: they equal what git and the rows say.
import { describe, expect, test } from "bun:test"
import { execFileSync } from "node:child_process"
import { systemClock } from "../../../src/base/clock.ts"
import { conversationRows } from "../../../src/session/memory/conversation-rows.ts"
import { facts, fileChanges } from "../../../src/session/memory/facts.ts"
import { openStore } from "../../../src/store/open.ts"
import type { SessionRow } from "../../../src/store/rows.ts"
import type { Tx } from "../../../src/store/store.ts"
import { explaining, temporaryStore } from "../../../testing/harness.ts"
import { workbench } from "../../../testing/headless.ts"
import { reply, script, startModelServer } from "../../../testing/model-server.ts"
import { seed, seedSession, seedTask } from "../../../testing/seed.ts"

const bash = (command: string) => ({ name: "Bash", input: { command } })
const GIT = "git -c user.name=a -c user.email=a@b"

test("after work by the session and an agent, they say what git says", async () => {
  await using server = await startModelServer()
  server.script = script.byAgent([
    {
      name: "agent",
      match: "write the second file",
      steps: [
        reply.calls([{ name: "Write", input: { file_path: "second.txt", content: "1\n2\n3\n" } }]),
        reply.text("The second file is there."),
      ],
    },
    {
      name: "root",
      match: "begin",
      steps: [
        reply.calls([
          { name: "Write", input: { file_path: "first.txt", content: "a\nb\nc\n" } },
          bash("git init -q . && git branch -m main"),
          {
            name: "TodoWrite",
            input: {
              todos: [
                { content: "first", status: "completed" },
                { content: "second", status: "in_progress" },
              ],
            },
          },
        ]),
        reply.calls([{ name: "Edit", input: { file_path: "first.txt", old_string: "b\n", new_string: "B\nbb\n" } }]),
        reply.calls([
          {
            name: "Agent",
            input: { subagent_type: "general-purpose", description: "second", prompt: "write the second file" },
          },
          bash("false"),
          bash("false"),
        ]),
        reply.calls([bash(`git add -A && ${GIT} commit -m "Two files"`)]),
        reply.calls([
          bash(
            `echo x >> first.txt && ${GIT} commit -aqm "Said nothing" && ${GIT} commit --allow-empty -m "Nothing, and said so"`,
          ),
        ]),
        reply.text("Done."),
      ],
    },
  ])
  await using bench = workbench(server)
  const run = await bench.run(["-p", "begin", "--permission-mode", "bypassPermissions"])
  expect(run.exit).toBe(0)
  const store = await openStore({ folder: bench.home, clock: systemClock })
  try {
    const { id } = store.one<SessionRow>("SELECT * FROM session WHERE parent_id IS NULL")!
    const said = facts(store, id)

    // Each file's lines, from nothing to the first commit, as git counts them.
    const git = (...args: string[]) => execFileSync("git", args, { cwd: bench.cwd, encoding: "utf8" }).trim()
    const first = git("rev-list", "--max-parents=0", "HEAD")
    const counted = git("show", "--numstat", "--format=", first)
      .split("\n")
      .map((line) => line.split("\t"))
    const changes = fileChanges(store, conversationRows(store, id))
    for (const [added, , name] of counted) {
      const file = changes.find(({ path }) => path.endsWith(`/${name}`))!
      expect(file.added - file.removed).toBe(Number(added))
      expect(file.isNew).toBe(true)
    }
    expect(counted).toHaveLength(changes.length)
    expect(said.changes.split("\n")).toEqual([
      "- first.txt (new, 2 edits, +5 -1)",
      "- second.txt (new, 1 edit, +3 -0, by agents)",
    ])

    // What a commit says of itself is seen; one that says nothing is not.
    const log = git("log", "--reverse", "--format=%h %s").split("\n")
    expect(said.commits.split("\n").map((line) => line.replace(/ \(main, \d\d:\d\d\)$/, ""))).toEqual(
      log.filter((line) => !line.endsWith("Said nothing")).map((line) => `- ${line}`),
    )

    const commands = said.commands.split("\n")
    expect(commands).toHaveLength(store.all("SELECT DISTINCT description FROM task WHERE kind = 'shell'").length)
    expect(commands.find((line) => line.includes("`false`"))).toMatch(/^- `false` \(exit 1 at \d\d:\d\d, 2 times\)$/)
    expect(said.tasks).toMatch(/^- \S+ agent general-purpose "second": completed, .*: The second file is there\.$/)
    expect(said.todos).toBe("- [x] first\n- [>] second")
  } finally {
    store.close()
  }
}, 60_000)

test("changes are read from their index alone: their texts are not looked at", async () => {
  using it = await temporaryStore()
  await it.store.write((tx) => {
    seedSession(tx, { id: "origin" })
    seedSession(tx, { id: "fork", forked_from: "origin", fork_seq: 3 })
  })
  const { reader, plans } = explaining(it.store, "tool_call")
  fileChanges(reader, { whole: ["fork"], tasks: [], shared: [{ sessionId: "origin", after: 0, upTo: 3 }] })
  expect(plans).toHaveLength(2)
  for (const plan of plans) expect(plan).toContain("INDEX tool_call_change (session_id=?)")
})

describe("of a fork", () => {
  /** A call that changed a file, in its own step. */
  function change(tx: Tx, { session, n, path }: { session: string; n: number; path: string }): void {
    const step = `${session}-s${n}`
    const ids = { session_id: session, step_id: step }
    seed(tx, "step", { id: step, session_id: session, turn_id: "t", n, state: "done", message_id: `${session}-m${n}` })
    seed(tx, "message", { id: `${session}-m${n}`, ...ids, seq: n, role: "assistant", content: "[]" })
    const result = JSON.stringify({
      content: [],
      data: { path, line: 1, before: "a", after: "b", added: 1, removed: 1, cut: false },
    })
    seed(tx, "tool_call", {
      id: `${session}-c${n}`,
      ...ids,
      idx: 0,
      name: "Edit",
      replay: "never",
      state: "done",
      result,
      ended_at: n,
    })
    const input = JSON.stringify({ command: `run ${path}`, cwd: "/work" })
    const run = { state: "completed", exit_code: 0 }
    seedTask(tx, { id: `${session}-task${n}`, root: session, task: { call_id: `${session}-c${n}`, input }, run })
  }

  /** A line for the shell of the user's own, of which the model was told in a message with that number. */
  function shellLine(tx: Tx, { session, n }: { session: string; n: number }): void {
    const id = `line${n}`
    const input = JSON.stringify({ command: `line ${n}`, cwd: "/work" })
    seedTask(tx, { id, root: session, task: { call_id: `line:${n}`, input }, run: { state: "completed" } })
    seed(tx, "message", { id: `line:run-${id}`, session_id: session, seq: n, role: "user", content: "[]" })
  }

  test("they are those of the origin up to where it split off, and its own", async () => {
    using it = await temporaryStore()
    await it.store.write((tx) => {
      seedSession(tx, { id: "origin" })
      for (const n of [1, 2, 5, 6]) change(tx, { session: "origin", n, path: `/work/origin${n}` })
      for (const n of [3, 7]) shellLine(tx, { session: "origin", n })
      seedSession(tx, { id: "fork", forked_from: "origin", fork_seq: 3 })
      change(tx, { session: "fork", n: 4, path: "/work/fork4" })
      seedSession(tx, { id: "again", forked_from: "fork", fork_seq: 4 })
    })
    const paths = (id: string) => fileChanges(it.store, conversationRows(it.store, id)).map(({ path }) => path)
    expect(paths("origin")).toEqual(["/work/origin1", "/work/origin2", "/work/origin5", "/work/origin6"])
    expect(paths("fork")).toEqual(["/work/origin1", "/work/origin2", "/work/fork4"])
    expect(paths("again")).toEqual(["/work/origin1", "/work/origin2", "/work/fork4"])
    const commands = (id: string) =>
      [...facts(it.store, id).commands.matchAll(/`(.*)`/g)].map(([, command]) => command!).sort()
    const before = ["line 3", "run /work/origin1", "run /work/origin2"]
    expect(commands("origin")).toEqual([...before, "line 7", "run /work/origin5", "run /work/origin6"].sort())
    expect(commands("fork")).toEqual([...before, "run /work/fork4"].sort())
    expect(commands("again")).toEqual([...before, "run /work/fork4"].sort())
  })
})
