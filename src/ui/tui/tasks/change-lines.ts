// What was changed in files, one change after the other, those of one file together.
import { displayPath } from "../../../base/paths.ts"
import { plural } from "../../../base/text.ts"
import type { TaskChange } from "../../view/task-changes.ts"
import { changeOf, diffCounts, diffText } from "../conversation/diff-lines.ts"
import { clip } from "../line.ts"
import type { Theme } from "../theme.ts"

/** Of one change, so many lines. */
const MOST = 400

export function changeLines(
  changes: readonly TaskChange[],
  { width, theme, ownSession, folder }: { width: number; theme: Theme; ownSession: string; folder: string | undefined },
): string[] {
  if (changes.length === 0)
    return [clip(`   ${theme.dim("No edits. What commands change is not recorded: only Write and Edit are.")}`, width)]
  const files = Map.groupBy(changes, ({ change }) => change.path)
  const added = changes.reduce((sum, { change }) => sum + change.added, 0)
  const removed = changes.reduce((sum, { change }) => sum + change.removed, 0)
  const all = `${plural(changes.length, "change")} in ${plural(files.size, "file")}  ${theme.added(`+${added}`)} ${theme.removed(`−${removed}`)}`
  const lines = [`   ${all}`]
  for (const [path, made] of files) {
    const within = folder && path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : path
    lines.push("", `   ${theme.bold(displayPath(within))}`)
    for (const { change, sessionId, tool } of made) {
      const known = changeOf({ ...change })
      if (!known) continue
      const by = sessionId === ownSession ? "" : theme.dim("  by an agent below it")
      lines.push(`   ${theme.dim(change.before === undefined ? "new file" : tool)} ${diffCounts(known, theme)}${by}`)
      lines.push(...diffText(known, { width: width - 6, theme, most: MOST }).map((line) => `     ${line}`))
    }
  }
  return lines.map((line) => clip(line, width))
}
