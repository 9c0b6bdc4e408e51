// What a shell's task has written, in bounded parts: the spool is never read whole.
import { grepSpool, readRange, readTail } from "../exec/spool.ts"
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
  if (grep !== undefined) return grepSpool(run.spool, new RegExp(grep))
  return offset === undefined ? readTail(run.spool, LOOK_BYTES) : readRange(run.spool, offset, LOOK_BYTES)
}
