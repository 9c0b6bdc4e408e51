// The head of an agent file: YAML between two lines of three dashes. Most heads are a few plain lines, which are read
// here; only for others is the YAML library loaded, which costs a third of a start.
import { messageOf } from "../base/error.ts"

export interface SplitFile {
  /** The YAML, without its dashes. */
  head: string
  /** Number of the file's line that `head` begins with. */
  headLine: number
  body: string
}

export interface Mistake {
  line: number
  column?: number
  message: string
}

/** Parsing YAML is slow, and a repository may bring hundreds of files. */
const LONGEST_HEAD = 16 * 1024

/** Line ends become "\n". Blank lines before the head are allowed, anything else is not. */
export function splitFile(text: string): SplitFile | Mistake {
  const lines = text.replace(/\r\n?/g, "\n").split("\n")
  const start = lines.findIndex((line) => line.trim() !== "")
  if (start < 0) return { line: 1, message: "the file is empty" }
  if (lines[start]!.trimEnd() !== "---")
    return { line: start + 1, message: 'the file must begin with front matter between two lines "---"' }
  const end = lines.findIndex((line, index) => index > start && line.trimEnd() === "---")
  if (end < 0) return { line: start + 1, message: 'the front matter has no closing line "---"' }
  return {
    head: lines.slice(start + 1, end).join("\n"),
    headLine: start + 2,
    body: lines
      .slice(end + 1)
      .join("\n")
      .trim(),
  }
}

/** The head's fields. Lines and columns in a mistake are the file's. */
export async function parseHead({ head, headLine }: SplitFile): Promise<{ fields: Record<string, unknown> } | Mistake> {
  if (head.length > LONGEST_HEAD)
    return { line: headLine, message: `the front matter is longer than ${LONGEST_HEAD / 1024} KB` }
  const plain = parsePlain(head)
  if (plain) return { fields: plain }
  const { parseDocument, isMap } = await import("yaml")
  try {
    const document = parseDocument(head, { prettyErrors: false, logLevel: "error" })
    const error = document.errors[0]
    if (error) return { ...placeOf(head, { at: error.pos[0], headLine }), message: error.message + hint(error.code) }
    if (document.contents === null) return { fields: {} }
    if (!isMap(document.contents))
      return { line: headLine, message: "the front matter must be made of lines `key: value`" }
    return { fields: document.toJS() as Record<string, unknown> }
  } catch (error) {
    // Aliases without an anchor or without end, and nesting that is deeper than the stack.
    return { line: headLine, message: messageOf(error) }
  }
}

const PLAIN_LINE = /^([A-Za-z][\w-]*):(?: +([A-Za-z][ -~]*))?$/
const PUNCTUATED = /: |:$| #/
/** Words that are values of another type in some version of YAML. */
const TYPED = /^(?:null|true|false|yes|no|on|off|y|n)$/i

/**
 * Fields of a head that is only lines `key: words` in ASCII, on which YAML has nothing to interpret; undefined when it
 * is anything more. Never differs from what the library says.
 */
export function parsePlain(head: string): Record<string, string> | undefined {
  const fields = new Map<string, string>()
  for (const line of head.split("\n")) {
    const [, key, value] = PLAIN_LINE.exec(line.trimEnd()) ?? []
    if (!key || !value || fields.has(key) || TYPED.test(key) || TYPED.test(value) || PUNCTUATED.test(value))
      return undefined
    fields.set(key, value)
  }
  return Object.fromEntries(fields)
}

function placeOf(head: string, { at, headLine }: { at: number; headLine: number }): { line: number; column: number } {
  const before = head.slice(0, at)
  return { line: headLine + before.split("\n").length - 1, column: at - before.lastIndexOf("\n") }
}

/** The slips that people's agent files really have: an unquoted description with a colon in it. */
function hint(code: string): string {
  if (code === "BLOCK_AS_IMPLICIT_KEY") return ' (a value with ": " in it needs quotes, or "|" and indented lines)'
  return code === "BAD_SCALAR_START" ? " (the value needs quotes)" : ""
}
