// The worker's side of html.ts: one page in, its markdown out. Whoever started it ends it when it takes too long.
import { parentPort } from "node:worker_threads"
import { messageOf } from "../base/error.ts"
import { htmlToMarkdown, type Markdown } from "./html-to-markdown.ts"

export interface HtmlJob {
  html: string
  base: string
}

export type HtmlDone = ({ type: "done" } & Markdown) | { type: "failed"; reason: string }

parentPort?.on("message", ({ html, base }: HtmlJob) => {
  parentPort?.postMessage(convert(html, base))
})

/** Nesting that is deeper than the stack ends in an exception, as do documents that break the library. */
function convert(html: string, base: string): HtmlDone {
  try {
    return { type: "done", ...htmlToMarkdown(html, base) }
  } catch (error) {
    return { type: "failed", reason: messageOf(error) }
  }
}
