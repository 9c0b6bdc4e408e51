// Which files Read shows in another way than as lines: images and PDF by their first bytes, notebooks by their name.
import type { FileHandle } from "node:fs/promises"
import type { Env } from "../base/paths.ts"
import type { Files, Located } from "./files.ts"
import { imageType } from "./image-type.ts"
import { type ToolContext, ToolError, type ToolOutput } from "./tool.ts"

export interface FormatRead {
  files: Files
  file: Located
  handle: FileHandle
  call: { pages?: string | undefined; offset?: number | undefined; limit?: number | undefined }
  ctx: ToolContext
  env: Env
}

/** Undefined for everything else. The handle's position stays at the beginning. */
export async function readFormat({ files, file, handle, call, ctx, env }: FormatRead): Promise<ToolOutput | undefined> {
  const start = Buffer.alloc(16)
  await handle.read(start, 0, start.length, 0)
  const type = imageType(start)
  if (type) return (await import("./read-image.ts")).readImage(handle, { file, type })
  if (start.toString("latin1").startsWith("%PDF-"))
    return (await import("./read-pdf.ts")).readPdf(file, { pages: call.pages, env, signal: ctx.signal })
  if (call.pages !== undefined)
    throw new ToolError(`${file.shown} is not a PDF: use offset and limit instead of pages.`)
  const asLines = call.offset !== undefined || call.limit !== undefined
  if (asLines || !file.real.toLowerCase().endsWith(".ipynb")) return undefined
  const { output, stamp } = await (await import("./read-notebook.ts")).readNotebook(handle, file)
  files.stamps.set(ctx.sessionId, file.real, stamp)
  return output
}
