// The rules that the person gave with "always": for one project, known by the real path of its root, and kept among the
// person's own data, where nothing that lies in a repository can add to them.
import { realPath } from "../base/paths.ts"
import type { PermissionRuleRow } from "../store/rows.ts"
import type { Reader, Tx } from "../store/store.ts"
import { parseRules, type Rule } from "./rules.ts"

export interface KeptRule {
  text: string
  /** The working folder that its paths are meant from; undefined: it holds in the whole project. */
  folder: string | undefined
  at: number
}

/** `cwd`: the working folder of the session that was asked. Kept twice is kept once. */
export function keepRule(
  tx: Tx,
  { project, cwd, rule, now }: { project: string; cwd: string; rule: string; now: number },
): void {
  tx.run(
    `INSERT INTO permission_rule (project, rule, folder, created_at) VALUES (:project, :rule, :folder, :now)
     ON CONFLICT DO NOTHING`,
    { project: realPath(project), rule, folder: isFromFolder(rule) ? cwd : "", now },
  )
}

export function keptRules(reader: Reader, project: string): KeptRule[] {
  const sql = "SELECT * FROM permission_rule WHERE project = :project ORDER BY created_at, rule, folder"
  return reader
    .all<PermissionRuleRow>(sql, { project: realPath(project) })
    .map(({ rule, folder, created_at: at }) => ({ text: rule, folder: folder || undefined, at }))
}

/** False when there is no such rule. */
export function dropRule(tx: Tx, { project, rule }: { project: string; rule: KeptRule }): boolean {
  const sql = "DELETE FROM permission_rule WHERE project = :project AND rule = :rule AND folder = :folder"
  return tx.run(sql, { project: realPath(project), rule: rule.text, folder: rule.folder ?? "" }) > 0
}

/** What holds for a session that works in `cwd`: "./src" elsewhere would be another folder than the one that was shown. */
export function keptRulesFor(reader: Reader, { project, cwd }: { project: string; cwd: string }): Rule[] {
  return keptRules(reader, project)
    .filter(({ folder }) => folder === undefined || folder === cwd)
    .flatMap(({ text }) => parseRules(text))
}

function isFromFolder(rule: string): boolean {
  return parseRules(rule).some(({ spec }) => spec.type === "path" && !/^(?:\/\/|~(?:\/|$))/.test(spec.pattern))
}
