// A prompt as it is sent, taken back and put into an editor: text, images, and whether it is a shell line.
import type { Image, Marks } from "./marks.ts"
import { cleanText, isLongDraft } from "./paste.ts"

export interface Draft {
  /** Long pastes are in it as they were pasted, images as `[Image #1]`, counted from 1. */
  text: string
  images: readonly Image[]
  /** `shell`: the text is a command, without the `!`. */
  mode: "prompt" | "shell"
}

export function isShellLine(content: string): boolean {
  return content.startsWith("!")
}

export function draftOf(content: string, marks: Marks): Draft {
  const { text, images } = marks.expand(content)
  if (isShellLine(content)) return { text: text.slice(1).trim(), images, mode: "shell" }
  return { text: text.trim(), images, mode: "prompt" }
}

/** As the editor holds it: images and very long texts become marks. Images that the text doesn't name come last. */
export function contentOfDraft({ text, images, mode }: Draft, marks: Marks): string {
  const characters = images.map((image) => marks.add({ type: "image", image }))
  const used = new Set<string>()
  const clean = cleanText(text)
  const head = mode === "shell" ? "!" : ""
  if (isLongDraft(clean)) return head + [foldedText(clean, marks), ...characters].join(" ")
  const linked = clean.replace(/\[Image #(\d+)\]/g, (label, number: string) => {
    const character = characters[Number(number) - 1]
    if (character === undefined || used.has(character)) return label
    used.add(character)
    return character
  })
  return (
    head + [linked, ...characters.filter((character) => !used.has(character))].filter((part) => part !== "").join(" ")
  )
}

export function foldedText(text: string, marks: Marks): string {
  return marks.add({ type: "text", text })
}
