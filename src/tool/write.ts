// Write: a whole file, new or in place of one that the model has read.
import { z } from "zod"
import { plural } from "../base/text.ts"
import { changeOf } from "./change.ts"
import {
  type Files,
  locate,
  readContent,
  recoverWrite,
  replaceFile,
  requireSeen,
  sha256,
  stampWritten,
  type WriteIntent,
} from "./files.ts"
import { type Tool, type ToolContext, type ToolOutput, textOutput } from "./tool.ts"

const input = z.object({ file_path: z.string(), content: z.string() })
type Input = z.infer<typeof input>

export function writeTool({ files }: { files: Files }): Tool<Input> {
  return {
    name: "Write",
    description: "Write a whole file; folders are created. Read an existing file first. Prefer Edit for changes.",
    input,
    replay: "never",
    readOnly: false,
    run: (call, ctx) => files.exclusive(locate(files, ctx.cwd, call.file_path).real, () => write(files, call, ctx)),
    happened: (intent, call) => recoverWrite(intent, (write) => said(call.file_path, call.content, write)),
  }
}

async function write(files: Files, call: Input, ctx: ToolContext): Promise<ToolOutput> {
  const file = locate(files, ctx.cwd, call.file_path)
  const before = await readContent(file)
  if (before) requireSeen(files, ctx.sessionId, { file, content: before, change: "whole" })
  const after = Buffer.from(call.content, "utf8")
  const intent: WriteIntent = { path: file.real, before: before?.sha256 ?? null, after: sha256(after) }
  if (intent.before === intent.after) return textOutput(`${file.shown} has this content already; nothing was changed.`)
  ctx.signal.throwIfAborted()
  await ctx.intend({ ...intent })
  await replaceFile({ file, before, after, callId: ctx.id })
  const seen = await stampWritten(files, ctx.sessionId, { file, bytes: after, shows: "whole" })
  return textOutput(said(file.shown, call.content, intent), {
    data: { ...changeOf(file.path, before?.bytes.toString("utf8"), call.content), seen },
  })
}

function said(shown: string, content: string, { before }: WriteIntent): string {
  const lines = content.split("\n").length - (content.endsWith("\n") || content === "" ? 1 : 0)
  return `${before === null ? "Created" : "Replaced"} ${shown} (${plural(lines, "line")}).`
}
