// Many agents in one process: each piece of work is short, but what follows from a piece without a real wait runs right
// behind it, and a hundred of them would keep keys, timers and answers waiting for a second. Who is about to do a piece
// of work of a millisecond or more asks here first, and gets its turn at once, or in order when others are waiting.

/** How long pieces may follow each other before the event loop gets its chance. */
const SLICE_MS = 4

const waiting: Record<"user" | "agent", (() => void)[]> = { user: [], agent: [] }
let sliceEnd = 0
let isBusy = false

/**
 * Resolves when it is this piece's turn; undefined when that is now (not awaiting it then keeps the work in one go).
 * `user`: somebody is looking at this, it comes before the others.
 */
export function breathe(who: "user" | "agent"): Promise<void> | undefined {
  if (!isBusy) {
    isBusy = true
    sliceEnd = performance.now() + SLICE_MS
    setImmediate(next)
    return undefined
  }
  if (isFree(who) && performance.now() < sliceEnd) return undefined
  const { promise, resolve } = Promise.withResolvers<void>()
  waiting[who].push(resolve)
  return promise
}

function isFree(who: "user" | "agent"): boolean {
  return waiting.user.length === 0 && (who === "user" || waiting.agent.length === 0)
}

/** One at a time: what it does is over when the event loop comes back here. */
function next(): void {
  const resolve = waiting.user.shift() ?? waiting.agent.shift()
  if (!resolve) {
    isBusy = false
    return
  }
  sliceEnd = performance.now() + SLICE_MS
  setImmediate(next)
  resolve()
}
