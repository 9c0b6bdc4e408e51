// The model for small requests beside a conversation, such as a title or what its memory keeps: the cheapest suited one
// of the same provider, so that nothing is sent to anybody who would not see it anyway. What nobody knows is not
// guessed: then it is the session's own model.
import { factsOf } from "./catalogue.ts"
import { builtinProvider, type ProviderRow, splitId } from "./provider-table.ts"
import { type ProviderSettings, resolveModel } from "./providers.ts"

export interface SmallModelSettings extends ProviderSettings {
  /** The user's choice, as in `--model`. */
  small?: string | undefined
}

/** `id`: the session's own, as stored. The scout is its own small model. Throws a UserError when the choice is none. */
export async function smallModelOf(id: string, settings: SmallModelSettings): Promise<string> {
  if (id === "scout") return id
  if (settings.small !== undefined) return resolveModel(settings.small, settings).id
  const { provider, model } = splitId(id)
  const row = builtinProvider(provider)
  if (row?.kind === "anthropic") return (await smallAtAnthropic(row, id, settings)) ?? id
  if (row?.kind === "bedrock") return `${provider}/${smallOnBedrock(model)}`
  if (row?.kind === "openai" || row?.kind === "google") {
    const generation = generationOf(model)
    const fits = (other: string) => generation !== undefined && generationOf(other) === generation
    return (await cheapestOf(row, { id, fits }, settings)) ?? id
  }
  return id
}

/** What "haiku" stands for; while nobody knows what that costs, the cheapest one of which it is known. */
async function smallAtAnthropic(row: ProviderRow, id: string, settings: ProviderSettings): Promise<string | undefined> {
  const haiku = row.aliases?.haiku
  if (haiku === undefined) return undefined
  const { calcPrice } = await import("@pydantic/genai-prices")
  const isPriced = settings.models?.[`${row.name}/${haiku}`]?.price || calcPrice(USUAL, haiku, { providerId: row.name })
  if (isPriced) return `${row.name}/${haiku}`
  const known = await cheapestOf(row, { id, fits: (model) => /haiku/.test(model) }, settings)
  return known ?? `${row.name}/${haiku}`
}

/** The same maker's, for the same region: `us.anthropic.claude-…`. Of the others no names are known here. */
function smallOnBedrock(model: string): string {
  const haiku = builtinProvider("anthropic")?.aliases?.haiku
  const [, before] = /^((?:[a-z-]+\.)?anthropic\.)claude-/.exec(model) ?? []
  return before && haiku ? before + haiku : model
}

/** A request as they are asked here: much to read, little to say. */
const USUAL = { input_tokens: 10_000, output_tokens: 1_000 }
/** What a memory and the messages that it takes in need. */
const LEAST_WINDOW = 64_000

/** Undefined where there is none that is known to be cheaper. */
async function cheapestOf(
  row: ProviderRow,
  { id, fits }: { id: string; fits(model: string): boolean },
  settings: ProviderSettings,
): Promise<string | undefined> {
  const { calcPrice, findProvider } = await import("@pydantic/genai-prices")
  const priceOf = (model: string) => calcPrice(USUAL, model, { providerId: row.name })?.total_price
  const limit = priceOf(splitId(id).model)
  if (limit === undefined) return undefined
  const cheaper = (findProvider({ providerId: row.name })?.models ?? [])
    .filter(({ id: model }) => row.owns?.test(model) && fits(model) && !SPECIAL.test(model))
    .map(({ id: model }) => ({ id: `${row.name}/${model}`, price: priceOf(model) }))
    .filter((one): one is { id: string; price: number } => one.price !== undefined && one.price < limit)
    .sort((a, b) => a.price - b.price || b.id.localeCompare(a.id, "en", { numeric: true }))
  for (const { id: model } of cheaper) {
    const { assumed, contextWindow } = await factsOf(model, settings)
    // A name that only the price list has may be a family's, or an old one: the client library does not know it.
    if (!assumed.includes("tools") && !assumed.includes("contextWindow") && contextWindow >= LEAST_WINDOW) return model
  }
  return undefined
}

/** Family and main number, "gpt-6": cheaper ones of older generations may be about to go. */
function generationOf(model: string): string | undefined {
  return /^([a-z]+-\d+)(?![\d])/.exec(model)?.[1]
}

/** Made for something else than reading and writing text. */
const SPECIAL = /image|audio|tts|live|embedding|transcribe|realtime|search|codex/
