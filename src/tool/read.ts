// Read: a text file as numbered lines. The file is streamed: what is in memory is the part that is shown. Images, PDF
// and notebooks: read-formats.ts.
import { createHash } from "node:crypto"
import { type FileHandle, open, stat } from "node:fs/promises"
import { z } from "zod"
import type { Env } from "../base/paths.ts"
import { plural } from "../base/text.ts"
import { type Earlier, messageRange, readMessages } from "./earlier.ts"
import { fileError, noSuchFile } from "./file-errors.ts"
import { type Files, type Located, locate, MAX_FILE_BYTES, type Stamp } from "./files.ts"
import { LinePicker, type Picked } from "./lines.ts"
import { readFormat } from "./read-formats.ts"
import { type Tool, type ToolContext, ToolError, type ToolOutput, textOutput } from "./tool.ts"

const input = z.object({
  file_path: z.string(),
  offset: z.number().int().min(0).optional().describe("first line, from 1"),
  limit: z.number().int().positive().optional().describe("lines (default 2000)"),
  pages: z.string().optional().describe('of a PDF, e.g. "1-5"'),
})
type Input = z.infer<typeof input>

const DEFAULT_LINES = 2000
const CHUNK_BYTES = 64 * 1024
/** As far as git looks for a NUL before it calls a file binary. */
const SNIFFED_BYTES = 8000

/** `env`: where pdftotext is looked for. `earlier`: what "message:12" is read from. */
export function readTool({ files, env = {}, earlier }: { files: Files; env?: Env; earlier?: Earlier }): Tool<Input> {
  return {
    name: "Read",
    description:
      "Read a file as numbered lines (number, tab, line); also images, PDF and notebooks. Needed before Edit and Write.",
    input,
    replay: "safe",
    readOnly: true,
    run: async (call, ctx) => {
      const range = earlier && messageRange(call.file_path)
      if (!range) return read({ files, env }, call, ctx)
      return readMessages(earlier, ctx.sessionId, { range, offset: call.offset, limit: call.limit })
    },
  }
}

async function read({ files, env }: { files: Files; env: Env }, call: Input, ctx: ToolContext): Promise<ToolOutput> {
  const file = locate(files, ctx.cwd, call.file_path)
  const first = Math.max(1, call.offset ?? 1)
  const handle = await openRegular(file)
  try {
    const formatted = await readFormat({ files, file, handle, call, ctx, env })
    if (formatted) return formatted
    const { picked, stamp } = await scan(handle, file, {
      first,
      count: call.limit ?? DEFAULT_LINES,
      signal: ctx.signal,
    })
    files.stamps.set(ctx.sessionId, file.real, stamp)
    return textOutput(report(file, { picked, first }), {
      data: { path: file.path, lines: picked.lines.length, seen: { path: file.real, ...stamp } },
    })
  } catch (error) {
    throw fileError(error, { doing: "read", file: file.shown })
  } finally {
    await handle.close()
  }
}

async function openRegular(file: Located): Promise<FileHandle> {
  try {
    const found = await stat(file.real)
    if (found.isDirectory())
      throw new ToolError(
        `${file.shown} is a folder. List it with Glob, for example {"pattern": "*", "path": ${JSON.stringify(file.path)}}.`,
      )
    if (!found.isFile())
      throw new ToolError(`${file.shown} is not a regular file (a device, socket or pipe). Use Bash.`)
    return await open(file.real, "r")
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") throw await noSuchFile(file)
    throw fileError(error, { doing: "read", file: file.shown })
  }
}

interface Wanted {
  first: number
  count: number
  signal: AbortSignal
}

async function scan(handle: FileHandle, file: Located, wanted: Wanted): Promise<{ picked: Picked; stamp: Stamp }> {
  const { mtimeMs, size } = await handle.stat()
  const isHuge = size > MAX_FILE_BYTES
  const hash = isHuge ? undefined : createHash("sha256")
  const lines = new LinePicker(wanted)
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
  let seen = 0
  for (;;) {
    wanted.signal.throwIfAborted()
    const { bytesRead } = await handle.read(buffer, 0, CHUNK_BYTES, null)
    if (bytesRead === 0) break
    const chunk = buffer.subarray(0, bytesRead)
    if (seen === 0) refuseBinary(chunk.subarray(0, SNIFFED_BYTES), { file, size })
    seen += bytesRead
    hash?.update(chunk)
    lines.feed(chunk)
    // Counting the rest of a huge file could take minutes; of others it is needed for the hash anyway.
    if (isHuge && lines.isFull)
      return { picked: lines.stop({ unreadBytes: size - seen }), stamp: { sha256: null, mtimeMs, size } }
  }
  return { picked: lines.end(), stamp: { sha256: hash?.digest("hex") ?? null, mtimeMs, size: seen } }
}

function refuseBinary(start: Buffer, { file, size }: { file: Located; size: number }): void {
  const hex = start.subarray(0, 4).toString("hex")
  if (hex.startsWith("fffe") || hex.startsWith("feff"))
    throw new ToolError(
      `${file.shown} is UTF-16 text, which this tool cannot read. Use Bash: iconv -f UTF-16 -t UTF-8.`,
    )
  if (start.includes(0))
    throw new ToolError(
      `${file.shown} is a binary file (${plural(size, "byte")}). Use Bash, for example file, strings or xxd | head.`,
    )
}

function report(file: Located, { picked, first }: { picked: Picked; first: number }): string {
  const { lines, rest } = picked
  if (rest.type === "counted" && rest.total === 0) return `(${file.shown} is empty)`
  if (lines.length === 0) {
    const has = rest.type === "counted" ? `only ${plural(rest.total, "line")}` : "fewer lines"
    throw new ToolError(`${file.shown} has ${has}; there is no line ${first}. Use a smaller offset.`)
  }
  const body = lines.map((line, index) => `${first + index}\t${line}`).join("\n")
  return [body, ...notes(picked, first)].join("\n")
}

function notes({ lines, rest, invalid }: Picked, first: number): string[] {
  const next = first + lines.length
  const found: string[] = []
  if (rest.type === "uncounted")
    found.push(`[The file goes on for ${plural(rest.bytes, "byte")}. Go on with offset ${next}.]`)
  if (rest.type === "counted" && rest.total >= next)
    found.push(`[${plural(rest.total - next + 1, "more line")} of ${rest.total}. Go on with offset ${next}.]`)
  if (invalid) found.push("[Not all of this is valid UTF-8; such bytes are shown as \ufffd.]")
  return found
}
