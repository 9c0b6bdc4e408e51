// Keeps a spool small: its beginning and its end stay, the middle goes, while the command goes on writing. It is never
// waited for, stopped or cut off: the file has the size that it would have, and only the disk space is given back.
// Each step may be the last one of this process: what is kept is never touched, and the next look completes the rest.
import { type FileHandle, open, rename, stat } from "node:fs/promises"
import { draftOf, type Gap, readGap, removeGap, writeGap } from "./spool-gap.ts"

/** What is kept of one command's output unless the settings say otherwise. */
export const DEFAULT_CAP = 64 * 1024 * 1024
/** File systems give back whole blocks; this is a multiple of theirs. */
const BLOCK = 4096
/** The space of so much is given back at a time, because the call is synchronous. */
const AT_ONCE = 16 * 1024 * 1024
/** The space that a file may take beside what is kept of it. */
const SLACK = 1024 * 1024

/** Gives a part of a file back to the disk; false when the file system can't. */
export type GiveBack = (file: number, hole: { offset: number; length: number }) => boolean

export interface Cut {
  /** Bytes that stay at the beginning and at the end; rounded up to whole blocks. */
  head: number
  tail: number
  /** Nobody writes to it any more: it may be replaced by another file where nothing else helps. */
  ended: boolean
  /** The system's own; for tests, another one. */
  giveBack?: GiveBack
}

/**
 * Lets a spool with more than `cap` bytes have three quarters of that: a quarter from its beginning, half from its end.
 * False when it is too long and the file system can't give space back: then it is as it was, and is cut when it ended.
 */
export async function capSpool(path: string, cap: number, how: Pick<Cut, "ended" | "giveBack">): Promise<boolean> {
  const found = await sizesOf(path)
  if (!found) return true
  const { size, onDisk } = found
  const gap = readGap(path, size)
  // The command has emptied its output: what was told of the old one must not hide a part of the new one.
  if (!gap && readGap(path)) await removeGap(path)
  const kept = size - (gap ? gap.to - gap.from : 0)
  if (kept > cap) return await cutSpool(path, { head: cap / 4, tail: cap / 2, ...how })
  // Told, but not done: a process died in between. While it runs the next cut sees to that.
  if (how.ended && gap && onDisk > kept + SLACK) return await takeOut(path, { ...how, gap, before: gap })
  return true
}

/** Leaves the beginning and the end of a spool; nothing when there is nothing between them. False: as for `capSpool`. */
export async function cutSpool(path: string, { head, tail, ...how }: Cut): Promise<boolean> {
  const found = await sizesOf(path)
  if (!found) return true
  const before = readGap(path, found.size)
  const from = Math.min(upToBlock(head), before?.from ?? Number.POSITIVE_INFINITY)
  const to = Math.max(downToBlock(found.size - tail), before?.to ?? 0)
  // The note on what is missing needs a block itself.
  if (to - from < 2 * BLOCK) return true
  return await takeOut(path, { ...how, gap: { from, to }, before })
}

async function takeOut(
  path: string,
  { gap, before, ended, giveBack }: Pick<Cut, "ended" | "giveBack"> & { gap: Gap; before: Gap | undefined },
): Promise<boolean> {
  await writeGap(path, gap)
  if (await punch(path, gap, giveBack ?? (await import("../runtime/punch.ts")).punchHole)) return true
  if (ended) {
    await rewrite(path, gap)
    return true
  }
  // All of it is still there, and is shown.
  if (before) await writeGap(path, before)
  else await removeGap(path)
  return false
}

/** The note, for whoever looks into the file itself, and a hole behind it. */
async function punch(path: string, { from, to }: Gap, giveBack: GiveBack): Promise<boolean> {
  const file = await open(path, "r+")
  try {
    for (let offset = from + BLOCK; offset < to; offset += AT_ONCE) {
      if (!giveBack(file.fd, { offset, length: Math.min(AT_ONCE, to - offset) })) return false
      await new Promise((resolve) => setImmediate(resolve))
    }
    await writeNote(file, { from, to })
    return true
  } finally {
    await file.close()
  }
}

/** A new file that is equal but for the gap, of which a file system that knows holes stores nothing. */
async function rewrite(path: string, { from, to }: Gap): Promise<void> {
  const draft = draftOf(path)
  const old = await open(path, "r")
  try {
    const { size, mode } = await old.stat()
    const fresh = await open(draft, "w", mode)
    try {
      await fresh.truncate(size)
      await copyRange(old, fresh, { from: 0, to: from })
      await copyRange(old, fresh, { from: to, to: size })
      await writeNote(fresh, { from, to })
      await fresh.datasync()
    } finally {
      await fresh.close()
    }
  } finally {
    await old.close()
  }
  await rename(draft, path)
}

async function copyRange(old: FileHandle, fresh: FileHandle, { from, to }: Gap): Promise<void> {
  const buffer = Buffer.allocUnsafe(256 * 1024)
  for (let at = from; at < to; ) {
    const { bytesRead } = await old.read(buffer, 0, Math.min(buffer.length, to - at), at)
    if (bytesRead === 0) return
    await writeAll(fresh, buffer.subarray(0, bytesRead), at)
    at += bytesRead
  }
}

/** Ends within the first block of the gap. */
async function writeNote(file: FileHandle, { from, to }: Gap): Promise<void> {
  const note = `\n[meanwhile: ${to - from} bytes are left out here. They were not kept: the zero bytes up to byte ${to} are no output.]\n`
  const block = Buffer.alloc(Math.min(BLOCK, to - from))
  block.write(note)
  await writeAll(file, block, from)
}

async function writeAll(file: FileHandle, bytes: Buffer, at: number): Promise<void> {
  for (let written = 0; written < bytes.length; )
    written += (await file.write(bytes, written, bytes.length - written, at + written)).bytesWritten
}

async function sizesOf(path: string): Promise<{ size: number; onDisk: number } | undefined> {
  try {
    const { size, blocks } = await stat(path)
    // POSIX: blocks of 512 bytes.
    return { size, onDisk: blocks * 512 }
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined
    throw error
  }
}

function upToBlock(bytes: number): number {
  return Math.ceil(bytes / BLOCK) * BLOCK
}

function downToBlock(bytes: number): number {
  return Math.floor(bytes / BLOCK) * BLOCK
}
