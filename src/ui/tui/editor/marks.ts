// What stands in a text for something larger: a long paste, an image. Each is one character of plane 16's private use
// area, so that moving, deleting, cutting and undoing treat it as one; what is shown for it is its label.

export interface Image {
  name: string
  mediaType: string
  bytes: Uint8Array
}

export type Mark =
  | { type: "text"; text: string }
  | { type: "image"; image: Image }
  /** A path that is being looked at; `raw` is what was pasted. */
  | { type: "path"; raw: string }

const FIRST = 0x100000
const LAST = 0x10fffd
const MARK = /[\u{100000}-\u{10fffd}]/gu

/** Whether a line has a mark; quick, because it is asked for each line that is drawn. */
export function hasMarks(line: string): boolean {
  return /[\udbc0-\udbff]/.test(line)
}

/** Text from outside must not contain what stands for marks. */
export function withoutMarks(text: string): string {
  return hasMarks(text) ? text.replace(MARK, "\ufffd") : text
}

export class Marks {
  readonly #marks = new Map<string, Mark>()
  /** Of texts: counted once, because labels are made for each frame. */
  readonly #sizes = new WeakMap<Mark, string>()
  #next = FIRST

  /** Returns the character that stands for it. */
  add(mark: Mark): string {
    if (this.#next > LAST) this.#next = FIRST
    const character = String.fromCodePoint(this.#next++)
    this.#marks.set(character, mark)
    return character
  }

  get(character: string): Mark | undefined {
    return this.#marks.get(character)
  }

  set(character: string, mark: Mark): void {
    this.#marks.set(character, mark)
  }

  /** Forgets all marks that are in none of the texts. */
  keepOnly(texts: Iterable<string>): void {
    if (this.#marks.size === 0) return
    const used = new Set([...texts].flatMap((text) => text.match(MARK) ?? []))
    for (const character of this.#marks.keys()) if (!used.has(character)) this.#marks.delete(character)
  }

  /** Long pastes become what was pasted, images their labels. */
  expand(content: string): { text: string; images: Image[] } {
    if (!hasMarks(content)) return { text: content, images: [] }
    const labels = this.labels([content])
    const images = new Set<Image>()
    const text = content.replace(MARK, (character) => {
      const mark = this.#marks.get(character)
      if (mark?.type === "text") return mark.text
      if (mark?.type === "path") return mark.raw
      if (mark) images.add(mark.image)
      return labels.get(character) ?? ""
    })
    return { text, images: [...images] }
  }

  /** What is shown for each mark, counted in the order of the text; one that was put back twice is the same twice. */
  labels(lines: readonly string[]): ReadonlyMap<string, string> {
    const labels = new Map<string, string>()
    if (this.#marks.size === 0) return labels
    let texts = 0
    let images = 0
    for (const line of lines) {
      if (!hasMarks(line)) continue
      for (const [character] of line.matchAll(MARK)) {
        if (labels.has(character)) continue
        const mark = this.#marks.get(character)
        if (mark?.type === "text") labels.set(character, `[Pasted text #${++texts} ${this.#sizeOf(mark)}]`)
        if (mark?.type === "image") labels.set(character, `[Image #${++images}]`)
        if (mark?.type === "path") labels.set(character, mark.raw)
      }
    }
    return labels
  }

  #sizeOf(mark: Mark & { type: "text" }): string {
    const known = this.#sizes.get(mark) ?? sizeOf(mark.text)
    this.#sizes.set(mark, known)
    return known
  }
}

function sizeOf(text: string): string {
  let lines = 1
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines++
  return lines > 1 ? `+${lines} lines` : `+${text.length} characters`
}
