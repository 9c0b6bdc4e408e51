// Glob: files by name, newest first.
import { stat } from "node:fs/promises"
import { isAbsolute, join } from "node:path"
import { z } from "zod"
import { messageOf } from "../base/error.ts"
import { compileGlob, type Glob, hasGlob } from "../base/glob.ts"
import { plural } from "../base/text.ts"
import { runRipgrep } from "./ripgrep.ts"
import {
  checkEnd,
  type FoundPath,
  foundPath,
  hiddenArgs,
  mayShow,
  RecordReader,
  type SearchParts,
  searchRoot,
} from "./search.ts"
import { type Tool, type ToolContext, ToolError, type ToolOutput, textOutput } from "./tool.ts"

const input = z.object({ pattern: z.string(), path: z.string().optional() })
type Input = z.infer<typeof input>

const SHOWN = 100
/** More are not gathered: their times could not be looked up in reasonable time. */
const GATHERED = 20_000
/** Files whose times are asked for at once: the pool that answers has few threads. */
const AT_ONCE = 64

export function globTool(parts: SearchParts): Tool<Input> {
  return {
    name: "Glob",
    description:
      'Find files by glob ("src/**/*.ts"; without "/" at any depth), newest first. Skips ignored and hidden files unless named.',
    input,
    replay: "safe",
    readOnly: true,
    run: (call, ctx) => glob(parts, call, ctx),
  }
}

async function glob({ files, ripgrepPath, env }: SearchParts, call: Input, ctx: ToolContext): Promise<ToolOutput> {
  const { folder, pattern } = split(call)
  const root = await searchRoot(files, ctx.cwd, folder)
  if (root.type === "file") throw new ToolError(`${root.shown} is a file. Give a folder as path, or use Read.`)
  const wanted = compile(pattern)
  const found: FoundPath[] = []
  const reader = new RecordReader("paths", ({ path: printed }) => {
    const path = foundPath(root, ctx.cwd, printed)
    if (wanted.matches(path.within) && mayShow(files, root, path)) found.push(path)
    return found.length < GATHERED ? "more" : "enough"
  })
  const end = await runRipgrep({
    program: await ripgrepPath(),
    args: ["--files", "--null", ...hiddenArgs([call.pattern]), "--", "./"],
    cwd: root.path,
    env,
    signal: ctx.signal,
    take: (chunk) => reader.take(chunk),
  })
  const note = checkEnd(end, { tool: "Glob", found: found.length })
  const sorted = await newestFirst(found, ctx.signal)
  return textOutput(
    [...listing(sorted, { call, where: root.shown, isWhole: end.type === "exited" }), ...(note ? [note] : [])].join(
      "\n",
    ),
    {
      data: { files: sorted.length },
    },
  )
}

/** The pattern's leading folders without wildcards are where the search starts: naming one also asks for ignored files. */
function split({ pattern, path }: Input): { folder: string; pattern: string } {
  const segments = pattern.replace(/^(\.\/)+/, "").split("/")
  const wild = segments.findIndex((segment) => hasGlob(segment) || segment.includes("\\"))
  const fixed = segments.slice(0, wild < 0 ? segments.length - 1 : wild)
  const prefix = fixed.join("/") || (isAbsolute(pattern) ? "/" : "")
  const folder = isAbsolute(prefix) || prefix.startsWith("~") ? prefix : join(path || ".", prefix)
  const rest = segments.slice(fixed.length).join("/") || "**"
  // Without any folder a pattern is about names, as in a .gitignore; below a named one it is about that folder's.
  return { folder, pattern: segments.length === 1 ? `**/${rest}` : rest }
}

function compile(pattern: string): Glob {
  try {
    const asClasses = compileGlob(pattern)
    // Web frameworks name folders `[id]`.
    const asNames = compileGlob(pattern.replace(/(?<!\\)\[/g, "\\["))
    return { matches: (path) => asClasses.matches(path) || asNames.matches(path) }
  } catch (error) {
    throw new ToolError(`Glob: the pattern has ${messageOf(error)}. Use fewer.`)
  }
}

/** Files that vanish in between are left out; those of the same time are in the order of their names. */
async function newestFirst(found: readonly FoundPath[], signal: AbortSignal): Promise<FoundPath[]> {
  const dated: { file: FoundPath; time: number }[] = []
  for (let from = 0; from < found.length; from += AT_ONCE) {
    signal.throwIfAborted()
    const times = found.slice(from, from + AT_ONCE).map(async (file) => {
      const time = await stat(file.path).then(
        (status) => status.mtimeMs,
        () => undefined, // it vanished, or is a link to nothing
      )
      if (time !== undefined) dated.push({ file, time })
    })
    await Promise.all(times)
  }
  dated.sort((a, b) => b.time - a.time || (a.file.path < b.file.path ? -1 : 1))
  return dated.map(({ file }) => file)
}

function listing(
  sorted: readonly FoundPath[],
  { call, where, isWhole }: { call: Input; where: string; isWhole: boolean },
): string[] {
  if (sorted.length === 0)
    return [
      `No files match ${JSON.stringify(call.pattern)} in ${where}. Ignored and hidden files are found only when the pattern names their folder.`,
    ]
  const shown = sorted.slice(0, SHOWN).map(({ shown }) => shown)
  if (!isWhole)
    return [
      ...shown,
      `[The newest ${SHOWN} of the first ${plural(GATHERED, "match", "matches")}; there are more. Narrow the pattern.]`,
    ]
  if (sorted.length <= SHOWN) return shown
  return [
    ...shown,
    `[The newest ${SHOWN} of ${plural(sorted.length, "match", "matches")}. Narrow the pattern to see others.]`,
  ]
}
