// Why a text that Edit should replace was not found: what in the file is nearly it, so that the next call is right.

/** More lines than this are not shown of what is nearly the text. */
const LINES_SHOWN = 15

/** One or two sentences for the model, with the file's own lines where some match but for white space. */
export function explainAbsence(text: string, wanted: string, replacement: string): string {
  const lines = text.split(/\r?\n/)
  const wantedLines = wanted.split(/\r?\n/)
  if (wantedLines.every((line) => /^\s*\d+\t/.test(line)))
    return "It begins with the line numbers that Read adds: leave the numbers and the tabs after them out."
  const near = sameButForSpace(lines, wantedLines)
  if (near) return `Nearly the same, but for white space, is at line ${near.start + 1}:\n${numbered(lines, near)}`
  const first = longestLineMatch(lines, wantedLines)
  if (first !== undefined) {
    const around = { start: Math.max(0, first.line - first.offset), length: wantedLines.length }
    return `One of its lines is at line ${first.line + 1}; there the file has:\n${numbered(lines, around)}`
  }
  const done = replacement === "" ? -1 : text.indexOf(replacement)
  if (done >= 0)
    return `new_string is there already (line ${text.slice(0, done).split("\n").length}): the change may have been made.`
  return "Read the file again, and copy the text exactly."
}

interface Range {
  start: number
  length: number
}

function sameButForSpace(lines: readonly string[], wanted: readonly string[]): Range | undefined {
  const core = wanted.map(withoutSpace)
  while (core.length > 1 && core.at(-1) === "") core.pop()
  while (core.length > 1 && core[0] === "") core.shift()
  if (core.every((line) => line === "")) return undefined
  const plain = lines.map(withoutSpace)
  const isWithin = core.length === 1 ? (line: string) => line.includes(core[0]!) : (line: string) => line === core[0]
  for (let start = 0; start + core.length <= plain.length; start++)
    if (isWithin(plain[start]!) && core.every((line, index) => index === 0 || plain[start + index] === line))
      return { start, length: core.length }
  return undefined
}

/** The longest line of the text that is wanted which the file has, long enough to mean something. */
function longestLineMatch(
  lines: readonly string[],
  wanted: readonly string[],
): { line: number; offset: number } | undefined {
  const places = new Map<string, number>()
  lines.forEach((line, index) => {
    const plain = withoutSpace(line)
    if (!places.has(plain)) places.set(plain, index)
  })
  const candidates = wanted
    .map((line, offset) => ({ plain: withoutSpace(line), offset }))
    .filter(({ plain }) => plain.length >= 8 && places.has(plain))
    .sort((a, b) => b.plain.length - a.plain.length)
  const best = candidates[0]
  return best && { line: places.get(best.plain)!, offset: best.offset }
}

function withoutSpace(line: string): string {
  return line.replace(/\s+/g, "")
}

function numbered(lines: readonly string[], { start, length }: Range): string {
  const shown = lines.slice(start, start + Math.min(length, LINES_SHOWN))
  return shown.map((line, index) => `${start + index + 1}\t${line.slice(0, 300)}`).join("\n")
}
