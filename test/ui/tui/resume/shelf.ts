// A home with sessions of many kinds, as weeks of use leave it, and a terminal that looks at them.
import { realpathSync } from "node:fs"
import { systemClock } from "../../../../src/base/clock.ts"
import { openStore } from "../../../../src/store/open.ts"
import type { Tx } from "../../../../src/store/store.ts"
import { type Workbench, workbench } from "../../../../testing/headless.ts"
import { seed, seedSession, seedTask } from "../../../../testing/seed.ts"
import { openTerminal, type Terminal, type TerminalOptions } from "../../../../testing/terminal.ts"

export interface Shelf extends AsyncDisposable {
  readonly bench: Workbench
  readonly terminal: Terminal
  /** Does something to the rows, as another process would. */
  change(work: (tx: Tx) => void): Promise<void>
  open(options?: TerminalOptions): Promise<Terminal>
}

export interface ShelfOptions extends TerminalOptions {
  /** More rows, before the program is started. */
  more?: (tx: Tx, shelf: { project: string; now: number }) => void
  isEmpty?: boolean
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

export const ID = {
  auth: "aaaa1111-0000-4000-8000-000000000000",
  fork: "bbbb2222-0000-4000-8000-000000000000",
  build: "cccc3333-0000-4000-8000-000000000000",
  deploy: "dddd4444-0000-4000-8000-000000000000",
  other: "eeee5555-0000-4000-8000-000000000000",
  old: "ffff6666-0000-4000-8000-000000000000",
} as const

/** Opens the screen of sessions, unless other arguments are given. */
export async function shelf({ more, isEmpty = false, ...options }: ShelfOptions = {}): Promise<Shelf> {
  const bench = workbench()
  const change = async (work: (tx: Tx) => void) => {
    const store = await openStore({ folder: bench.home, clock: systemClock })
    await store.write(work)
    store.close()
  }
  const project = realpathSync(bench.cwd)
  const now = Date.now()
  await change((tx) => {
    if (!isEmpty) usual(tx, { project, now })
    more?.(tx, { project, now })
  })
  const open = (wanted: TerminalOptions = {}) =>
    openTerminal(bench, { columns: 100, rows: 24, args: ["--resume"], ...options, ...wanted })
  const terminal = await open()
  return {
    bench,
    terminal,
    change,
    open,
    [Symbol.asyncDispose]: async () => {
      await terminal[Symbol.asyncDispose]()
      await bench[Symbol.asyncDispose]()
    },
  }
}

function usual(tx: Tx, { project, now }: { project: string; now: number }): void {
  const session = (id: string, ago: number, fields: Record<string, string | number | null>) =>
    seedSession(tx, {
      id,
      project,
      cwd: project,
      branch: "main",
      model: "scout",
      permission_mode: "default",
      created_at: now - ago - HOUR,
      updated_at: now - ago,
      ...fields,
    })
  session(ID.auth, 5.3 * MINUTE, { name: "auth-research" })
  say(tx, ID.auth, [
    "Where is the session cookie set?",
    "In src/auth/session.ts, with SameSite=Lax.",
    "And the tests of it?",
    "There are 12 tests; none covers expiry.",
  ])
  used(tx, ID.auth, { tokens: 12_400, cost: 80_000_000, at: now - HOUR })
  seed(tx, "memory", {
    session_id: ID.auth,
    version: 2,
    covers_seq: 2,
    sections: JSON.stringify({ status: { lines: ["Reading how sessions are stored; expiry is next."] } }),
    made_by: "model",
    created_at: now - 10.3 * MINUTE,
  })
  seedTask(tx, { id: "7f2a", root: ID.auth, task: { description: "npm audit" }, run: { state: "completed" } })
  session(ID.fork, 2.2 * HOUR, { name: "auth with tokens", branch: "tokens", forked_from: ID.auth, fork_seq: 2 })
  say(tx, ID.fork, ["Try tokens instead of a cookie.", "Tokens need a place on the client."], 2)
  session(ID.build, 26 * HOUR, { title: "Fix the flaky build" })
  say(tx, ID.build, ["Fix the flaky build", "It fails when the cache is cold."])
  seedTask(tx, { id: "33ee", root: ID.build, task: { description: "npm run build" }, run: { state: "running" } })
  session(ID.deploy, 3.1 * DAY, { name: "deploy script", branch: "release" })
  say(tx, ID.deploy, ["Write a deploy script", "I would run: npm publish"])
  seed(tx, "approval", {
    id: "ask",
    root_id: ID.deploy,
    session_id: ID.deploy,
    tool: "Bash",
    input: JSON.stringify({ command: "npm publish" }),
    state: "open",
  })
  session(ID.old, 6.1 * DAY, { title: "数据库迁移" })
  say(tx, ID.old, ["数据库迁移", "The migration is in 0042.sql: 索引已经建好。"])
  session(ID.other, 4.2 * HOUR, { name: "elsewhere", project: "/srv/other", cwd: "/srv/other" })
  say(tx, ID.other, ["Which cookie banner?", "None yet."])
  // A conversation that was left without a word, and a sub-agent's.
  session("99990000-0000-4000-8000-000000000000", MINUTE, {})
  seedSession(tx, { id: "child", project, root_id: ID.auth, parent_id: ID.auth, depth: 1 })
  say(tx, "child", ["Look for the needle.", "The agent found the needle in a haystack."])
}

/** A prompt, an answer, a prompt, …; numbered behind `after`. */
export function say(tx: Tx, sessionId: string, texts: readonly string[], after = 0): void {
  for (const [i, text] of texts.entries()) {
    const seq = after + i + 1
    const turn = `${sessionId}:${Math.ceil(seq / 2)}`
    const isPrompt = i % 2 === 0
    if (isPrompt) seed(tx, "turn", { id: turn, session_id: sessionId, state: "done", cause: "human" })
    seed(tx, "message", {
      id: `${sessionId}:${seq}`,
      session_id: sessionId,
      seq,
      role: isPrompt ? "user" : "assistant",
      origin: isPrompt ? "human" : null,
      content: JSON.stringify([{ type: "text", text }]),
      turn_id: turn,
      created_at: Date.now() - HOUR,
    })
  }
}

function used(tx: Tx, id: string, { tokens, cost, at }: { tokens: number; cost: number; at: number }): void {
  seed(tx, "ledger", {
    id: `ledger:${id}`,
    root_id: id,
    session_id: id,
    purpose: "turn",
    provider: "anthropic",
    model: "claude-sonnet-5-5",
    state: "closed",
    input_tokens: tokens,
    cost_nanos: cost,
    opened_at: at,
  })
}
