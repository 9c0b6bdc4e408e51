// Edit: replaces text in a file that the model has read. Everything else in the file stays as it is, byte for byte,
// also when it is not UTF-8.
import { isUtf8 } from "node:buffer"
import { z } from "zod"
import { plural } from "../base/text.ts"
import { changeOf } from "./change.ts"
import { noSuchFile } from "./file-errors.ts"
import {
  type Content,
  type Files,
  type Located,
  locate,
  readContent,
  recoverWrite,
  replaceFile,
  requireSeen,
  sha256,
  stampWritten,
} from "./files.ts"
import { explainAbsence } from "./near-match.ts"
import { lineAt, replaceText, type Span } from "./replace.ts"
import { type Tool, type ToolContext, ToolError, type ToolOutput, textOutput } from "./tool.ts"

const input = z.object({
  file_path: z.string(),
  old_string: z.string().describe("exact text, without line numbers"),
  new_string: z.string(),
  replace_all: z.boolean().optional(),
})
type Input = z.infer<typeof input>

/** Lines around a change, and changes, that the result shows. */
const CONTEXT_LINES = 3
const PLACES_SHOWN = 5
const LINES_SHOWN = 40

export function editTool({ files }: { files: Files }): Tool<Input> {
  return {
    name: "Edit",
    description: "Replace text in a file that you have read. old_string must be unique unless replace_all.",
    input,
    replay: "never",
    readOnly: false,
    run: (call, ctx) => files.exclusive(locate(files, ctx.cwd, call.file_path).real, () => edit(files, call, ctx)),
    happened: (intent, call) =>
      recoverWrite(
        intent,
        () => `Edited ${call.file_path}. (The program ended right after this edit; it is in the file.)`,
      ),
  }
}

async function edit(files: Files, call: Input, ctx: ToolContext): Promise<ToolOutput> {
  const file = locate(files, ctx.cwd, call.file_path)
  if (call.old_string === call.new_string)
    throw new ToolError("old_string and new_string are identical: there is nothing to change.")
  const before = await readContent(file)
  if (!before) throw await noSuchFile(file)
  if (call.old_string === "")
    throw new ToolError("old_string is empty. Give the text to replace, or use Write for the whole file.")
  requireSeen(files, ctx.sessionId, { file, content: before, change: "part" })

  const coding = codingOf(before)
  const old = coding.decode(before.bytes)
  const replaced = replaceText(old, {
    from: coding.fromModel(call.old_string),
    to: coding.fromModel(call.new_string),
    which: call.replace_all ? "all" : "only",
  })
  if (replaced.type === "absent")
    throw new ToolError(
      `old_string was not found in ${file.shown}. ${explainAbsence(before.bytes.toString("utf8"), call.old_string, call.new_string)}`,
    )
  if (replaced.type === "ambiguous") throw ambiguous(file, replaced.lines)

  const after = coding.encode(replaced.text)
  ctx.signal.throwIfAborted()
  await ctx.intend({ path: file.real, before: before.sha256, after: sha256(after) })
  await replaceFile({ file, before, after, callId: ctx.id })
  const seen = await stampWritten(files, ctx.sessionId, { file, bytes: after, shows: "part" })
  const count = replaced.spans.length
  const places = count > 1 ? ` in ${count} places` : ""
  return textOutput(`Edited ${file.shown}${places}.\n${coding.forModel(excerpt(replaced.text, replaced.spans))}`, {
    data: { ...changeOf(file.path, before.bytes.toString("utf8"), after.toString("utf8")), seen },
  })
}

/** How a file's bytes are text. Of a file that is not UTF-8, each byte is a character, and so are the model's bytes. */
interface Coding {
  decode(bytes: Buffer): string
  encode(text: string): Buffer
  fromModel(text: string): string
  forModel(text: string): string
}

const UTF8: Coding = {
  decode: (bytes) => bytes.toString("utf8"),
  encode: (text) => Buffer.from(text, "utf8"),
  fromModel: (text) => text,
  forModel: (text) => text,
}

const BYTES: Coding = {
  decode: (bytes) => bytes.toString("latin1"),
  encode: (text) => Buffer.from(text, "latin1"),
  fromModel: (text) => Buffer.from(text, "utf8").toString("latin1"),
  forModel: (text) => Buffer.from(text, "latin1").toString("utf8"),
}

function codingOf({ bytes }: Content): Coding {
  return isUtf8(bytes) ? UTF8 : BYTES
}

function ambiguous({ shown }: Located, lines: readonly number[]): ToolError {
  const listed = lines.slice(0, 10).join(", ") + (lines.length > 10 ? ", …" : "")
  return new ToolError(
    `old_string is in ${shown} ${lines.length} times (lines ${listed}). Add surrounding lines to make it unique, or set replace_all to true.`,
  )
}

/** The changed lines as they are now, numbered, with a few around them. */
function excerpt(text: string, spans: readonly Span[]): string {
  const lines = text.split("\n")
  if (lines.at(-1) === "") lines.pop()
  const ranges: { first: number; last: number }[] = []
  for (const span of spans.slice(0, PLACES_SHOWN)) {
    const first = Math.max(1, lineAt(text, span.start) - CONTEXT_LINES)
    const last = Math.min(lines.length, lineAt(text, Math.max(span.start, span.end - 1)) + CONTEXT_LINES)
    const previous = ranges.at(-1)
    if (previous && first <= previous.last + 1) previous.last = last
    else ranges.push({ first, last })
  }
  const shown = ranges.map(({ first, last }) => section(lines, { first, last }))
  const left = spans.length - PLACES_SHOWN
  return [...shown, ...(left > 0 ? [`[and ${plural(left, "more place")}]`] : [])].join("\n…\n")
}

function section(lines: readonly string[], { first, last }: { first: number; last: number }): string {
  const numbered = (line: string, index: number) => `${first + index}\t${line.replace(/\r$/, "").slice(0, 500)}`
  const all = lines.slice(first - 1, last)
  if (all.length <= LINES_SHOWN) return all.map(numbered).join("\n")
  return `${all.slice(0, LINES_SHOWN).map(numbered).join("\n")}\n[${plural(all.length - LINES_SHOWN, "more changed line")}]`
}
