// What is said to and by a model, in our own form: rows hold it, providers translate it. Parts are stored as JSON.

/** Opaque to us: what a provider wants back with a part (a reasoning signature, a thought id), by provider name. */
export type ProviderData = Record<string, Record<string, unknown>>

export type UserPart = { type: "text"; text: string } | { type: "image"; mediaType: string; data: string }

export type AssistantPart =
  | { type: "text"; text: string; provider?: ProviderData }
  | { type: "reasoning"; text: string; provider?: ProviderData }
  | ToolCallPart

/** `input` is what the model wrote, parsed when it was JSON, else the raw string (the tool then says how to mend it). */
export type ToolCallPart = { type: "tool-call"; callId: string; name: string; input: unknown; provider?: ProviderData }

export type ToolResultPart = {
  type: "tool-result"
  callId: string
  name: string
  content: UserPart[]
  isError: boolean
}

/** Results answer every call of the assistant message right before them, each once, in the calls' order. */
export type ModelMessage =
  | { role: "user"; content: UserPart[] }
  | { role: "assistant"; content: AssistantPart[] }
  | { role: "tool"; content: ToolResultPart[] }

export interface ToolSpec {
  name: string
  description: string
  /** JSON Schema (draft 2020-12) of the input object. */
  schema: Record<string, unknown>
}
