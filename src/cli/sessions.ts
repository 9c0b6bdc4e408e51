// `meanwhile sessions`: the conversations with the user, the one used last first.
import { Exit, type ExitCode, UserError } from "../base/error.ts"
import { tildify } from "../base/paths.ts"
import { oneLine } from "../base/text.ts"
import { openData } from "../program.ts"
import { isTerminal, writeOut } from "../runtime/standard.ts"
import { firstPrompt, listSessions } from "../session/find.ts"
import type { SessionRow } from "../store/rows.ts"
import type { Store } from "../store/store.ts"
import { listTasks } from "../task/find.ts"
import type { Command } from "./command.ts"
import { table } from "./table.ts"

export async function sessionsCommand({ action }: Extract<Command, { type: "sessions" }>): Promise<ExitCode> {
  if (action.type !== "list")
    throw new UserError("not-yet", `sessions ${action.type} is not available yet.`, Exit.usage)
  const { store } = await openData(process.env)
  try {
    const rows = listSessions(store)
    await writeOut(action.json ? `${JSON.stringify(rows.map((row) => asJson(store, row)))}\n` : shown(store, rows))
    return Exit.done
  } finally {
    store.close()
  }
}

function shown(store: Store, rows: readonly SessionRow[]): string {
  if (rows.length === 0) return 'No sessions yet. Start one: meanwhile -p "What does this project do?"\n'
  const columns = [
    { title: "ID" },
    { title: "USED" },
    { title: "FOLDER" },
    { title: "MODEL" },
    { title: "RUNS", right: true },
    { title: "NAME" },
  ]
  const cells = rows.map((row) => [
    row.id.slice(0, 8),
    new Date(row.updated_at).toLocaleString("sv-SE").slice(0, 16),
    tildify(row.cwd),
    row.model,
    String(running(store, row) || "–"),
    row.name ?? oneLine(firstPrompt(store, row.id) ?? "(empty)", 80),
  ])
  return table(columns, cells, isTerminal(1) ? process.stdout.columns : undefined)
}

function asJson(store: Store, row: SessionRow) {
  return {
    session_id: row.id,
    name: row.name,
    first_prompt: firstPrompt(store, row.id) ?? null,
    cwd: row.cwd,
    project: row.project,
    model: row.model,
    agent: row.agent,
    running_tasks: running(store, row),
    created_at: row.created_at,
    updated_at: row.updated_at,
  }
}

function running(store: Store, row: SessionRow): number {
  return listTasks(store, { rootId: row.id, live: true }).length
}
