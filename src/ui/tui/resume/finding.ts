// The full-text search of the screen of sessions: what is typed, what was found, and the two lines that each find takes.
import { oneLine, plural } from "../../../base/text.ts"
import {
  type Found,
  type Hit,
  hasAll,
  searchMessages,
  snippetOf,
  type Term,
  termsOf,
  textOfMessage,
  toIndex,
  type Word,
  wordsOf,
} from "../../../session/search/search.ts"
import type { SessionRow } from "../../../store/rows.ts"
import type { Reader } from "../../../store/store.ts"
import { ago, callOf, type ListedSession } from "../../view/session-list.ts"
import { clip, pad } from "../line.ts"
import { LineInput } from "../tasks/line-input.ts"
import type { Theme } from "../theme.ts"
import { Cursor } from "./cursor.ts"
import type { Drawing } from "./session-lines.ts"

/** What fits: a session by its name, or a message. */
export type Find = { type: "session"; item: ListedSession } | { type: "message"; hit: Hit }

export interface FindingParts {
  reader: Reader
  theme(): Theme
  /** Where is searched; undefined: in all projects. */
  project: string | undefined
  items(): readonly ListedSession[]
}

/** Lines of one find. */
export const FIND_LINES = 2
/** Sessions whose names fit stand before the messages. */
const MOST_NAMED = 20

export class Finding {
  readonly input: LineInput
  readonly cursor = new Cursor()
  readonly #parts: FindingParts
  #terms: readonly Term[] = []
  #finds: readonly Find[] = []
  #found: Found = { hits: [], hasMore: false }
  #behind = 0
  /** Of names. */
  readonly #words = new Map<string, readonly Word[]>()
  /** Of the finds that were seen. */
  readonly #texts = new Map<string, string>()
  readonly #names = new Map<string, string>()

  constructor(parts: FindingParts) {
    this.#parts = parts
    this.input = new LineInput({
      theme: parts.theme,
      label: "/",
      placeholder: 'words, "phrases", beginnings*',
      changed: () => {
        this.search()
        this.cursor.first()
      },
    })
    this.search()
  }

  get finds(): readonly Find[] {
    return this.#finds
  }

  get chosen(): Find | undefined {
    return this.#finds[this.cursor.at]
  }

  /** Searches again: something was written, or more can be searched by now. */
  search(): void {
    const { reader, project, items } = this.#parts
    const chosen = this.chosen && keyOf(this.chosen)
    this.#terms = termsOf(this.input.text, { isTyping: true })
    this.#found = searchMessages(reader, this.#terms, { project })
    this.#behind = toIndex(reader)
    const named = this.#terms.length === 0 ? [] : this.#namedLike(items())
    this.#finds = [
      ...named.map((item): Find => ({ type: "session", item })),
      ...this.#found.hits.map((hit): Find => ({ type: "message", hit })),
    ]
    this.cursor.count = this.#finds.length
    // What is chosen stays so, also when something newer is found.
    const at = this.#finds.findIndex((find) => keyOf(find) === chosen)
    if (at >= 0) this.cursor.to(at)
  }

  /** What there is, in a few words. */
  count(): string {
    const { hits, hasMore } = this.#found
    const behind = this.#behind > 0 ? ` · ${plural(this.#behind, "message")} still to be looked through` : ""
    if (this.#terms.length === 0) return `full text of all messages${behind}`
    return `${hasMore ? `the newest ${hits.length.toLocaleString("en")} of more` : plural(hits.length, "message")}${behind}`
  }

  lines(find: Find, drawing: Drawing & { isChosen: boolean; showsFolder: boolean }): string[] {
    const { theme, width, isChosen } = drawing
    const [head, below] = find.type === "session" ? this.#named(find.item, drawing) : this.#said(find.hit, drawing)
    const both = [clip(head, width), clip(below, width)]
    return isChosen ? both.map((line) => theme.selected(pad(line, width))) : both
  }

  #namedLike(items: readonly ListedSession[]): ListedSession[] {
    const named: ListedSession[] = []
    for (const item of items) {
      const words = this.#words.get(item.name) ?? wordsOf(item.name)
      this.#words.set(item.name, words)
      if (hasAll(words, this.#terms)) named.push(item)
      if (named.length === MOST_NAMED) break
    }
    return named
  }

  #named(item: ListedSession, { theme, now }: Drawing): [string, string] {
    const { reader } = this.#parts
    return [
      ` ${theme.bold(marked(oneLine(callOf(reader, item), 200), this.#terms, theme))}  ${theme.dim(`session · ${ago(item.usedAt, now)}`)}`,
      `   ${theme.dim(`${item.id.slice(0, 8)} · ${item.model}`)}`,
    ]
  }

  #said(hit: Hit, { theme, width, now, showsFolder }: Drawing & { showsFolder: boolean }): [string, string] {
    const name = this.#nameOf(hit.rootId, showsFolder)
    const who = hit.sessionId !== hit.rootId ? "an agent" : hit.role === "user" ? "you" : "answer"
    const text = this.#textOf(hit.messageId)
    return [
      ` ${theme.bold(name)}  ${theme.dim(`${who} · ${ago(hit.at, now)}`)}`,
      `   ${marked(text, this.#terms, theme, Math.max(20, width - 6))}`,
    ]
  }

  #textOf(id: string): string {
    const known = this.#texts.get(id) ?? textOfMessage(this.#parts.reader, id)
    this.#texts.set(id, known)
    return known
  }

  #nameOf(rootId: string, showsFolder: boolean): string {
    const known = this.#names.get(rootId)
    if (known !== undefined) return known
    const row = this.#parts.reader.one<Pick<SessionRow, "id" | "name" | "title" | "cwd">>(
      "SELECT id, name, title, cwd FROM session WHERE id = :rootId",
      { rootId },
    )
    const own = row ? callOf(this.#parts.reader, { id: row.id, name: row.name ?? row.title ?? "" }) : rootId.slice(0, 8)
    const folder = showsFolder && row ? `  (${oneLine(row.cwd.split("/").at(-1) ?? "", 40)})` : ""
    const name = `${oneLine(own, 80)}${folder}`
    this.#names.set(rootId, name)
    return name
  }
}

function keyOf(find: Find): string {
  return find.type === "session" ? find.item.id : find.hit.messageId
}

function marked(text: string, terms: readonly Term[], theme: Theme, most = 200): string {
  return snippetOf(text, terms, most)
    .map((piece) => (piece.isFound ? theme.found(piece.text) : piece.text))
    .join("")
}
