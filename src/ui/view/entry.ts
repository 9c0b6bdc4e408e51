// What a conversation is made of, as it is shown: one entry for each thing that was said or done, in order. An entry is
// never changed, only replaced: whoever has laid one out may keep the lines as long as it is the same object.
import type { TaskItem } from "./task-item.ts"

export type Entry = PromptEntry | TextEntry | ReasoningEntry | CallEntry | WakeEntry | NoteEntry

/** What the user said, or, in an agent's session, who gave it its work. */
export interface PromptEntry {
  type: "prompt"
  id: string
  text: string
  /** How many images came with it. */
  images: number
  from: "human" | "peer" | "task"
  at: number
}

/** What the model said: markdown. */
export interface TextEntry {
  type: "text"
  id: string
  text: string
  /** It is still coming. */
  isStreaming: boolean
  at: number
}

export interface ReasoningEntry {
  type: "reasoning"
  id: string
  text: string
  isStreaming: boolean
  at: number
}

/** `writing`: the model has begun to write the call. `interrupted`: the turn ended before it did. */
export type CallState = "writing" | "pending" | "running" | "done" | "failed" | "denied" | "interrupted"

export interface CallEntry {
  type: "call"
  /** Our own id of the call; that of a draft while it is written. */
  id: string
  tool: string
  /** What the model gave it: an object, unless the model erred. */
  input: unknown
  state: CallState
  /** The text of its result; "" before. */
  output: string
  /** What the tool says of its result to interfaces, such as a diff. */
  data: Readonly<Record<string, unknown>>
  /** Ids of the messages, steps and tasks that it belongs to. */
  stepId: string
  startedAt: number | null
  endedAt: number | null
  /** The task that it started, as it is now. */
  task: TaskItem | undefined
  at: number
}

/** Tasks that ended woke the model. Never the user's words. */
export interface WakeEntry {
  type: "wake"
  id: string
  /** What they are called, with how they ended. */
  tasks: readonly { id: string; title: string; state: string }[]
  at: number
}

/** A word of the program's own. */
export interface NoteEntry {
  type: "note"
  id: string
  tone: "info" | "warning" | "error"
  text: string
  at: number
}
