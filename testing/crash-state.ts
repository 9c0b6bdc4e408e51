// What a story came to, in lines that are the same each time: ids are named by what they are of, times are left out.
import { existsSync } from "node:fs"
import { join } from "node:path"
import { Sqlite, sqliteCode } from "../src/runtime/sqlite.ts"
import type { RecordedRequest } from "./model-server.ts"

export interface EndState {
  /** Messages and results of each session, by the agent's description. */
  sessions: Record<string, string[]>
  runs: string[]
  /** What no story may leave behind. */
  problems?: string[]
  /** Texts of people's prompts that a model's message follows. */
  answered?: string
}

/** Undefined when there is no database yet, or nothing in it. */
export function withDatabase<T>(home: string, look: (db: Sqlite) => T): T | undefined {
  const path = join(home, "meanwhile.db")
  if (!existsSync(path)) return undefined
  const db = new Sqlite(path)
  try {
    return db.one("SELECT 1 FROM sqlite_master WHERE name = 'inbox'") ? look(db) : undefined
  } finally {
    db.close()
  }
}

/** The `id` of the first row, when there is one now; to be asked again and again. */
export function stored(home: string, sql: string, params: Record<string, string>): string | undefined {
  try {
    return withDatabase(home, (db) => db.one<{ id: string }>(sql, params)?.id)
  } catch (error) {
    // Somebody makes it, or takes over the log of a process that died.
    if (sqliteCode(error)?.startsWith("SQLITE_BUSY")) return undefined
    throw error
  }
}

/** Calls that are under way by the rows of a process that died, and that may not be repeated: without a task to join. */
export function callsUnderWay(home: string): string[] {
  const sql = "SELECT call_id FROM tool_call WHERE state = 'running' AND replay = 'never' AND task_id IS NULL"
  return withDatabase(home, (db) => db.all<{ call_id: string }>(sql).map((call) => call.call_id)) ?? []
}

export function endState(home: string): EndState {
  return withDatabase(home, (db) => ({
    sessions: sessionsOf(db),
    runs: runsOf(db),
    problems: problemsOf(db),
    answered: db
      .all<{ content: string }>(
        `SELECT content FROM message AS said WHERE origin = 'human' AND EXISTS
           (SELECT 1 FROM message WHERE session_id = said.session_id AND role = 'assistant' AND seq > said.seq)`,
      )
      .map((row) => row.content)
      .join("\n"),
  }))!
}

/** The conversation in each agent's last request, as it went over the wire. */
export function messagesSeen(requests: readonly RecordedRequest[], home: string): Record<string, string[]> {
  const neutral = withDatabase(home, neutralizer)!
  const seen: Record<string, string[]> = {}
  for (const request of requests) {
    const name = /Be the (\w+)\./.exec(request.prompt)?.[1] ?? "root"
    const lines = request.messages.flatMap((message) =>
      message.content.flatMap((block) => {
        if (block.type === "text") return [`${message.role}: ${neutral(block.text)}`]
        if (block.type === "call")
          return [`${message.role} calls ${block.name} ${block.id} ${neutral(JSON.stringify(block.input))}`]
        if (block.type === "result") return [`result of ${block.callId}: ${neutral(block.text)}`]
        return []
      }),
    )
    if (lines.length >= (seen[name]?.length ?? 0)) seen[name] = lines.filter((line) => !/^\w+: $/.test(line))
  }
  return seen
}

