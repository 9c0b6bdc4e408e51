// The sections of a memory that need no model: what rows say was changed, run, committed and handed on, by the session
// and everything below it. Read each time, never stored: they can't be wrong or behind.
import { relative } from "node:path"
import { duration, oneLine, plural } from "../../base/text.ts"
import type { RunRow, SessionRow } from "../../store/rows.ts"
import type { Reader } from "../../store/store.ts"
import { workedMs } from "../../task/task.ts"
import type { Todo } from "../../tool/todo-write.ts"
import { type ConversationRows, conversationRows, firstCallBehind } from "./conversation-rows.ts"
import { timeOfDay } from "./moment.ts"
import type { FactSection } from "./sections.ts"

/** Of a section with more, the newest are told, and how many there are in all. */
const MOST = { changes: 200, commands: 60, tasks: 60, commits: 60 } as const
/** So far back is looked for tasks and commands that are told. */
const TASKS_SEEN = 1_000
const COMMAND_CHARS = 160
const RESULT_CHARS = 200

export function facts(reader: Reader, sessionId: string): Record<FactSection, string> {
  const session = reader.one<SessionRow>("SELECT * FROM session WHERE id = :sessionId", { sessionId })
  if (!session) return { todos: "", tasks: "", changes: "", commands: "", commits: "" }
  const rows = conversationRows(reader, sessionId)
  const shells = shellsOf(reader, rows)
  return {
    todos: todoLines(session).join("\n"),
    tasks: taskLines(reader, sessionId, rows).join("\n"),
    changes: changeLines(fileChanges(reader, rows), session.cwd).join("\n"),
    commands: commandLines(shells).join("\n"),
    commits: commitLines(reader, shells).join("\n"),
  }
}

function todoLines({ todos }: SessionRow): string[] {
  const marks = { completed: "[x]", in_progress: "[>]", pending: "[ ]" } as const
  const list = todos === null ? [] : (JSON.parse(todos) as Todo[])
  return list.map(({ content, status }) => `- ${marks[status]} ${oneLine(content, 300)}`)
}

/** What Write and Edit did to one file. */
export interface ChangedFile {
  path: string
  /** Calls of Write and Edit. */
  edits: number
  added: number
  removed: number
  isNew: boolean
  /** Some of it was done by agents. */
  byAgents: boolean
  at: number
}

/** In the order in which they were last changed. All that is read here is in an index: texts of changes are long. */
export function fileChanges(reader: Reader, { whole, shared }: ConversationRows): ChangedFile[] {
  const rows = reader.all<ChangeRow>(
    `SELECT ${CHANGE}, session.parent_id
     FROM json_each(:whole) CROSS JOIN tool_call ON tool_call.session_id = json_each.value AND ${CHANGED}
       CROSS JOIN session ON session.id = tool_call.session_id`,
    { whole: JSON.stringify(whole) },
  )
  // With the plus, rows are not looked for by their numbers, but in the index of changes.
  const before = shared.flatMap((stretch) =>
    reader.all<ChangeRow>(
      `SELECT ${CHANGE}, NULL AS parent_id FROM tool_call
       WHERE tool_call.session_id = :sessionId AND ${CHANGED} AND +tool_call.rowid < :behind`,
      { sessionId: stretch.sessionId, behind: firstCallBehind(reader, stretch) },
    ),
  )
  const files = new Map<string, ChangedFile>()
  for (const row of [...before, ...rows]) {
    const [path, added, removed] = JSON.parse(row.change) as [string | null, number, number]
    // A call that found the file as it should be has changed nothing.
    if (path === null) continue
    const known = files.get(path) ?? { path, edits: 0, added: 0, removed: 0, isNew: false, byAgents: false, at: 0 }
    files.set(path, {
      path,
      edits: known.edits + 1,
      added: known.added + added,
      removed: known.removed + removed,
      isNew: known.isNew || row.before === null,
      byAgents: known.byAgents || row.parent_id !== null,
      at: Math.max(known.at, row.at),
    })
  }
  return [...files.values()].sort((a, b) => a.at - b.at || (a.path < b.path ? -1 : 1))
}

interface ChangeRow {
  change: string
  before: string | null
  at: number
  parent_id: string | null
}

/** As in the index tool_call_change, word for word. */
const CHANGE = `json_extract(result, '$.data.path', '$.data.added', '$.data.removed') AS change,
  json_type(result, '$.data.before') AS before, tool_call.ended_at AS at`
const CHANGED = "tool_call.name IN ('Write', 'Edit') AND tool_call.state = 'done' AND tool_call.is_error = 0"

function changeLines(files: readonly ChangedFile[], cwd: string): string[] {
  return newest(files, MOST.changes, "file").map((file) => {
    if (typeof file === "string") return file
    const { path, edits, added, removed, isNew, byAgents } = file
    const what = `${isNew ? "new, " : ""}${plural(edits, "edit")}, +${added} -${removed}${byAgents ? ", by agents" : ""}`
    return `- ${shortPath(path, cwd)} (${what})`
  })
}

function shortPath(path: string, cwd: string): string {
  const inside = relative(cwd, path)
  return inside !== "" && !inside.startsWith("..") ? inside : path
}

