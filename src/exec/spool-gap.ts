// What is no longer kept of a spool: one part in its middle, told by a small file beside it. That file is written before
// the bytes go, so whoever reads bytes first and this file afterwards knows which of them are true.
import { existsSync, readFileSync } from "node:fs"
import { open, rename, rm } from "node:fs/promises"

/** The bytes from `from` up to, and without, `to`. Offsets in a spool mean the same before and after. */
export interface Gap {
  from: number
  to: number
}

/** Whether a gap is told at all, be it that of an output that the command has emptied since. */
export function hasGap(spool: string): boolean {
  return existsSync(gapFile(spool))
}

/** Undefined when all is kept, or the command has emptied its spool since (`size`: as it is now, where that is known). */
export function readGap(spool: string, size = Number.POSITIVE_INFINITY): Gap | undefined {
  const found = /^gap (\d{1,15}) (\d{1,15})\n$/.exec(textOf(gapFile(spool)))
  if (!found) return undefined
  const gap = { from: Number(found[1]), to: Number(found[2]) }
  return gap.from < gap.to && gap.to <= size ? gap : undefined
}

/** Replaces what was told before, at once and for good. */
export async function writeGap(spool: string, { from, to }: Gap): Promise<void> {
  const path = gapFile(spool)
  const draft = draftOf(path)
  const file = await open(draft, "w", 0o600)
  try {
    await file.writeFile(`gap ${from} ${to}\n`)
    await file.datasync()
  } finally {
    await file.close()
  }
  await rename(draft, path)
}

export async function removeGap(spool: string): Promise<void> {
  await rm(gapFile(spool), { force: true })
}

/** How the gap is told where output is shown: a line of its own. */
export function gapNote({ from, to }: Gap): string {
  return `… ${to - from} bytes left out: not kept (bytes ${from} to ${to}) …`
}

function gapFile(spool: string): string {
  return `${spool.replace(/\.out$/, "")}.gap`
}

let drafts = 0

/** A name for the next version of a file: of this process and moment alone. What a dead one leaves is removed later. */
export function draftOf(path: string): string {
  return `${path}.${process.pid}${++drafts}`
}

/** Synchronous, because it is one line; "" when there is none. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "latin1")
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return ""
    throw error
  }
}
