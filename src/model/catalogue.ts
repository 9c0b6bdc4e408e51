// What is known about a model: how much it takes in and gives out, and what it can do. No number is kept here. Context
// windows come from the price library's data, output limits and abilities from the catalogues that the client libraries
// bring (all offline, with exact versions), and the user's settings go above both. What nobody knows is assumed
// carefully, and said to be assumed.
import type { ModelSettings } from "../base/settings-file.ts"
import { builtinProvider, type Protocol, splitId } from "./provider-table.ts"

export interface ModelFacts {
  /** Tokens of input and output together. */
  contextWindow: number
  /** The most tokens that one answer can have. */
  maxOutputTokens: number
  images: boolean
  pdf: boolean
  reasoning: boolean
  tools: boolean
  /** Which of the above nobody told, so that they are only assumed. */
  assumed: readonly (keyof Known)[]
}

type Known = Omit<ModelFacts, "assumed">

export interface CatalogueSettings {
  /** By `provider/model`. */
  models?: Readonly<Record<string, ModelSettings>> | undefined
  /** The user's own providers. */
  providers?: Readonly<Record<string, { kind: Protocol }>> | undefined
}

/** A window that nearly every model has by now. */
const ASSUMED_WINDOW = 128_000
/** Of an answer: a long file fits, and a quarter of a small window is left for it. */
const ASSUMED_OUTPUT = 32_000

/** `id`: as in `provider/model`. Imports a catalogue: 5 ms where the provider's client library is loaded, else 40. */
export async function factsOf(id: string, { models = {}, providers = {} }: CatalogueSettings): Promise<ModelFacts> {
  const { provider, model } = splitId(id)
  const kind = builtinProvider(provider)?.kind ?? providers[provider]?.kind
  const maker = makerOf({ provider, kind, model })
  const library = maker ? await CATALOGUES[maker.name](maker.model) : {}
  // Another server of the same protocol has the maker's models, with their windows if not at their prices.
  const contextWindow = await windowOf(priceProvider(maker?.name ?? provider), maker?.model ?? model)
  const { price: _price, ...own } = models[id] ?? {}
  const known: Partial<Known> = { ...library, ...(contextWindow && { contextWindow }), ...own }
  const window = known.contextWindow ?? ASSUMED_WINDOW
  const assumed: Known = {
    contextWindow: window,
    maxOutputTokens: Math.min(ASSUMED_OUTPUT, Math.floor(window / 4)),
    // A model that cannot see fails on every later request too, since the picture stays in the conversation.
    images: maker !== undefined,
    pdf: false,
    reasoning: maker !== undefined,
    tools: true,
  }
  const facts = { ...assumed, ...known }
  return {
    ...facts,
    maxOutputTokens: Math.min(facts.maxOutputTokens, window),
    assumed: (Object.keys(assumed) as (keyof Known)[]).filter((name) => known[name] === undefined),
  }
}

/** The price library's name for a provider. */
export function priceProvider(provider: string): string {
  return provider === "bedrock" ? "aws" : provider
}

async function windowOf(provider: string, model: string): Promise<number | undefined> {
  const { calcPrice, findProvider } = await import("@pydantic/genai-prices")
  // Its search takes a part of a name for the whole: "my-openai-proxy" is not OpenAI.
  if (findProvider({ providerId: provider })?.id !== provider) return undefined
  return calcPrice({ input_tokens: 0 }, model, { providerId: provider })?.model.context_window
}

type MakerName = "anthropic" | "openai" | "google"

/** Who made a model, whoever serves it. */
function makerOf({ provider, kind, model }: { provider: string; kind: Protocol | undefined; model: string }) {
  if (kind === "anthropic" || kind === "openai" || kind === "google") return { name: kind as MakerName, model }
  const claude = /(?:^|\.)anthropic\.(claude-.+)/.exec(model)?.[1]
  if (kind === "bedrock") return claude ? { name: "anthropic" as const, model: claude } : undefined
  const [, name, rest] = /^(anthropic|openai|google)\/(.+)$/.exec(model) ?? []
  if (provider !== "openrouter" || !name || !rest) return undefined
  // OpenRouter writes `claude-sonnet-5.5`, Anthropic `claude-sonnet-5-5`.
  return { name: name as MakerName, model: name === "anthropic" ? rest.replace(/(\d)\.(\d)/g, "$1-$2") : rest }
}

const CATALOGUES: Readonly<Record<MakerName, (model: string) => Promise<Partial<Known>>>> = {
  anthropic: async (model) => {
    const { getAnthropicLanguageModelEntry } = await import("@ai-sdk/anthropic/internal")
    const { capabilities, requestConfig } = getAnthropicLanguageModelEntry(model)
    const { knownModel, maxOutputTokens } = requestConfig.language
    return { ...abilities(capabilities.language), ...(knownModel && { maxOutputTokens }) }
  },
  openai: async (model) => {
    const { openaiModelCatalog } = await import("@ai-sdk/openai/internal")
    const dated = model.replace(/-\d{4}-\d{2}-\d{2}$/, "")
    return abilities((openaiModelCatalog[model] ?? openaiModelCatalog[dated])?.capabilities.language)
  },
  google: async (model) => {
    const { getGoogleLanguageModelEntry } = await import("@ai-sdk/google/internal")
    const { capabilities, requestConfig } = getGoogleLanguageModelEntry(model)
    const listed = capabilities.language.inputs.image !== "unknown"
    const maxOutputTokens = requestConfig.language.reasoningMaxOutputTokens
    return { ...abilities(capabilities.language), ...(listed && { maxOutputTokens }) }
  },
}

/** `true`, `false`, "unknown", or under a condition. */
type Ability = boolean | "unknown" | { condition: string }

interface Abilities {
  inputs: { image: Ability }
  tools: { usage: Ability }
  reasoning: { support: Ability }
}

function abilities(language: Abilities | undefined): Partial<Known> {
  if (!language) return {}
  const told = { images: language.inputs.image, tools: language.tools.usage, reasoning: language.reasoning.support }
  const known = Object.entries(told).flatMap(([name, ability]) =>
    ability === "unknown" ? [] : [[name, ability !== false] as const],
  )
  return Object.fromEntries(known)
}
