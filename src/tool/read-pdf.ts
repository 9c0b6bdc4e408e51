// Read of a PDF: the text of its pages, some at a time.
import type { Env } from "../base/paths.ts"
import type { Located } from "./files.ts"
import { parsePages, pdfText } from "./pdf.ts"
import { type ToolOutput, textOutput } from "./tool.ts"

export async function readPdf(
  file: Located,
  { pages, env, signal }: { pages: string | undefined; env: Env; signal: AbortSignal },
): Promise<ToolOutput> {
  const { text, first, last } = await pdfText({
    path: file.real,
    shown: file.shown,
    pages: pages === undefined ? undefined : parsePages(pages),
    more: (from) => `go on with pages "${from}-".`,
    env,
    signal,
  })
  return textOutput(text, { data: { path: file.path, firstPage: first, lastPage: last } })
}
