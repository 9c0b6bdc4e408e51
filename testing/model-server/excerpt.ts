// A piece of a long text for a problem's message.

/** Up to 100 characters from shortly before the offset on, with … where something was left out. */
export function excerpt(text: string, offset = 0): string {
  const from = Math.max(0, offset - 20)
  const cut = text.slice(from, from + 100)
  return `${from > 0 ? "…" : ""}${cut}${from + 100 < text.length ? "…" : ""}`
}
