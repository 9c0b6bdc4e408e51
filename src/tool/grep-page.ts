// One page of Grep's results: skips what came before, stops when it is full, and says how to go on.
import { plural } from "../base/text.ts"
import { RESULT_CHARS } from "./truncate.ts"

/** Entries of a page when the call doesn't say. */
const DEFAULT_ENTRIES = 200
/** Leaves room for the notes. */
const PAGE_CHARS = RESULT_CHARS - 1000

export interface PageOptions {
  output_mode?: "content" | "files_with_matches" | "count" | undefined
  "-n"?: boolean | undefined
  "-A"?: number | undefined
  "-B"?: number | undefined
  "-C"?: number | undefined
  head_limit?: number | undefined
  offset?: number | undefined
}

export class GrepPage {
  readonly #options: PageOptions
  readonly #limit: number
  readonly #lines: string[] = []
  #entries = 0
  #skipped = 0
  #chars = 0
  #hasMore = false
  #matches = 0
  /** Where the last line of content was, to mark gaps. */
  #last: { path: string; line: number } | undefined

  constructor(options: PageOptions) {
    this.#options = options
    // 0 means no limit but that of a result's size.
    this.#limit = options.head_limit === 0 ? Number.POSITIVE_INFINITY : (options.head_limit ?? DEFAULT_ENTRIES)
  }

  /** Entries on the page. */
  get length(): number {
    return this.#entries
  }

  /** `text`: a count, or a line as ripgrep prints it: `12:match` or `12-context`. */
  add(path: string, text: string | undefined): "more" | "enough" {
    if (this.#skipped < (this.#options.offset ?? 0)) {
      this.#skipped++
      return "more"
    }
    const entry =
      this.#options.output_mode === "content"
        ? this.#contentLine(path, text ?? "")
        : [text === undefined ? path : `${path}:${text}`]
    const chars = entry.reduce((sum, line) => sum + line.length + 1, 0)
    if (this.#entries >= this.#limit || (this.#entries > 0 && this.#chars + chars > PAGE_CHARS)) {
      this.#hasMore = true
      return "enough"
    }
    this.#lines.push(...entry)
    this.#entries++
    this.#chars += chars
    if (this.#options.output_mode === "count") this.#matches += Number(text)
    return "more"
  }

  text(): string {
    const next = (this.#options.offset ?? 0) + this.#entries
    if (this.#hasMore)
      return `${this.#lines.join("\n")}\n[There are more. Go on with offset ${next}, or narrow the search.]`
    if (this.#options.output_mode !== "count") return this.#lines.join("\n")
    return `${this.#lines.join("\n")}\n[${plural(this.#matches, "matching line")} in ${plural(this.#entries, "file")}]`
  }

  #contentLine(path: string, text: string): string[] {
    const [, number = "", mark = ":", line = ""] = /^(\d+)([:-])(.*)$/s.exec(text) ?? []
    const at = { path, line: Number(number) }
    const isGap = this.#last !== undefined && (this.#last.path !== path || this.#last.line + 1 !== at.line)
    const hasContext = this.#options["-A"] || this.#options["-B"] || this.#options["-C"]
    this.#last = at
    const shown = this.#options["-n"] === false ? `${path}${mark}${line}` : `${path}${mark}${number}${mark}${line}`
    return isGap && hasContext ? ["--", shown] : [shown]
  }
}
