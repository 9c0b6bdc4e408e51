// HTML to markdown without blocking: the conversion runs in a worker that is ended when it takes too long, because
// time and stack that it needs are the page's choice.
import { Worker } from "node:worker_threads"
import { plural } from "../base/text.ts"
import { workerScript } from "../runtime/worker.ts"
import type { HtmlDone, HtmlJob } from "./html-worker.ts"
import { ToolError } from "./tool.ts"

export interface ConvertedHtml {
  title: string
  markdown: string
  /** What is missing of the page. */
  note?: string
}

/** Milliseconds that the whole page may take, and then its beginning alone. */
const WHOLE_MS = 8000
const BEGINNING_MS = 4000
/** Characters of a page that is too much as a whole. */
const BEGINNING_CHARS = 200_000

/** `base`: the page's address. Throws a ToolError for a page that cannot be converted; the signal's reason. */
export async function markdownOf(
  html: string,
  { base, signal }: { base: string; signal: AbortSignal },
): Promise<ConvertedHtml> {
  const whole = await convert({ html, base }, { ms: WHOLE_MS, signal })
  if (whole.type === "done") return whole
  if (html.length > BEGINNING_CHARS) {
    const beginning = await convert({ html: html.slice(0, BEGINNING_CHARS), base }, { ms: BEGINNING_MS, signal })
    if (beginning.type === "done")
      return {
        ...beginning,
        note: `Only the first ${plural(BEGINNING_CHARS, "character")} of its HTML: the whole is too much.`,
      }
  }
  throw new ToolError(
    `The HTML of ${base} could not be converted (${whole.reason}). Use Bash with curl if the source itself helps.`,
  )
}

async function convert(job: HtmlJob, { ms, signal }: { ms: number; signal: AbortSignal }): Promise<HtmlDone> {
  signal.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<HtmlDone>()
  const worker = new Worker(workerScript("tool/html-worker.ts"))
  const timer = setTimeout(() => resolve({ type: "failed", reason: "it is too complicated" }), ms)
  const abort = () => reject(signal.reason)
  signal.addEventListener("abort", abort, { once: true })
  worker.on("message", resolve)
  worker.on("error", reject)
  worker.postMessage(job)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    signal.removeEventListener("abort", abort)
    await worker.terminate()
  }
}
