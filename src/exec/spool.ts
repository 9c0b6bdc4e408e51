// Reading what a command has written. A spool may have gigabytes, grow while it is read, hold bytes that are no UTF-8,
// lose its middle (spool-cap.ts), or be gone: every read is bounded, asynchronous but for that of a few last lines, and
// never splits a character. A missing spool is an empty one. Where a gap is in the part that is read, a line says so.
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs"
import { type FileHandle, open, stat, statfs } from "node:fs/promises"
import { type Gap, gapNote, hasGap, readGap } from "./spool-gap.ts"

const CHUNK = 256 * 1024
/** Of one line, as much is searched; the rest is skipped. */
const LONGEST_LINE = 64 * 1024
/** Of a line that matches, as much is shown. */
const SHOWN_OF_LINE = 500
const GREP_CHARS = 24 * 1024

/** Of a disk with less than this, a command may have found nothing left. */
const LEAST_ROOM = 256 * 1024

/** Whether the disk under it is full, so that what was written to it may be missing. */
export async function hasNoRoom(path: string): Promise<boolean> {
  const disk = await ifThere(statfs(path))
  return disk !== undefined && disk.bavail * disk.bsize < LEAST_ROOM
}

/** Bytes written so far, those that are no longer kept included. */
export async function spoolSize(path: string): Promise<number> {
  return (await ifThere(stat(path)))?.size ?? 0
}

/** As `spoolSize`, at once: for a look at many commands, of which most have written nothing. */
export function sizeNow(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

/**
 * As `readTail`, at once: what a command has just written is in memory. Undefined where the spool lacks a part, or is no
 * file any more: then a closer look is needed.
 */
export function tailNow(path: string, bytes: number): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false })
  if (!found) return ""
  if (!found.isFile() || hasGap(path)) return undefined
  const file = openSync(path, "r")
  try {
    const { size } = fstatSync(file)
    const offset = Math.max(0, size - bytes - 1)
    const buffer = Buffer.allocUnsafe(size - offset)
    const read = buffer.subarray(0, readSync(file, buffer, 0, buffer.length, offset))
    return size <= bytes ? decode(read) : fromLine(read)
  } finally {
    closeSync(file)
  }
}

/** The end, at most `bytes` of it, from the beginning of a line when there is one in that part. */
export async function readTail(path: string, bytes = 4096): Promise<string> {
  return await withSpool(path, (spool) => tailOf(spool, bytes))
}

/**
 * The characters that begin in `length` bytes from `offset`. Consecutive ranges therefore make up the whole text, also
 * when one ends in the middle of a character. What is no UTF-8 becomes U+FFFD. A range with a part of the gap in it has
 * a note there, which says where the text goes on.
 */
export async function readRange(path: string, offset: number, length: number): Promise<string> {
  return await withSpool(path, (spool) => rangeText(spool, { offset, length }))
}

export interface News {
  text: string
  next: number
  /** What came before the text and is no longer kept; its last byte is right before the text. */
  gap?: Gap
}

/**
 * What has come since `offset`, at most `length` bytes, and where to go on. The beginning of a character whose rest is
 * not yet written is left for the next time; with `lines`, the beginning of a line is, unless it is as long as `length`.
 * When the spool has become shorter than `offset`, it begins anew.
 */
export async function readNew(
  path: string,
  { offset, length, lines = false }: { offset: number; length: number; lines?: boolean },
): Promise<News> {
  const size = await spoolSize(path)
  const from = offset > size ? 0 : offset
  return await withSpool(
    path,
    async (spool) => {
      const { at, bytes, beforeGap } = await piece(spool, { offset: from, length })
      const lineEnd = bytes.lastIndexOf(NEWLINE) + 1
      // What a gap follows is not finished any more.
      const isWhole = beforeGap || (lines && bytes.length === length && lineEnd === 0)
      const end = isWhole ? bytes.length : lines ? lineEnd : bytes.length - unfinished(bytes)
      const next = at + end
      const text = decode(bytes.subarray(0, end))
      return at > from ? { text, next, gap: { from: Math.max(from, spool.gap?.from ?? from), to: at } } : { text, next }
    },
    { text: "", next: from },
  )
}

/** All of it when it is not longer than `max` bytes; else its beginning and end in whole lines, and how much is left out. */
export async function readHeadTail(path: string, max: number): Promise<string> {
  return await withSpool(path, async (spool) => {
    const { size, gap } = spool
    if (size <= max) return await rangeText(spool, { offset: 0, length: size })
    const notKept = gap ? `, ${gap.to - gap.from} of them not kept` : ""
    const marker = (bytes: number) => `\n… ${bytes} bytes left out${notKept} …\n`
    const room = max - Buffer.byteLength(marker(size)) - 2
    if (room < 2) return await tailOf(spool, Math.max(0, max))
    const { bytes } = await piece(spool, { offset: 0, length: Math.ceil(room / 2) - 3 })
    const head = bytes.subarray(0, bytes.length - unfinished(bytes))
    const lineEnd = head.lastIndexOf(NEWLINE)
    const beginning = lineEnd > 0 ? head.subarray(0, lineEnd) : head
    const tail = await tailOf(spool, Math.min(Math.floor(room / 2), size - (gap?.to ?? 0)))
    return decode(beginning) + marker(size - beginning.length - Buffer.byteLength(tail)) + tail
  })
}

/**
 * The lines that match, each with its number (`12: text`), at most `maxChars`; a last line says when there are more.
 * Behind a gap lines are counted from there (`+12: text`). Reads all that is kept in small parts.
 */
