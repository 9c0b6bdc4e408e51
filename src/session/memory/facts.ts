// The sections of a memory that need no model: what rows say was changed, run, committed and handed on, by the session
// and everything below it. Read each time, never stored: they can't be wrong or behind.
import { relative } from "node:path"
import { duration, oneLine, plural } from "../../base/text.ts"
import type { RunRow, SessionRow } from "../../store/rows.ts"
import type { Reader } from "../../store/store.ts"
import { workedMs } from "../../task/task.ts"
import type { Todo } from "../../tool/todo-write.ts"
import { type ConversationRows, conversationRows } from "./conversation-rows.ts"
import { timeOfDay } from "./moment.ts"
import type { FactSection } from "./sections.ts"

/** Of a section with more, the newest are told, and how many there are in all. */
const MOST = { changes: 200, commands: 60, tasks: 60, commits: 60 } as const
/** So far back is looked for commands that are told. */
const SHELLS_SEEN = 1_000
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
    commits: commitLines(shells).join("\n"),
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

/** In the order in which they were last changed. */
export function fileChanges(reader: Reader, { whole, calls }: ConversationRows): ChangedFile[] {
  const found = reader.all<Omit<ChangedFile, "isNew" | "byAgents"> & { isNew: 0 | 1; byAgents: 0 | 1 }>(
    `SELECT path, COUNT(*) AS edits, SUM(added) AS added, SUM(removed) AS removed, MAX(isNew) AS isNew,
       MAX(byAgents) AS byAgents, MAX(at) AS at
     FROM (
       SELECT data ->> '$.path' AS path, data ->> '$.added' AS added, data ->> '$.removed' AS removed,
         data -> '$.before' IS NULL AS isNew, parent_id IS NOT NULL AS byAgents, ended_at AS at
       FROM (
         SELECT json_extract(result, '$.data') AS data, ended_at, session.parent_id
         FROM json_each(:whole) CROSS JOIN tool_call ON tool_call.session_id = json_each.value
           JOIN session ON session.id = tool_call.session_id
         WHERE name IN ('Write', 'Edit') AND state = 'done' AND is_error = 0 AND result IS NOT NULL
         UNION ALL
         SELECT json_extract(result, '$.data'), ended_at, NULL
         FROM json_each(:calls) CROSS JOIN tool_call ON tool_call.id = json_each.value
         WHERE name IN ('Write', 'Edit') AND state = 'done' AND is_error = 0 AND result IS NOT NULL))
     WHERE path IS NOT NULL GROUP BY path ORDER BY at, path`,
    { whole, calls },
  )
  return found.map((file) => ({ ...file, isNew: file.isNew === 1, byAgents: file.byAgents === 1 }))
}

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

interface Shell extends Pick<RunRow, "state" | "exit_code" | "result" | "tail" | "started_at" | "created_at"> {
  command: string
  owner_id: string
}

/** Commands that a model or the user ran, the newest first. */
function shellsOf(reader: Reader, { whole, tasks }: ConversationRows): Shell[] {
  const columns = `task.rowid AS row, task.input ->> '$.command' AS command, task.owner_id, run.state, run.exit_code,
    run.result, run.tail, run.started_at, run.created_at`
  const newestRun = "run.task_id = task.id AND run.n = (SELECT MAX(n) FROM run AS other WHERE other.task_id = task.id)"
  const rows = reader.all<Shell & { command: string | null }>(
    `SELECT * FROM (
       SELECT ${columns} FROM task JOIN run ON ${newestRun}
       WHERE task.owner_id IN (SELECT value FROM json_each(:whole)) AND task.kind = 'shell'
       UNION ALL
       SELECT ${columns} FROM json_each(:tasks) CROSS JOIN task ON task.id = json_each.value JOIN run ON ${newestRun}
       WHERE task.kind = 'shell')
     ORDER BY row DESC LIMIT ${SHELLS_SEEN}`,
    { whole, tasks },
  )
  return rows.filter(({ command }) => command !== null)
}

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
    return `- \`${oneLine(last.command, COMMAND_CHARS)}\` (${how} at ${timeOfDay(last.started_at ?? last.created_at)}${often})`
  })
}

/** What git says when it has made a commit: "[branch 1a2b3c4] Subject". */
const COMMITTED = /^\[([^\]\n]*) ([0-9a-f]{7,64})\] (.+)$/gm

function commitLines(shells: readonly Shell[]): string[] {
  const commits = [...shells].reverse().flatMap(({ command, result, tail, started_at: at, created_at: asked }) => {
    if (!/\bgit\b/.test(command)) return []
    return [...(result ?? tail).matchAll(COMMITTED)].map(([, branch, hash, subject]) => {
      const place = branch!.replace(/ \(root-commit\)$/, "")
      return `- ${hash} ${oneLine(subject!, 200)} (${place}, ${timeOfDay(at ?? asked)})`
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
    `SELECT run.*, task.id AS task, task.kind, task.description, task.input ->> '$.agent' AS agent
     FROM task JOIN run ON run.task_id = task.id
       AND run.n = (SELECT MAX(n) FROM run AS other WHERE other.task_id = task.id)
     WHERE (task.owner_id = :sessionId OR task.id IN (SELECT value FROM json_each(:tasks)))
       AND (task.kind <> 'shell' OR run.backgrounded_at IS NOT NULL)
     ORDER BY task.rowid DESC LIMIT ${MOST.tasks}`,
    { sessionId, tasks },
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
