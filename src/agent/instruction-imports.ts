// The `@path` imports in an instruction file: which words of its text are meant as paths. What stands in code (fences,
// indented fences, spans between backticks) is an example, not an import.

/**
 * The paths as they are meant, without `@`, escapes, quotes and anchors, in their order, each once. A word is a
 * candidate only: `@alice` and `@types/node` look the same as a file's name.
 */
export function importsIn(text: string): string[] {
  const found = new Set<string>()
  for (const match of withoutCode(text).matchAll(IMPORT)) {
    const [, quoted, bare] = match
    const path = quoted ?? bare!.replace(/\\(.)/g, "$1").replace(/[.,;:!?)\]}'"»…]+$/, "")
    const file = path.replace(/#.*$/, "").trim()
    if (file !== "" && !file.includes("\0")) found.add(file)
  }
  return [...found]
}

/** Whether the text is nothing but imports: then it adds nothing to what it imports. */
export function isOnlyImports(text: string): boolean {
  return withoutCode(text).replace(IMPORT, "").trim() === "" && importsIn(text).length > 0 && !/[`]/.test(text)
}

/** After a space or at the start of a line or bracket; a blank within a path is escaped, or the path is quoted. */
const IMPORT = /(?<=^|[\s([{])@(?:"([^"\n]{1,1000})"|((?:\\[^\n]|[^\s\\"`@]){1,1000}))/gm

/** Code is replaced by nothing; lines stay lines. Linear: each line is looked at once, each backtick run too. */
function withoutCode(text: string): string {
  let fence: string | undefined
  const lines: string[] = []
  for (const line of text.split(/\r\n|\r|\n/)) {
    const mark = /^\s*(?:[-*+>]\s+|\d+[.)]\s+)*(`{3,}|~{3,})/.exec(line)?.[1]
    if (fence === undefined && mark) fence = mark
    else if (fence === undefined) lines.push(line)
    else if (mark && mark[0] === fence[0] && mark.length >= fence.length && line.trim().endsWith(mark))
      fence = undefined
  }
  return withoutSpans(lines.join("\n"))
}

/** A span is between two runs of equally many backticks, and does not cross an empty line (CommonMark 6.1). */
function withoutSpans(text: string): string {
  return text
    .split(/\n(?:[ \t]*\n)+/)
    .map((paragraph) => {
      const runs = [...paragraph.matchAll(/`+/g)]
      const closing = closingRuns(runs.map(([run]) => run.length))
      let kept = ""
      let at = 0
      for (let index = 0; index < runs.length; index++) {
        const close = closing[index]
        if (close === undefined) continue
        kept += paragraph.slice(at, runs[index]!.index)
        at = runs[close]!.index + runs[close]![0].length
        index = close
      }
      return kept + paragraph.slice(at)
    })
    .join("\n\n")
}

/** For each run the next one of the same length. */
function closingRuns(lengths: readonly number[]): (number | undefined)[] {
  const next = new Map<number, number>()
  const closing: (number | undefined)[] = []
  for (let index = lengths.length - 1; index >= 0; index--) {
    closing[index] = next.get(lengths[index]!)
    next.set(lengths[index]!, index)
  }
  return closing
}
