// Reads the small text files that people and repositories write for us. A stranger's folder may hold anything under
// such a name, a pipe without a writer or a link to an endless device too: neither may hang or fill the program.
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs"
import { messageOf } from "./error.ts"

export type ReadText = { type: "text"; text: string } | { type: "none" } | { type: "unreadable"; reason: string }

/** The text of a regular file in UTF-8, without its byte order mark. `none`: there is no such file. */
export function readText(path: string, maxBytes: number): ReadText {
  let file: number | undefined
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const stat = fstatSync(file)
    if (!stat.isFile()) return { type: "unreadable", reason: "is not a regular file" }
    if (stat.size > maxBytes) return { type: "unreadable", reason: `is larger than ${Math.floor(maxBytes / 1024)} KB` }
    const bytes = Buffer.alloc(stat.size)
    const text = decode(bytes.subarray(0, readSync(file, bytes)))
    return text === undefined ? { type: "unreadable", reason: "is not text in UTF-8" } : { type: "text", text }
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined
    if (code === "ENOENT" || code === "ENOTDIR") return { type: "none" }
    return { type: "unreadable", reason: `cannot be read: ${messageOf(error)}` }
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}
