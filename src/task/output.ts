// What a shell's task has written, in bounded parts: the spool is never read whole. What is no longer kept is said.
import { existsSync } from "node:fs"
import { grepSpool, readRange, readTail } from "../exec/spool.ts"
import { readGap } from "../exec/spool-gap.ts"
import type { RunRow } from "../store/rows.ts"

/** The most that one look returns. */
export const LOOK_BYTES = 24 * 1024

export interface Look {
  /** Byte to begin at; without it, the end of the output. */
  offset?: number | undefined
  /** Only lines that match this regular expression. */
  grep?: string | undefined
}

/** Throws a SyntaxError when `grep` is no regular expression. */
export async function readOutput(run: RunRow, { offset, grep }: Look): Promise<string> {
  if (!run.spool) return ""
  const pattern = grep === undefined ? undefined : new RegExp(grep)
  const gone = removedOutput(run)
  if (gone) return `${gone}\n${run.tail}`
  if (pattern) return grepSpool(run.spool, pattern)
  return offset === undefined ? readTail(run.spool, LOOK_BYTES) : readRange(run.spool, offset, LOOK_BYTES)
}

/** How much a task has written, and whether some of it is no longer there; "" when it has no output of its own. */
export function outputSize(run: RunRow): string {
  if (!run.spool) return ""
  if (removedOutput(run)) return `${run.bytes} bytes, no longer kept but for the end`
  const gap = readGap(run.spool, run.bytes)
  if (!gap) return `${run.bytes} bytes`
  return `${run.bytes} bytes, of which ${gap.to - gap.from} in the middle were not kept (${gap.from} to ${gap.to})`
}

/** What is said in the place of output that was removed some time after its end; undefined when it is there. */
export function removedOutput(run: RunRow): string | undefined {
  if (!run.spool || run.bytes === 0 || existsSync(run.spool)) return undefined
  return `… its output of ${run.bytes} bytes is no longer kept; this is the end of it: …`
}
