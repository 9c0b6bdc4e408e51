// `meanwhile sessions`: the conversations with the user, the one used last first; and what can be done with one.
import { accessSync, constants, existsSync, statSync } from "node:fs"
import { join } from "node:path"
import { systemClock } from "../base/clock.ts"
import { Exit, type ExitCode, messageOf, UserError } from "../base/error.ts"
import { visible } from "../base/escape.ts"
import { randomIds } from "../base/ids.ts"
import { type HomePaths, projectRoot } from "../base/paths.ts"
import { oneLine, plural, quoted } from "../base/text.ts"
import { openData } from "../program.ts"
import { isTerminal, linesIn, linesInFile, writeErr, writeOut } from "../runtime/standard.ts"
import { exportTree } from "../session/export.ts"
import { findSession, firstPrompt } from "../session/find.ts"
import { importSession } from "../session/import.ts"
import { LONGEST_LINE } from "../session/import-scratch.ts"
import { rename } from "../session/name.ts"
import { checkRemovable, removeSession } from "../session/remove.ts"
import type { SessionRow } from "../store/rows.ts"
import type { Store } from "../store/store.ts"
import type { Command, SessionsAction } from "./command.ts"
import { sessionsJson, sessionTable } from "./session-table.ts"
import { workingFolder } from "./working-folder.ts"

export async function sessionsCommand({ action }: Extract<Command, { type: "sessions" }>): Promise<ExitCode> {
  const { store, home } = await openData(process.env)
  const wanted = (id: string) => findSession(store, id, projectRoot(workingFolder(), home.home))
  try {
    switch (action.type) {
      case "list":
        return await list(store, action)
      case "rename":
        return await renameTo(store, wanted(action.id), action.name)
      case "export":
        return await exportSession(store, wanted(action.id))
      case "import":
        return await importFrom(store, home, action)
      case "rm":
        return await remove(store, wanted(action.id), action)
      default:
        return action satisfies never
    }
  } finally {
    store.close()
  }
}

async function list(store: Store, { json }: { json: boolean }): Promise<ExitCode> {
  await writeOut(json ? sessionsJson(store) : sessionTable(store))
  return Exit.done
}

async function renameTo(store: Store, row: SessionRow, name: string): Promise<ExitCode> {
  const given = await store.write((tx) => rename(tx, row.id, name))
  const isTaken = given !== name.trim()
  await writeOut(`${row.id.slice(0, 8)}  ${given}${isTaken ? `  ("${name.trim()}" is another session's name)` : ""}\n`)
  return Exit.done
}

async function exportSession(store: Store, row: SessionRow): Promise<ExitCode> {
  using snapshot = store.snapshot()
  for await (const lines of exportTree(snapshot, row.id))
    await writeOut(lines.map((line) => `${JSON.stringify(line)}\n`).join(""))
  return Exit.done
}

async function importFrom(
  store: Store,
  home: HomePaths,
  { file, asCopy }: Extract<SessionsAction, { type: "import" }>,
): Promise<ExitCode> {
  const how = { maxBytes: LONGEST_LINE, signal: new AbortController().signal }
  if (file !== "-") checkReadable(file)
  const lines = file === "-" ? linesIn(how) : linesInFile(file, how)
  const parts = { store, clock: systemClock, ids: randomIds }
  const done = await importSession(parts, { lines, asCopy, folder: join(home.data, "import") })
  const { row, nameTaken, lost, asksAgain, isWhole } = done
  const what = `${plural(done.messages, "message")}, ${plural(done.tasks, "task")}`
  const taken = nameTaken === undefined ? "" : `  (${quoted(nameTaken)} is another session's name)`
  await writeOut(`imported  ${row.id.slice(0, 8)}  ${nameOf(store, row)}${taken}  ${what}\n`)
  const notes = [
    ...(lost > 0 ? [`${plural(lost, "task")} ran when it was exported; here they are lost.`] : []),
    ...(isWhole ? ["It shares messages with a session that is here: it has its own of them now."] : []),
    ...(asksAgain ? ["Its mode asked for no permission. Here it asks again; change that with --permission-mode."] : []),
    ...(existsSync(row.cwd) ? [] : [`Its folder is not here: ${visible(row.cwd)}`]),
  ]
  if (notes.length > 0) await writeErr(`${notes.join("\n")}\n`)
  return Exit.done
}

function checkReadable(file: string): void {
  try {
    accessSync(file, constants.R_OK)
    if (!statSync(file).isDirectory()) return
  } catch (error) {
    throw new UserError("no-file", `The file ${quoted(file)} can't be read: ${messageOf(error)}`, Exit.usage)
  }
  throw new UserError("no-file", `${quoted(file)} is a folder, not an export.`, Exit.usage)
}

async function remove(store: Store, row: SessionRow, { yes }: { yes: boolean }): Promise<ExitCode> {
  checkRemovable(store, row)
  const what = `${row.id.slice(0, 8)}  ${nameOf(store, row)}`
  if (!yes && !(await isConfirmed(`Delete ${what}\n${contents(store, row)}, for good? [y/N] `))) {
    await writeErr("Nothing was deleted.\n")
    return Exit.failed
  }
  await removeSession(store, systemClock, row)
  await writeOut(`deleted  ${what}\n`)
  return Exit.done
}

/** Throws a UserError where nobody can be asked. */
async function isConfirmed(question: string): Promise<boolean> {
  if (!isTerminal(0) || !isTerminal(2))
    throw new UserError(
      "not-confirmed",
      "Deleting a session can't be undone, and nobody is here to ask: add --yes.",
      Exit.usage,
    )
  await writeErr(question)
  for await (const answer of linesIn({ maxBytes: 100, signal: new AbortController().signal }))
    return /^\s*y(es)?\s*$/i.test(answer)
  return false
}

/** What goes with a session. Its share of the statistics, too: they are sums over its rows. */
function contents(store: Store, { id }: SessionRow): string {
  const count = (sql: string) => store.one<{ n: number }>(sql, { id })?.n ?? 0
  const messages = count(
    "SELECT COUNT(*) AS n FROM message JOIN session ON session.id = message.session_id WHERE session.root_id = :id",
  )
  const tasks = count("SELECT COUNT(*) AS n FROM task WHERE root_id = :id")
  const forks = count("SELECT COUNT(*) AS n FROM session WHERE forked_from = :id")
  const kept = forks > 0 ? ` (${plural(forks, "fork")} ${forks === 1 ? "keeps" : "keep"} what is shared)` : ""
  return `with ${plural(messages, "message")}${kept}, ${plural(tasks, "task")}, their output and their part of meanwhile stats`
}

function nameOf(store: Store, row: SessionRow): string {
  return visible(row.name ?? row.title ?? oneLine(firstPrompt(store, row.id) ?? "(empty)", 80))
}