export async function grepSpool(path: string, pattern: RegExp, maxChars = GREP_CHARS): Promise<string> {
  // Without "g" and "y", with which a RegExp remembers where it was.
  const matcher = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ""))
  return await withSpool(path, async (spool) => {
    let found = ""
    for await (const { number, text, gap } of linesOf(spool)) {
      if (gap) {
        found += `${gapNote(gap)} lines are counted from here:\n`
        continue
      }
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
  path: string
  file: FileHandle
  /** When it was opened. */
  size: number
  /** As of the last bytes that were read. */
  gap: Gap | undefined
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
    const { size } = await file.stat()
    return await read({ path, file, size, gap: readGap(path, size) })
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

async function tailOf(spool: Spool, bytes: number): Promise<string> {
  const { size, gap } = spool
  if (size <= bytes || (gap && size - bytes < gap.to && bytes > 0))
    return await rangeText(spool, { offset: Math.max(0, size - bytes), length: bytes })
  // One byte more, to see whether the part begins with a line.
  return fromLine(await readAt(spool.file, { offset: size - bytes - 1, length: bytes + 1 }))
}

/** What follows the first of these bytes, from the beginning of a line when there is one in it. */
function fromLine(before: Buffer): string {
  const lineStart = before.indexOf(NEWLINE) + 1
  if (lineStart > 0 && lineStart < before.length) return decode(before.subarray(lineStart))
  return decode(before.subarray(1 + leadingContinuation(before.subarray(1))))
}

/** The text of a range, with a note where a gap is in it. */
async function rangeText(spool: Spool, { offset, length }: { offset: number; length: number }): Promise<string> {
  const end = offset + length
  const first = await piece(spool, { offset, length: length + 3 })
  const isBehind = first.at > offset
  if (!first.beforeGap && !isBehind) return decode(rangeIn(first.bytes, { offset, length }))
  const gap = spool.gap!
  const note = `${gapNote(gap)}\n`
  const rest = async () => {
    if (end <= gap.to) return ""
    const { bytes } = await piece(spool, { offset: gap.to, length: end - gap.to + 3 })
    return decode(rangeIn(bytes, { offset: gap.to, length: end - gap.to }))
  }
  if (isBehind) return note + (await rest())
  const kept = rangeIn(first.bytes, { offset, length })
  const head = decode(kept.subarray(0, kept.length - unfinished(kept)))
  // A range that ends where the gap begins: the next one has the note.
  if (end <= gap.from) return head
  return `${head}${head === "" || head.endsWith("\n") ? "" : "\n"}${note}${await rest()}`
}

/** Of bytes from `offset` on, three more than `length` where there are so many: the characters that begin in the range. */
function rangeIn(bytes: Buffer, { offset, length }: { offset: number; length: number }): Buffer {
  const start = offset > 0 ? leadingContinuation(bytes) : 0
  const end = Math.min(bytes.length, length)
  return bytes.subarray(start, Math.max(start, end + leadingContinuation(bytes.subarray(end))))
}

interface Piece {
  /** Where it begins: at `offset`, or behind the gap when that is in it. */
  at: number
  bytes: Buffer
  /** Whether it ends because the gap begins there. */
  beforeGap: boolean
}

/** The first kept bytes from `offset` on. The gap is looked up after the bytes were read: it may have grown meanwhile. */
async function piece(spool: Spool, { offset, length }: { offset: number; length: number }): Promise<Piece> {
  for (;;) {
    const { gap } = spool
    const at = gap && offset >= gap.from && offset < gap.to ? gap.to : offset
    const upTo = gap && at < gap.from ? Math.min(length, gap.from - at) : length
    const bytes = await readAt(spool.file, { offset: at, length: upTo })
    // The size after the gap: the other way round, one that grew in between would seem to be an old one.
    const told = readGap(spool.path)
    const now = told && told.to <= (await spool.file.stat()).size ? told : undefined
    spool.gap = now
    const isTrue = !now || at + bytes.length <= now.from || at >= now.to
    if (isTrue) return { at, bytes, beforeGap: now !== undefined && at < now.from && at + bytes.length === now.from }
    if (at < now.from) return { at, bytes: bytes.subarray(0, now.from - at), beforeGap: true }
  }
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

interface Line {
  number: string
  text: string
  /** What is missing right before this line. */
  gap?: Gap
}

async function* linesOf(spool: Spool): AsyncGenerator<Line> {
  let decoder = new TextDecoder("utf-8", { ignoreBOM: true })
  let rest = ""
  let number = 1
  let isBehind = false
  const line = (text: string): Line => ({
    number: `${isBehind ? "+" : ""}${number++}`,
    text: text.slice(0, LONGEST_LINE),
  })
  for (let offset = 0; ; ) {
    const { at, bytes } = await piece(spool, { offset, length: CHUNK })
    if (at > offset) {
      rest += decoder.decode()
      if (rest !== "") yield line(rest)
      decoder = new TextDecoder("utf-8", { ignoreBOM: true })
      rest = ""
      number = 1
      isBehind = true
      // The line that the gap ends in is not a whole one, but better than none.
      yield { number: "", text: "", gap: { from: Math.min(offset, spool.gap?.from ?? offset), to: at } }
    }
    if (bytes.length === 0) break
    offset = at + bytes.length
    const parts = decoder.decode(bytes, { stream: true }).split("\n")
    const last = parts.pop()!
    for (const part of parts) {
      yield line(rest + part)
      rest = ""
    }
    rest = (rest + last).slice(0, LONGEST_LINE)
  }
  rest += decoder.decode()
  if (rest !== "") yield line(rest)
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
