// Whether bytes from the terminal are a key: the old sequences, xterm's modifyOtherKeys and the kitty protocol.
import { decodeKittyPrintable, isKeyRelease, type KeyId, matchesKey } from "@earendil-works/pi-tui"

export function isKey(data: string, key: KeyId): boolean {
  // A line feed is ctrl+j; in raw mode Enter sends a carriage return.
  if (data === "\n" && key === "enter") return false
  if (matchesKey(data, key)) return true
  // Vi users press ctrl+[ for Esc; only the kitty protocol sends something else for it.
  return key === "escape" && data.length > 1 && matchesKey(data, "ctrl+[")
}

/** A key that is let go, the mouse, the window's focus: nothing that ends or begins a pair of strokes. */
export function isNoPress(data: string): boolean {
  return data.length > 1 && (data.startsWith("\x1b[<") || /^\x1b\[[IO]$/.test(data) || isKeyRelease(data))
}

/** What a key types; undefined for keys that type nothing, and for rubbish. */
export function typedText(data: string): string | undefined {
  if (data === "") return undefined
  const decoded = decodeKittyPrintable(data) ?? decodeOtherKeys(data)
  if (decoded !== undefined) return decoded
  const code = data.charCodeAt(0)
  return code < 32 || (code >= 0x7f && code < 0xa0) ? undefined : data
}

/** `CSI 27 ; 2 ; code ~`: a shifted character as xterm's modifyOtherKeys reports it. */
function decodeOtherKeys(data: string): string | undefined {
  const code = Number(/^\x1b\[27;2;(\d{2,7})~$/.exec(data)?.[1])
  return code >= 32 && code !== 127 && code <= 0x10ffff ? String.fromCodePoint(code) : undefined
}
