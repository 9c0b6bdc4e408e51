// How much a model takes in and gives out. Context windows come from the price library's data, output limits (which it
// lacks) and what is newer than it from the table here. What nobody knows gets limits that most models have.

export interface Limits {
  /** Tokens of input and output together. */
  contextWindow: number
  maxOutputTokens: number
}

interface Row {
  match: RegExp
  maxOutputTokens: number
  contextWindow?: number
}

/** First match wins. Sources: the providers' model pages, November 2026. */
const ROWS: readonly Row[] = [
  {
    match: /^claude-(opus|sonnet|haiku|fable|mythos)-([5-9]|4-[678])/,
    maxOutputTokens: 128_000,
    contextWindow: 1_000_000,
  },
  {
    match: /^claude-(haiku|sonnet|opus)-4-5|^claude-sonnet-4|^claude-3-7/,
    maxOutputTokens: 64_000,
    contextWindow: 200_000,
  },
  { match: /^claude-opus-4/, maxOutputTokens: 32_000, contextWindow: 200_000 },
  { match: /^claude-3-5/, maxOutputTokens: 8_192, contextWindow: 200_000 },
  { match: /^claude-/, maxOutputTokens: 4_096, contextWindow: 200_000 },
  { match: /^gpt-[5-9]/, maxOutputTokens: 128_000, contextWindow: 400_000 },
  { match: /^o\d/, maxOutputTokens: 100_000, contextWindow: 200_000 },
  { match: /^gpt-4\.1/, maxOutputTokens: 32_768, contextWindow: 1_000_000 },
  { match: /^gpt-4o/, maxOutputTokens: 16_384, contextWindow: 128_000 },
]

const UNKNOWN: Limits = { contextWindow: 128_000, maxOutputTokens: 8_192 }

/** The most tokens that one answer of the model can have. */
export function maxOutputOf(model: string): number {
  return rowOf(model)?.maxOutputTokens ?? UNKNOWN.maxOutputTokens
}

export async function limitsOf(provider: string, model: string): Promise<Limits> {
  const { calcPrice } = await import("@pydantic/genai-prices")
  const known = calcPrice({ input_tokens: 0 }, model, { providerId: provider })?.model.context_window
  const contextWindow = known ?? rowOf(model)?.contextWindow ?? UNKNOWN.contextWindow
  return { contextWindow, maxOutputTokens: Math.min(maxOutputOf(model), contextWindow) }
}

function rowOf(model: string): Row | undefined {
  return ROWS.find((row) => row.match.test(model))
}
