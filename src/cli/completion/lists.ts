// What completions offer that depends on the time: `meanwhile completion --list …`, asked at the press of a key. A line
// for each: the word, a tab, what it is. Quick, and never in the way: where nothing can be read, nothing is offered.
import { existsSync } from "node:fs"
import { join } from "node:path"
import { systemClock } from "../../base/clock.ts"
import { visible } from "../../base/escape.ts"
import { homePaths, projectRoot } from "../../base/paths.ts"
import { oneLine } from "../../base/text.ts"
import { openStore } from "../../store/open.ts"
import type { Store } from "../../store/store.ts"
import { LIVE } from "../../task/task.ts"
import type { CompletionList } from "../command.ts"

export interface Offer {
  word: string
  does: string
}

/** Nobody looks through more. */
const MOST = 100

export async function offers(list: CompletionList): Promise<Offer[]> {
  switch (list) {
    case "agents":
      return agents()
    case "models":
      return [...(await knownModels()), ...(await fromStore(usedModels))].filter(isFirst)
    case "sessions":
      return fromStore(sessions)
    case "tasks":
    case "running":
      return fromStore((store) => tasks(store, list))
    default:
      return list satisfies never
  }
}

async function fromStore(read: (store: Store) => Promise<Offer[]>): Promise<Offer[]> {
  const folder = homePaths(process.env).data
  // A key press makes no database.
  if (!existsSync(join(folder, "meanwhile.db"))) return []
  const store = await openStore({ folder, clock: systemClock })
  try {
    return await read(store)
  } finally {
    store.close()
  }
}

async function tasks(store: Store, list: "tasks" | "running"): Promise<Offer[]> {
  const isLive = `run.state IN ${LIVE}`
  return store.all<Offer>(
    `SELECT task.id AS word, run.state || '  ' || task.description AS does FROM task JOIN run ON run.task_id = task.id
     WHERE run.n = (SELECT MAX(n) FROM run AS newer WHERE newer.task_id = task.id) AND (:all OR ${isLive})
     ORDER BY ${isLive} DESC, task.created_at DESC, task.rowid DESC LIMIT ${MOST}`,
    { all: list === "tasks" ? 1 : 0 },
  )
}

async function sessions(store: Store): Promise<Offer[]> {
  const { firstPrompt, listRoots } = await import("../../session/find.ts")
  const taken = new Set<string>()
  return listRoots(store)
    .slice(0, MOST)
    .map(({ id, name }) => {
      const prompt = firstPrompt(store, id) ?? "(empty)"
      // A name that can't be typed, would be read as an option or is another's, too: that session goes by its id.
      const isFine = name !== null && visible(name) === name && !name.startsWith("-") && !taken.has(name)
      if (!isFine) return { word: id.slice(0, 8), does: name ?? prompt }
      taken.add(name)
      return { word: name, does: prompt }
    })
}

async function agents(): Promise<Offer[]> {
  const { loadAgents } = await import("../../agent/load.ts")
  const home = homePaths(process.env)
  const cwd = process.cwd()
  const places = { cwd, root: projectRoot(cwd, home.home), userConfig: home.config, userHome: home.home }
  const loaded = await loadAgents(places)
  return loaded.agents.map(({ name, description }) => ({ word: name, does: description }))
}

async function knownModels(): Promise<Offer[]> {
  const { PROVIDERS } = await import("../../model/provider-table.ts")
  return [
    ...PROVIDERS.flatMap(({ name, aliases = {} }) =>
      Object.entries(aliases).map(([word, model]) => ({ word, does: `${name}/${model}` })),
    ),
    ...PROVIDERS.map(({ name, defaultModel }) => ({ word: `${name}/${defaultModel}`, does: `the default of ${name}` })),
    { word: "scout", does: "works offline, without a key" },
  ]
}

async function usedModels(store: Store): Promise<Offer[]> {
  const sql = "SELECT model AS word, 'used before' AS does FROM session GROUP BY model ORDER BY MAX(updated_at) DESC"
  return store.all<Offer>(`${sql} LIMIT ${MOST}`)
}

function isFirst({ word }: Offer, at: number, all: readonly Offer[]): boolean {
  return at < MOST && all.findIndex((other) => other.word === word) === at
}

/** A word must not hold what separates it from others. */
export function offerLine({ word, does }: Offer): string {
  return `${visible(word)}\t${oneLine(does, 80)}`
}
