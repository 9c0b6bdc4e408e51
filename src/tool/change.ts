// What a write changed, small enough for a row: the lines that differ, for an interface to draw as a diff.

export interface FileChange {
  /** Absolute path as the call meant it. */
  path: string
  /** Line of the file, from 1, where the differing part begins. */
  line: number
  /** The differing lines of the old content; undefined: the file is new. */
  before?: string
  after: string
  /** Counts of lines in the whole differing part. */
  removed: number
  added: number
  /** The texts show only the beginning of the differing part. */
  cut: boolean
}

/** Most characters of each text: rows with results are read each time that a session is opened. */
const SHOWN_CHARS = 8000

export function changeOf(path: string, before: string | undefined, after: string): FileChange {
  const old = lines(before ?? "")
  const now = lines(after)
  let start = 0
  while (start < old.length && start < now.length && old[start] === now[start]) start++
  let end = 0
  while (
    end < old.length - start &&
    end < now.length - start &&
    old[old.length - 1 - end] === now[now.length - 1 - end]
  )
    end++
  const removed = old.slice(start, old.length - end)
  const added = now.slice(start, now.length - end)
  const texts = [removed.join(""), added.join("")] as const
  return {
    path,
    line: start + 1,
    ...(before === undefined ? {} : { before: texts[0].slice(0, SHOWN_CHARS) }),
    after: texts[1].slice(0, SHOWN_CHARS),
    removed: removed.length,
    added: added.length,
    cut: texts.some((text) => text.length > SHOWN_CHARS),
  }
}

/** With their line ends, so that a changed line end is a difference. */
function lines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? []
}
