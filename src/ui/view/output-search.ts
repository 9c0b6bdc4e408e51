// Finding a text in an output of any size: page by page from where somebody looks, towards the beginning or the end.
import { stripControl } from "../../base/escape.ts"
import { type OutputSource, OutputWindow, PAGE_BYTES } from "./output-window.ts"

export interface OutputQuery {
  /** Found in any case when it has no capital letters. */
  text: string
  /** Offset of a line: those before it are looked at, or those after it. */
  from: number
  direction: "earlier" | "later"
  signal: AbortSignal
  /** How many bytes were looked through so far. */
  progress?(bytes: number): void
}

/** The offset of the nearest line that has the text; undefined when there is none in that direction. */
export async function findInOutput(source: OutputSource, query: OutputQuery): Promise<number | undefined> {
  return query.direction === "earlier" ? earlier(source, query) : later(source, query)
}

/** Whether a line of an output, colours and all, has the text. */
export function lineHas(line: string, text: string): boolean {
  const plain = stripControl(line)
  return /\p{Lu}/u.test(text) ? plain.includes(text) : plain.toLowerCase().includes(text)
}

async function earlier(
  source: OutputSource,
  { text, from, signal, progress }: OutputQuery,
): Promise<number | undefined> {
  for (let until = from; until > 0 && !signal.aborted; ) {
    const page = new OutputWindow(source)
    await page.part(Math.max(0, until - PAGE_BYTES), until)
    const found = page.lines.findLast(({ offset, text: line }) => offset < from && lineHas(line, text))
    if (found) return found.offset
    // A line that is longer than a page is gone over in steps.
    until = page.from < until ? page.from : Math.max(0, until - PAGE_BYTES)
    progress?.(from - until)
  }
  return undefined
}

async function later(source: OutputSource, { text, from, signal, progress }: OutputQuery): Promise<number | undefined> {
  const size = await source.size()
  for (let at = from; at < size && !signal.aborted; ) {
    const page = new OutputWindow(source)
    await page.part(at, Math.min(size, at + PAGE_BYTES))
    const found = page.lines.find(({ offset, text: line }) => offset > from && lineHas(line, text))
    if (found) return found.offset
    if (page.to <= at) return undefined
    // The last line may be cut by the page's end: it is looked at again.
    const last = page.lines.at(-1)?.offset ?? page.to
    at = page.to >= size ? size : last > at ? last : page.to
    progress?.(at - from)
  }
  return undefined
}
