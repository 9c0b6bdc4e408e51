// Reading what a command has written. A spool may have gigabytes, grow while it is read, hold bytes that are no UTF-8,
// or be gone: every read is bounded, asynchronous, and never splits a character. A missing spool is an empty one.
import { type FileHandle, open, stat } from "node:fs/promises"

const CHUNK = 256 * 1024
/** Of one line, as much is searched; the rest is skipped. */
const LONGEST_LINE = 64 * 1024
/** Of a line that matches, as much is shown. */
const SHOWN_OF_LINE = 500
const GREP_CHARS = 24 * 1024

/** Bytes written so far. */
export async function spoolSize(path: string): Promise<number> {
  return (await ifThere(stat(path)))?.size ?? 0
}

/** The end, at most `bytes` of it, from the beginning of a line when there is one in that part. */
export async function readTail(path: string, bytes = 4096): Promise<string> {
  return await withSpool(path, (spool) => tailOf(spool, bytes))
}

/**
 * The characters that begin in `length` bytes from `offset`. Consecutive ranges therefore make up the whole text, also
 * when one ends in the middle of a character. What is no UTF-8 becomes U+FFFD.
 */
export async function readRange(path: string, offset: number, length: number): Promise<string> {
  return await withSpool(path, async ({ file }) => decode(await rangeOf(file, { offset, length })))
}

/**
 * What has come since `offset`, at most `length` bytes, and where to go on. The beginning of a character whose rest is
 * not yet written is left for the next time. When the spool has become shorter than `offset`, it begins anew.
 */
export async function readNew(
  path: string,
  { offset, length }: { offset: number; length: number },
): Promise<{ text: string; next: number }> {
  const size = await spoolSize(path)
  const from = offset > size ? 0 : offset
  return await withSpool(
    path,
    async ({ file }) => {
      const bytes = await readAt(file, { offset: from, length })
      const whole = bytes.subarray(0, bytes.length - unfinished(bytes))
      return { text: decode(whole), next: from + whole.length }
    },
    { text: "", next: from },
  )
}

/** All of it when it is not longer than `max` bytes; else its beginning and end in whole lines, and how much is left out. */
export async function readHeadTail(path: string, max: number): Promise<string> {
  return await withSpool(path, async (spool) => {
    const { file, size } = spool
    if (size <= max) return decode(await readAt(file, { offset: 0, length: size }))
    const marker = (bytes: number) => `\n… ${bytes} bytes left out …\n`
    const room = max - marker(size).length - 4
    if (room < 2) return await tailOf(spool, Math.max(0, max))
    const head = await rangeOf(file, { offset: 0, length: Math.ceil(room / 2) - 3 })
    const lineEnd = head.lastIndexOf(NEWLINE)
    const beginning = lineEnd > 0 ? head.subarray(0, lineEnd) : head
    const tail = await tailOf(spool, Math.floor(room / 2))
    return decode(beginning) + marker(size - beginning.length - Buffer.byteLength(tail)) + tail
  })
}

/**
 * The lines that match, each with its number (`12: text`), at most `maxChars`; a last line says when there are more.
 * Reads all of the spool in small parts.
 */
export async function grepSpool(path: string, pattern: RegExp, maxChars = GREP_CHARS): Promise<string> {
  // Without "g" and "y", with which a RegExp remembers where it was.
  const matcher = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ""))
  return await withSpool(path, async ({ file }) => {
    let found = ""
    for await (const { number, text } of linesOf(file)) {
      if (!matcher.test(text)) continue
      const line = `${number}: ${shortened(text)}\n`
      if (found.length + line.length > maxChars) return `${found}… more lines match, from line ${number} on …\n`
      found += line
    }
    return found
  })
}

const NEWLINE = 0x0a

interface Spool {
  file: FileHandle
  size: number
}

async function withSpool(path: string, read: (spool: Spool) => Promise<string>): Promise<string>
async function withSpool<T>(path: string, read: (spool: Spool) => Promise<T>, missing: T): Promise<T>
async function withSpool<T>(
  path: string,
  read: (spool: Spool) => Promise<T>,
  missing: T | string = "",
): Promise<T | string> {
  const file = await ifThere(open(path, "r"))
  if (!file) return missing
  try {
    return await read({ file, size: (await file.stat()).size })
  } finally {
    await file.close()
  }
}

async function ifThere<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined
    throw error
  }
}

async function tailOf({ file, size }: Spool, bytes: number): Promise<string> {
  if (size <= bytes) return decode(await readAt(file, { offset: 0, length: size }))
  // One byte more, to see whether the part begins with a line.
  const before = await readAt(file, { offset: size - bytes - 1, length: bytes + 1 })
  const lineStart = before.indexOf(NEWLINE) + 1
  if (lineStart > 0 && lineStart < before.length) return decode(before.subarray(lineStart))
  return decode(before.subarray(1 + leadingContinuation(before.subarray(1))))
}

async function rangeOf(file: FileHandle, { offset, length }: { offset: number; length: number }): Promise<Buffer> {
  const bytes = await readAt(file, { offset, length: length + 3 })
  const start = offset > 0 ? leadingContinuation(bytes) : 0
  const end = Math.min(bytes.length, length)
  return bytes.subarray(start, Math.max(start, end + leadingContinuation(bytes.subarray(end))))
}

async function readAt(file: FileHandle, { offset, length }: { offset: number; length: number }): Promise<Buffer> {
  const left = Math.max(0, (await file.stat()).size - offset)
  const buffer = Buffer.allocUnsafe(Math.min(length, left))
  let filled = 0
  while (filled < buffer.length) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, offset + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}

async function* linesOf(file: FileHandle): AsyncGenerator<{ number: number; text: string }> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true })
  const buffer = Buffer.allocUnsafe(CHUNK)
  let rest = ""
  let number = 1
  for (let offset = 0; ; ) {
    const { bytesRead } = await file.read(buffer, 0, CHUNK, offset)
    if (bytesRead === 0) break
    offset += bytesRead
    const parts = decoder.decode(buffer.subarray(0, bytesRead), { stream: true }).split("\n")
    const last = parts.pop()!
    for (const part of parts) {
      yield { number, text: (rest + part).slice(0, LONGEST_LINE) }
      rest = ""
      number++
    }
    rest = (rest + last).slice(0, LONGEST_LINE)
  }
  rest += decoder.decode()
  if (rest !== "") yield { number, text: rest }
}

/** How many of the first bytes (at most 3) belong to a character that began before them. */
function leadingContinuation(bytes: Uint8Array): number {
  let count = 0
  while (count < 3 && count < bytes.length && (bytes[count]! & 0xc0) === 0x80) count++
  return count
}

/** How many of the last bytes begin a character whose other bytes are missing. */
function unfinished(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!
    if ((byte & 0xc0) === 0x80) continue
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    return length > back ? back : 0
  }
  return 0
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes)
}

function shortened(line: string): string {
  return line.length <= SHOWN_OF_LINE ? line : `${line.slice(0, SHOWN_OF_LINE).toWellFormed()}…`
}
