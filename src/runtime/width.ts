// How many columns of a terminal a text takes.

/** Wide characters count as two, combining ones as none, colour sequences not at all. */
export function displayWidth(text: string): number {
  return Bun.stringWidth(text)
}