interface Shell extends Pick<RunRow, "state" | "exit_code"> {
  run: string
  command: string
  at: number
}

/** Commands that a model or the user ran, the newest first. Of runs only what stands before their output is read. */
function shellsOf(reader: Reader, { whole, tasks }: ConversationRows): Shell[] {
  const rows = reader.all<Shell & { command: string | null }>(
    `WITH newest (row) AS (
       SELECT rowid FROM task WHERE owner_id IN (SELECT value FROM json_each(:whole)) AND kind = 'shell'
       UNION ALL
       SELECT task.rowid FROM json_each(:tasks) CROSS JOIN task ON task.id = json_each.value WHERE kind = 'shell'
       ORDER BY 1 DESC LIMIT ${TASKS_SEEN})
     SELECT task.input ->> '$.command' AS command, task.created_at AS at, run.id AS run, run.state, run.exit_code
     FROM newest CROSS JOIN task ON task.rowid = newest.row CROSS JOIN run ON ${LAST_RUN} ORDER BY newest.row DESC`,
    { whole: JSON.stringify(whole), tasks: JSON.stringify(tasks) },
  )
  return rows.filter(({ command }) => command !== null)
}

const LAST_RUN = "run.task_id = task.id AND run.n = (SELECT MAX(n) FROM run AS other WHERE other.task_id = task.id)"

/** Each command once, with how it ended last, in the order in which they were run last. */
function commandLines(shells: readonly Shell[]): string[] {
  const byCommand = new Map<string, { last: Shell; times: number }>()
  for (const shell of shells) {
    const known = byCommand.get(shell.command)
    if (known) known.times++
    else byCommand.set(shell.command, { last: shell, times: 1 })
  }
  return newest([...byCommand.values()].reverse(), MOST.commands, "command").map((entry) => {
    if (typeof entry === "string") return entry
    const { last, times } = entry
    const how = last.exit_code === null ? last.state : `exit ${last.exit_code}`
    const often = times > 1 ? `, ${times} times` : ""
    return `- \`${oneLine(last.command, COMMAND_CHARS)}\` (${how} at ${timeOfDay(last.at)}${often})`
  })
}

/** Commands of git that make commits. */
const COMMITS = /\bgit\b[^|;&]*\b(?:commit|merge|cherry-pick|revert|rebase|am|pull)\b/
/** What git says when it has made one: "[branch 1a2b3c4] Subject". */
const COMMITTED = /^\[([^\]\n]*) ([0-9a-f]{7,64})\] (.+)$/gm

function commitLines(reader: Reader, shells: readonly Shell[]): string[] {
  const asked = shells.filter(({ command }) => COMMITS.test(command)).slice(0, MOST.commits)
  const commits = asked.reverse().flatMap(({ run, at }) => {
    const output = reader.one<{ text: string }>("SELECT COALESCE(result, tail) AS text FROM run WHERE id = :run", {
      run,
    })
    return [...(output?.text ?? "").matchAll(COMMITTED)].map(([, branch, hash, subject]) => {
      const place = branch!.replace(/ \(root-commit\)$/, "")
      return `- ${hash} ${oneLine(subject!, 200)} (${place}, ${timeOfDay(at)})`
    })
  })
  return newest(commits, MOST.commits, "commit").map(String)
}

interface Work extends RunRow {
  kind: string
  description: string
  agent: string | null
  task: string
}

/** Agents, monitors and what went to the background; those that agents started are the agents' own affair. */
function taskLines(reader: Reader, sessionId: string, { tasks }: ConversationRows): string[] {
  const rows = reader.all<Work>(
    `WITH newest (row) AS (
       SELECT rowid FROM task WHERE owner_id = :sessionId
       UNION ALL
       SELECT task.rowid FROM json_each(:tasks) CROSS JOIN task ON task.id = json_each.value
       ORDER BY 1 DESC LIMIT ${TASKS_SEEN})
     SELECT run.*, task.id AS task, task.kind, task.description, task.input ->> '$.agent' AS agent
     FROM newest CROSS JOIN task ON task.rowid = newest.row CROSS JOIN run ON ${LAST_RUN}
     WHERE task.kind <> 'shell' OR run.backgrounded_at IS NOT NULL
     ORDER BY newest.row DESC LIMIT ${MOST.tasks}`,
    { sessionId, tasks: JSON.stringify(tasks) },
  )
  return rows.reverse().map(taskLine)
}

function taskLine(work: Work): string {
  const who = work.agent ? `agent ${work.agent}` : work.kind
  const how = work.exit_code === null ? work.state : `${work.state}, exit ${work.exit_code}`
  const took = work.ended_at === null ? "" : `, ${duration(workedMs(work, work.ended_at))}`
  const said = oneLine(work.reason ?? work.result ?? "", RESULT_CHARS)
  return `- ${work.task} ${who} "${oneLine(work.description, 100)}": ${how}${took}${said ? `: ${said}` : ""}`
}

/** The last of a list, with a line before them that says how many there are more. */
function newest<T>(list: readonly T[], most: number, what: string): (T | string)[] {
  if (list.length <= most) return [...list]
  return [`- (${plural(list.length - most, `earlier ${what}`)} left out)`, ...list.slice(-most)]
}
