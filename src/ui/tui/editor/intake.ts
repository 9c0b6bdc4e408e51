// What comes into the text from outside: pastes, dropped files, images of the clipboard. Files are looked at in the
// background; until that is known a path stands there as it was pasted.
import { messageOf } from "../../../base/error.ts"
import { checkImage, pathInPrompt, readAttachment } from "./attach.ts"
import type { ClipboardImage } from "./clipboard-image.ts"
import { reference } from "./complete-files.ts"
import type { EditBuffer } from "./edit-buffer.ts"
import type { Marks } from "./marks.ts"
import { cleanText, isLongPaste, pastedPaths } from "./paste.ts"
import type { Text } from "./text.ts"

export interface IntakeParts {
  buffer: EditBuffer
  marks: Marks
  cwd: string
  home: string
  clipboardImage: (() => Promise<ClipboardImage>) | undefined
  say(message: string): void
  /** Something has come in later. */
  changed(): void
}

/** How long a prompt that is sent waits for its files: a disk that hangs must not hold it. */
const PATIENCE_MS = 2000

export class Intake {
  readonly #parts: IntakeParts
  readonly #looking = new Set<Promise<void>>()

  constructor(parts: IntakeParts) {
    this.#parts = parts
  }

  /** Whether files are being looked at. */
  get isLooking(): boolean {
    return this.#looking.size > 0
  }

  /** Resolves when all files have been looked at, or it has taken too long. */
  async settled(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, PATIENCE_MS)
    await Promise.race([Promise.all(this.#looking), promise])
    clearTimeout(timer)
    this.#looking.clear()
  }

  paste(pasted: string, { isShell }: { isShell: boolean }): void {
    const { buffer, marks, home } = this.#parts
    // Terminals paste nothing when the clipboard has an image and no text.
    if (pasted === "") {
      this.pasteImage({ isAsked: false })
      return
    }
    const text = cleanText(pasted)
    const paths = isShell ? undefined : pastedPaths(text, home)
    if (paths) {
      const characters = paths.map(({ raw }) => marks.add({ type: "path", raw }))
      buffer.insert(characters.join(" "))
      for (const [index, { path, raw }] of paths.entries()) this.#track(this.#look(characters[index]!, { path, raw }))
      return
    }
    buffer.insert(isLongPaste(text) ? marks.add({ type: "text", text }) : text)
  }

  /** `isAsked`: the person wants an image, and is told when there is none. */
  pasteImage({ isAsked }: { isAsked: boolean }): void {
    const { clipboardImage, say } = this.#parts
    if (clipboardImage) this.#track(this.#takeImage(clipboardImage, isAsked))
    else if (isAsked) say("Images can't be pasted here. Paste or drop the path of the image's file.")
  }

  async #takeImage(clipboardImage: () => Promise<ClipboardImage>, isAsked: boolean): Promise<void> {
    const { buffer, marks, say, changed } = this.#parts
    try {
      const found = await clipboardImage()
      if (found.type !== "image") {
        if (isAsked) say(found.type === "none" ? "There is no image in the clipboard." : found.message)
        return
      }
      const checked = await checkImage(found.bytes, "clipboard")
      if (checked.type === "mistake") say(checked.message)
      else buffer.insert(`${marks.add(checked)} `)
    } catch (error) {
      say(`The clipboard could not be read: ${messageOf(error)}`)
    } finally {
      changed()
    }
  }

  async #look(character: string, { path, raw }: { path: string; raw: string }): Promise<void> {
    const { buffer, marks, cwd, say, changed } = this.#parts
    const found = await readAttachment(path)
    switch (found.type) {
      case "image":
        marks.set(character, found)
        buffer.amend((text) => replaced(text, character, `${character} `))
        break
      case "file":
        buffer.amend((text) => replaced(text, character, reference(pathInPrompt(found.path, cwd))))
        if (found.note) say(found.note)
        break
      case "none":
        buffer.amend((text) => replaced(text, character, raw))
        break
      default:
        found satisfies never
    }
    changed()
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#looking.delete(tracked))
    this.#looking.add(tracked)
  }
}

/** The text with something else where a mark stands; a space at its end goes when one follows already. */
function replaced(text: Text, character: string, by: string): Text {
  const line = text.lines.findIndex((one) => one.includes(character))
  if (line < 0) return text
  const before = text.lines[line]!
  const at = before.indexOf(character)
  const after = before.slice(at + character.length)
  const put = /^\s/.test(after) ? by.trimEnd() : by
  const col = text.line === line && text.col > at ? text.col + put.length - character.length : text.col
  return { lines: text.lines.with(line, before.slice(0, at) + put + after), line: text.line, col }
}
