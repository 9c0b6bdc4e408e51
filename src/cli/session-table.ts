// `meanwhile sessions`: the list, as a table for a person and as JSON for programs. The same facts as on the screen of
// sessions in the terminal interface.
import { visible } from "../base/escape.ts"
import { tildify } from "../base/paths.ts"
import { isTerminal } from "../runtime/standard.ts"
import { firstPrompt, listRoots, type RootRow } from "../session/find.ts"
import { isHeld } from "../session/lease.ts"
import type { Store } from "../store/store.ts"
import { callOf, type Going, goingOn, grouped, isTurnOpen, readSessions, standingOf } from "../ui/view/session-list.ts"
import { table } from "./table.ts"

/** Forks below the session that they come from; a group stands where the newest of it would stand alone. */
export function sessionTable(store: Store): string {
  const items = grouped(readSessions(store))
  if (items.length === 0) return 'No sessions yet. Start one: meanwhile -p "What does this project do?"\n'
  const going = goingOn(store)
  const columns = [
    { title: "ID" },
    { title: "USED" },
    { title: "FOLDER" },
    { title: "BRANCH" },
    { title: "MODEL" },
    { title: "STATE" },
    { title: "NAME" },
  ]
  const cells = items.map((item) => [
    item.id.slice(0, 8),
    new Date(item.usedAt).toLocaleString("sv-SE").slice(0, 16),
    tildify(item.cwd),
    visible(item.branch ?? "–"),
    item.model,
    stateOf(store, item.id, going.get(item.id)),
    `${item.depth > 0 ? `${"  ".repeat(item.depth - 1)}└ ` : ""}${visible(callOf(store, item))}`,
  ])
  return table(columns, cells, isTerminal(1) ? process.stdout.columns : undefined)
}

function stateOf(store: Store, id: string, going: Going | undefined): string {
  const isOpen = isTurnOpen(store, id)
  const isDriven = (isOpen || going !== undefined) && isHeld(store, id)
  const count = going?.running ?? 0
  switch (standingOf(going, { isTurnOpen: isOpen, isDriven })) {
    case "asks":
      return `needs you (${going?.asking})`
    case "works":
      return count > 0 ? `${count} running` : "at work"
    case "left-behind":
      return count > 0 ? `${count} left behind` : "left behind"
    case "rests":
      return "–"
  }
}

/** The one used last first. */
export function sessionsJson(store: Store): string {
  const going = goingOn(store)
  return `${JSON.stringify(listRoots(store).map((row) => jsonOf(store, row, going.get(row.id))))}\n`
}

function jsonOf(store: Store, row: RootRow, going: Going | undefined) {
  return {
    session_id: row.id,
    name: row.name,
    title: row.title,
    first_prompt: firstPrompt(store, row.id) ?? null,
    forked_from: row.forked_from,
    fork_seq: row.fork_seq,
    cwd: row.cwd,
    project: row.project,
    branch: row.branch,
    model: row.model,
    agent: row.agent,
    running_tasks: going?.running ?? 0,
    needs_you: going?.asking ?? 0,
    is_hosted: isHeld(store, row.id),
    created_at: row.created_at,
    updated_at: row.updated_at,
  }
}
