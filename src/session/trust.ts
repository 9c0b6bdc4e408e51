// Whether the person trusts a folder: asked once, and known by the real path of the project's root. Only that folder is
// meant: a repository within it is asked about by itself, and so is a folder that was moved.
// docs/decisions/0021-trust.md.
import { statSync } from "node:fs"
import type { Clock } from "../base/clock.ts"
import { realPath } from "../base/paths.ts"
import type { WithheldSetting } from "../base/settings.ts"
import type { TrustRow } from "../store/rows.ts"
import type { Reader, Store } from "../store/store.ts"

export type TrustAnswer = TrustRow["answer"]

export interface Trust {
  /** `once`: --trust, for this run. */
  state: TrustAnswer | "once" | "unknown"
  /** Absolute path of the project's root, without links. */
  folder: string
  /** The note about what is ignored, for those who can't be asked. */
  note: string | undefined
  withheld: readonly WithheldSetting[]
}

/** Undefined: nobody was asked yet. */
export function trustAnswer(reader: Reader, project: string): TrustAnswer | undefined {
  const sql = "SELECT * FROM trust WHERE project = :project"
  return reader.one<TrustRow>(sql, { project: realPath(project) })?.answer
}

/** Undefined takes an answer back, so that the next start asks again. Holds from the next start on. */
export async function storeTrust(
  { store, clock }: { store: Store; clock: Clock },
  { project, answer }: { project: string; answer: TrustAnswer | undefined },
): Promise<void> {
  const key = realPath(project)
  await store.writeFreely((tx) => {
    tx.run("DELETE FROM trust WHERE project = :key", { key })
    if (answer)
      tx.run("INSERT INTO trust (project, answer, answered_at) VALUES (:key, :answer, :now)", {
        key,
        answer,
        now: clock.now(),
      })
  })
}

/** Whether trust would change anything that this version does. */
export function isWorthAsking({ state, withheld }: Trust): boolean {
  return state === "unknown" && withheld.some(({ isUnused }) => !isUnused)
}

/** Others may write into the folder, so that what it holds may change after it was looked at. */
export function isOpenToOthers(folder: string): boolean {
  const stat = statSync(folder, { throwIfNoEntry: false })
  if (!stat) return false
  const me = process.getuid?.()
  return (stat.mode & 0o002) !== 0 || (me !== undefined && stat.uid !== me && stat.uid !== 0)
}
