// Grep: text in files, by regular expression. Results are in the order of their paths, so that the next page goes on
// where this one ends.
import { z } from "zod"
import { messageOf } from "../base/error.ts"
import { compileGlob, type Glob } from "../base/glob.ts"
import { type Earlier, isAllMessages, searchMessages } from "./earlier.ts"
import { GrepPage } from "./grep-page.ts"
import { runRipgrep } from "./ripgrep.ts"
import {
  checkEnd,
  foundPath,
  hiddenArgs,
  mayShow,
  RecordReader,
  type SearchParts,
  type SearchRoot,
  searchRoot,
} from "./search.ts"
import { type Tool, type ToolContext, ToolError, type ToolOutput, textOutput } from "./tool.ts"

const count = () => z.number().int().min(0).optional()
const input = z.object({
  pattern: z.string().min(1),
  path: z.string().optional(),
  glob: z.string().optional(),
  type: z.string().optional().describe("e.g. ts, py"),
  output_mode: z.enum(["files_with_matches", "content", "count"]).optional(),
  "-i": z.boolean().optional(),
  "-n": z.boolean().optional(),
  "-A": count(),
  "-B": count(),
  "-C": count(),
  multiline: z.boolean().optional(),
  head_limit: count(),
  offset: count(),
})
type GrepInput = z.infer<typeof input>

/** Bytes of a line that are shown. */
const LINE_BYTES = 500

export function grepTool(parts: SearchParts & { earlier?: Earlier }): Tool<GrepInput> {
  return {
    name: "Grep",
    description: "Search file contents (ripgrep regex). Default output: files_with_matches.",
    input,
    replay: "safe",
    readOnly: true,
    run: async (call, ctx) => {
      if (!parts.earlier || !isAllMessages(call.path)) return grep(parts, call, ctx)
      return searchMessages(parts.earlier, ctx.sessionId, {
        pattern: call.pattern,
        ignoreCase: call["-i"] ?? false,
        limit: call.head_limit,
        offset: call.offset ?? 0,
        signal: ctx.signal,
      })
    },
  }
}

async function grep({ files, ripgrepPath, env }: SearchParts, call: GrepInput, ctx: ToolContext): Promise<ToolOutput> {
  for (const text of [call.pattern, call.glob, call.type])
    if (text?.includes("\0"))
      throw new ToolError("Grep: a NUL character cannot be searched for; in a pattern write \\x00.")
  const root = await searchRoot(files, ctx.cwd, call.path)
  const wanted = call.glob ? nameFilter(call.glob) : undefined
  const page = new GrepPage(call)
  // The lines of one file come one after the other: each file is looked at once.
  let file: { printed: string; shown: string | undefined } | undefined
  const shownPath = (printed: string): string | undefined => {
    const path = foundPath(root, ctx.cwd, printed)
    const isWanted = !wanted || root.type === "file" || wanted.matches(path.within)
    return isWanted && mayShow(files, root, path) ? path.shown : undefined
  }
  const reader = new RecordReader(
    call.output_mode === "content" || call.output_mode === "count" ? "lines" : "paths",
    (record) => {
      if (file?.printed !== record.path) file = { printed: record.path, shown: shownPath(record.path) }
      return file.shown === undefined ? "more" : page.add(file.shown, record.text)
    },
  )
  const end = await runRipgrep({
    program: await ripgrepPath(),
    args: argsFor(call, root),
    cwd: root.type === "folder" ? root.path : ctx.cwd,
    env,
    signal: ctx.signal,
    take: (chunk) => reader.take(chunk),
  })
  const note = checkEnd(end, { tool: "Grep", found: page.length })
  const text = page.length > 0 ? page.text() : nothing(call, { root, isBinary: reader.endsWithBinaryNote })
  return textOutput(note ? `${text}\n${note}` : text, { data: { matches: page.length } })
}

function argsFor(call: GrepInput, root: SearchRoot): string[] {
  const args = [
    "--null",
    "--with-filename",
    "--no-heading",
    "--sort=path",
    "--crlf",
    "--engine=auto",
    ...outputArgs(call),
  ]
  if (call["-i"]) args.push("--ignore-case")
  if (call.multiline) args.push("--multiline", "--multiline-dotall")
  // A pattern with a line end can match in no other way; without this, nothing would be found, and silently.
  if (/\\n|\n/.test(call.pattern)) args.push("--multiline")
  if (call.type) args.push(`--type=${call.type}`)
  // Ripgrep's own --glob would bring ignored files back in, so names are compared here; a type with the same glob only
  // spares it the reading of files that are left out anyway.
  if (!call.type && call.glob && /^\*\.[^/\\:]+$/.test(call.glob))
    args.push(`--type-add=wanted:${call.glob}`, "--type=wanted")
  args.push(...hiddenArgs([call.glob ?? "", call.path ?? ""]), `--regexp=${call.pattern}`)
  return [...args, "--", root.type === "folder" ? "./" : root.path]
}

function outputArgs(call: GrepInput): string[] {
  switch (call.output_mode ?? "files_with_matches") {
    case "files_with_matches":
      return ["--files-with-matches"]
    case "count":
      return ["--count"]
    case "content": {
      const around = call["-C"] ?? 0
      return [
        "--line-number",
        "--no-context-separator",
        `--max-columns=${LINE_BYTES}`,
        "--max-columns-preview",
        `--before-context=${call["-B"] ?? around}`,
        `--after-context=${call["-A"] ?? around}`,
      ]
    }
  }
}

/** As in a .gitignore: without a "/" about names at any depth; "!" in front turns it round. */
function nameFilter(glob: string): Glob {
  const isNegated = glob.startsWith("!")
  const pattern = glob.replace(/^!/, "").replace(/^(\.\/|\/)/, "")
  try {
    const compiled = compileGlob(pattern.includes("/") ? pattern : `**/${pattern}`, { folders: "contents" })
    return isNegated ? { matches: (path) => !compiled.matches(path) } : compiled
  } catch (error) {
    throw new ToolError(`Grep: the glob has ${messageOf(error)}. Use fewer.`)
  }
}

function nothing(call: GrepInput, { root, isBinary }: { root: SearchRoot; isBinary: boolean }): string {
  if (isBinary) return `${root.shown} is a binary file; it matches. Use Bash to look into it.`
  if (call.offset) return `There are no results from offset ${call.offset} on.`
  const where = [root.shown, call.glob && `glob ${call.glob}`, call.type && `type ${call.type}`]
    .filter(Boolean)
    .join(", ")
  return `No matches for ${JSON.stringify(call.pattern)} (${where}; ignored and hidden files only when path or glob name them).`
}
