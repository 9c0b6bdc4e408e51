// Many agents in one process: each piece of work is short, but what follows from a piece without a real wait runs right
// behind it, and a hundred of them would keep keys, timers and answers waiting for a second. Who is about to do a piece
// of work of half a millisecond or more asks here first: a few pieces each time round the event loop, in their order.

type Who = "user" | "agent"

/** Once so much of a turn is used no further piece begins in it: what comes in from outside has its turn. */
const TURN_MS = 3
/** The most pieces of one turn. With one alone, a thousand open streams leave too few turns for what they lead to. */
const TURN_PIECES = 16

const waiting: Record<Who, (() => void)[]> = { user: [], agent: [] }
let isTaken = false
/** Pieces that the next turn has room for. */
let places = 0
/** When this turn's time is over, which begins with its first piece: a turn without any would be a lost one. */
let end: number | undefined

/**
 * Resolves when it is this piece's turn; undefined when that is now. `user`: somebody looks at this, it comes before
 * the others.
 */
export function breathe(who: Who): Promise<void> | undefined {
  if (!isTaken) {
    take()
    return undefined
  }
  const { promise, resolve } = Promise.withResolvers<void>()
  waiting[who].push(resolve)
  makeRoom()
  return promise
}

function take(): void {
  isTaken = true
  setImmediate(turn)
}

/** What is asked for in a turn is called in the next one, in this order; what follows from a piece runs before the next. */
function makeRoom(): void {
  if (!isTaken) take()
  if (places >= TURN_PIECES) return
  places++
  setImmediate(piece)
}

function turn(): void {
  isTaken = places > 0
  places = 0
  end = undefined
  if (isTaken) setImmediate(turn)
}

function piece(): void {
  const now = performance.now()
  end ??= now + TURN_MS
  const resolve = now < end ? (waiting.user.shift() ?? waiting.agent.shift()) : undefined
  resolve?.()
  if (waiting.user.length + waiting.agent.length > 0) makeRoom()
}
