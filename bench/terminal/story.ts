// What the terminal's rows are about, for both sides.

/** 50 tasks in the background: agents that stream and call a tool all the time, and shells that print: no more run at once. */
export const AGENTS = 34
export const SHELLS = 16
/** Once a second, and not for ever: whatever becomes of who started it. */
export const SHELL = "for i in $(seq 1 180); do echo compiling module $i; sleep 1; done"

/** An answer of an agent: two pieces in a second, and after four seconds a call. */
export const PIECE = "Looking at the next piece of it, which says what has to be done."
export const PIECE_CHARS = 8
export const PIECE_MS = 500
export const SMALL = "small.txt"

/** 100 tokens of four characters a second. */
export const TOKEN_CHARS = 4
export const TOKEN_MS = 10

/** Prompts. */
export const BUSY = "Start everything"
/** So many of the agents, and then no long answer. */
export const FEW = /Start (\d+) agents/
/** Answered with some 2,000 characters. */
export const ABOUT = /Tell me about part (\d+)$/
/** A command for the background. */
export const LATER = /Run this: (.+)$/

export type Told =
  | { type: "ready"; env: Record<string, string> }
  /** A request of the user's own conversation arrived; `at` in ms since 1970. */
  | { type: "request"; at: number; text: string }
