// What many-agents is about, for both sides: each agent reads its way to 60 KB of history, and then streams an answer,
// makes a call, streams the next, for some rounds, while the user asks in between.

export const BEGIN = "Begin"
export const PING = "Ping"
/** Answers with a stream that trickles, of each agent. */
export const ROUNDS = 4
/** The least that such an answer takes. */
export const ANSWER_MS = 2500
/** A trickle: five deltas a second from each agent. */
export const PIECE = { chars: 20, everyMs: 200 }

/** Read shows about 100 characters of each line. */
const LINES = 300
export const READS = [
  { file_path: "large.txt", limit: LINES },
  { file_path: "large.txt", offset: LINES + 1, limit: LINES },
]
export const FILES = {
  "large.txt": Array.from({ length: 2 * LINES }, (_, n) => `${n} ${"what a line of code may look like; ".repeat(3)}`)
    .map((line) => line.slice(0, 95))
    .join("\n"),
  "small.txt": "This is small.\n",
}

/** One request: when it arrived and when its reply was over, in ms since 1970. */
export interface Arrival {
  at: number
  endedAt?: number | null
  /** The agent's number; null for the session with the user. */
  part: number | null
  /** How many answers its conversation had before. */
  step: number
  ping: string | null
}

export type Told =
  | { type: "ready"; env: Record<string, string> }
  | { type: "all-open" }
  /** `openAt`: when all agents had an open stream for the first time. */
  | { type: "report"; arrivals: Arrival[]; openAt: number }
