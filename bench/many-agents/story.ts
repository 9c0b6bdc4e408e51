// What many-agents is about, for both sides: each agent reads its way to 60 KB of history, and then streams an answer
// and makes a call, three times, while the user asks in between. The first answers end when all have one.

export const BEGIN = "Begin"
export const PING = "Ping"
/** Answers with a stream that trickles, of each agent, and as many calls. */
export const ROUNDS = 3
/** The least that such an answer has, and up to ten more, so that the agents do not go on in step with each other. */
export const PIECES = 13
export const PIECE_CHARS = 20

/**
 * Between two pieces: five of them a second from each agent; of more than 200 agents each is as much slower, so that
 * the work that comes in a second is the same, and that of each agent, and only their number is another.
 */
export function pieceEveryMs(agents: number): number {
  return Math.max(200, agents)
}

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
  /** Agents whose end this request tells of. */
  told: number[]
}

export type Told =
  | { type: "ready"; env: Record<string, string> }
  | { type: "all-open" }
  | ({ type: "report" } & ServerReport)

export interface ServerReport {
  arrivals: Arrival[]
  /** When all agents had an open stream for the first time. */
  openAt: number
  /** The most streams that were open at once. */
  open: number
  /** The server's own processor time, and the time that it all took. */
  cpuMs: number
  wallMs: number
}