function sessionsOf(db: Sqlite): Record<string, string[]> {
  const neutral = neutralizer(db)
  const sessions: Record<string, string[]> = {}
  const rows = db.all<{ id: string; name: string | null }>(
    "SELECT session.id, task.description AS name FROM session LEFT JOIN task ON task.id = session.task_id",
  )
  for (const { id, name } of rows) {
    const messages = db.all<{ role: string; origin: string | null; content: string; step_id: string | null }>(
      "SELECT role, origin, content, step_id FROM message WHERE session_id = :id ORDER BY seq",
      { id },
    )
    const lines = messages.flatMap((message) => {
      const calls = db.all<{ call_id: string; state: string; is_error: number; content: string }>(
        `SELECT call_id, state, is_error, COALESCE(json_extract(result, '$.content'), 'none') AS content FROM tool_call WHERE step_id = :step ORDER BY idx`,
        { step: message.step_id },
      )
      return [
        `${message.role} (${message.origin}): ${neutral(message.content)}`,
        ...calls.map((call) => `${call.call_id} ${call.state} ${call.is_error}: ${neutral(call.content)}`),
      ]
    })
    // The program's own news of tasks come at moments of their own.
    sessions[name ?? "root"] = lines.filter((line) => !line.endsWith(': [{"type":"text","text":""}]'))
  }
  return sessions
}

function runsOf(db: Sqlite): string[] {
  const neutral = neutralizer(db)
  return db
    .all<Record<string, string | number | null>>(
      `SELECT task.description, task.kind, run.n, run.state, run.background, run.notice, run.exit_code, run.reason, run.result
       FROM run JOIN task ON task.id = run.task_id ORDER BY task.description, run.n`,
    )
    .map((run) => neutral(JSON.stringify(run)))
}

function problemsOf(db: Sqlite): string[] {
  const none = (what: string, sql: string) =>
    db.all<Record<string, unknown>>(sql).map((row) => `${what}: ${JSON.stringify(row).slice(0, 300)}`)
  const integrity = db.all<{ integrity_check: string }>("PRAGMA integrity_check").map((row) => row.integrity_check)
  return [
    ...integrity.filter((line) => line !== "ok").map((line) => `integrity: ${line}`),
    ...none("a run was left", "SELECT * FROM run WHERE state IN ('queued', 'running', 'paused')"),
    ...none("a turn was left open", "SELECT * FROM turn WHERE state = 'open'"),
    ...none("a step was left open", "SELECT * FROM step WHERE state IN ('asking', 'calling')"),
    ...none("a call was left open", "SELECT * FROM tool_call WHERE state <> 'done'"),
    ...none("the ledger was left open", "SELECT * FROM ledger WHERE state = 'open'"),
    ...none("the inbox was left", "SELECT * FROM inbox"),
    ...none("an approval was left open", "SELECT * FROM approval WHERE state = 'open'"),
    ...none(
      "a notice was not told exactly once",
      `SELECT run.id, run.notice, task.description FROM run JOIN task ON task.id = run.task_id WHERE run.background = 1 AND
         (run.notice NOT IN ('delivered', 'consumed') OR (run.notice = 'delivered') <>
           (SELECT COUNT(*) FROM message WHERE message.id = 'notice:' || run.id || ':settled'))`,
    ),
    ...none(
      "a call has more than one task",
      "SELECT call_id, COUNT(*) AS n FROM task WHERE call_id IS NOT NULL GROUP BY call_id HAVING n > 1",
    ),
  ]
}

function neutralizer(db: Sqlite): (text: string) => string {
  const tasks = db.all<{ id: string; description: string }>("SELECT id, description FROM task")
  const cwd = db.one<{ cwd: string }>("SELECT cwd FROM session LIMIT 1")?.cwd ?? "/no/folder"
  return (text) => {
    let neutral = text.replaceAll(cwd, "CWD")
    for (const { id, description } of tasks) neutral = neutral.replaceAll(id, `<${description}>`)
    return neutral
      .replace(/<task-ledger[\s\S]*?<\/task-ledger>\s*/g, "")
      .replace(/(\\n|\n)Output so far:[^\]]*?("\}|$)/g, "$2")
      .replaceAll(',{"type":"text","text":""}', "")
      .replace(/(&lt;|<)?\b\d+(\.\d+)? ?(ms|s|min)\b( \d+ s)?/g, "TIME")
  }
}
