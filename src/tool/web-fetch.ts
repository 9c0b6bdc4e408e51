// WebFetch: a page of the web as markdown. Whether a site may be asked is decided by permission rules; which addresses
// may be connected to, by web-guard.ts. Everything else is loaded when the first page is asked for.
import { z } from "zod"
import type { Clock } from "../base/clock.ts"
import { stripControl } from "../base/escape.ts"
import { defuse } from "../task/defuse.ts"
import { type Tool, type ToolContext, ToolError, type ToolOutput, textOutput } from "./tool.ts"
import { RESULT_CHARS } from "./truncate.ts"
import type { WebPage, WebParts } from "./web-page.ts"

const input = z.object({
  url: z.string(),
  prompt: z.string().optional().describe("what you look for"),
  offset: z.number().int().min(0).optional().describe("character to go on from"),
})
type Input = z.infer<typeof input>

/** Room for title, address and notes is left below the boundary for results. */
const PAGE_CHARS = RESULT_CHARS - 1500
/** Pages that are kept for those who read on, and for how long: an offset means nothing in a page that has changed. */
const KEPT = 4
const KEPT_MS = 15 * 60 * 1000
const LIMITS = { maxBytes: 5 * 1024 * 1024, timeoutMs: 30_000 }

export type WebFetchParts = Omit<WebParts, "limits"> & Partial<Pick<WebParts, "limits">> & { clock: Clock }

export function webFetchTool({ clock, limits = LIMITS, ...more }: WebFetchParts): Tool<Input> {
  const parts = { ...more, limits }
  const kept = new Map<string, { page: WebPage; at: number }>()
  return {
    name: "WebFetch",
    description: "Fetch a web page (http, https) as markdown; also text, PDF and images.",
    input,
    // A GET may be repeated.
    replay: "safe",
    readOnly: false,
    async run(call, ctx) {
      const page = await pageFor(call, ctx)
      return output(page, call.offset ?? 0)
    },
  }

  async function pageFor(call: Input, ctx: ToolContext): Promise<WebPage> {
    const before = kept.get(call.url)
    if (call.offset && before && clock.monotonic() - before.at < KEPT_MS) return before.page
    const { fetchPage } = await import("./web-page.ts")
    const page = await fetchPage(call.url, parts, ctx.signal)
    kept.delete(call.url)
    kept.set(call.url, { page, at: clock.monotonic() })
    const oldest = kept.keys().next().value
    if (kept.size > KEPT && oldest !== undefined) kept.delete(oldest)
    return page
  }
}

function output(page: WebPage, offset: number): ToolOutput {
  switch (page.type) {
    case "moved":
      return textOutput(
        `${page.from} redirects to another site, which was not asked: ${page.to}\nIf you want it, call WebFetch with that URL.`,
        { data: { url: page.from, redirect: page.to } },
      )
    case "image":
      return {
        content: [{ type: "text", text: `${page.url} (${page.image.mediaType}, ${page.bytes} bytes)` }, page.image],
        data: { url: page.url, mediaType: page.image.mediaType, bytes: page.bytes },
      }
    case "text":
      return textPage(page, offset)
    default:
      return page satisfies never
  }
}

function textPage({ url, status, title, text, notes }: Extract<WebPage, { type: "text" }>, offset: number): ToolOutput {
  // A page can imitate what the program itself says.
  const clean = defuse(stripControl(text, { keepNewlines: true }))
  if (offset > 0 && offset >= clean.length)
    throw new ToolError(`The page has ${clean.length} characters; there is nothing from offset ${offset} on.`)
  const end = endOfPart(clean, offset)
  const head = [
    title && `Title: ${defuse(stripControl(title))}`,
    `URL: ${url}`,
    status >= 400 && `Status: ${status} (an error)`,
  ]
  const left =
    end < clean.length ? [`Characters ${offset} to ${end} of ${clean.length}. Go on with offset ${end}.`] : []
  const foot = [...notes, ...left].map((note) => `[${note}]`)
  const body = clean.slice(offset, end).trim() || "(The page has no text.)"
  return textOutput([...head.filter(Boolean), "", body, ...foot].join("\n"), {
    isError: status >= 400,
    data: { url, status, title, characters: clean.length },
  })
}

/** At a line end when one is near, never inside of a surrogate pair. */
function endOfPart(text: string, offset: number): number {
  const end = offset + PAGE_CHARS
  if (end >= text.length) return text.length
  const line = text.lastIndexOf("\n", end)
  if (line > offset + PAGE_CHARS / 2) return line + 1
  return /[\ud800-\udbff]/.test(text[end - 1]!) ? end - 1 : end
}
