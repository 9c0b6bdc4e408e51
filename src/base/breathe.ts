// Many agents in one process: each piece of work is short, but what follows from a piece without a real wait runs right
// behind it, and a hundred of them would keep keys, timers and answers waiting for a second. Who is about to do a piece
// of work of half a millisecond or more asks here first: one piece each time round the event loop, in their order.

type Who = "user" | "agent"

const waiting: Record<Who, (() => void)[]> = { user: [], agent: [] }
let isTaken = false

/**
 * Resolves when it is this piece's turn; undefined when that is now. `user`: somebody looks at this, it comes before
 * the others.
 */
export function breathe(who: Who): Promise<void> | undefined {
  if (!isTaken) {
    isTaken = true
    setImmediate(next)
    return undefined
  }
  const { promise, resolve } = Promise.withResolvers<void>()
  waiting[who].push(resolve)
  return promise
}

function next(): void {
  const resolve = waiting.user.shift() ?? waiting.agent.shift()
  isTaken = resolve !== undefined
  if (!resolve) return
  setImmediate(next)
  resolve()
}
