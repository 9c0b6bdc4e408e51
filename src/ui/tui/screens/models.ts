// Which model answers: what can be had, what this machine serves, and how more is added. The list is there at once and
// grows as servers answer and catalogues are read.
import { stripControl, visible } from "../../../base/escape.ts"
import { oneLine, tokens } from "../../../base/text.ts"
import { type KnownModel, knownModels, type ProviderChoice, providerChoices } from "../../../model/choices.ts"
import { findLocalModels, type LocalServerFound } from "../../../model/local-models.ts"
import type { Program } from "../../../program.ts"
import { type Pick, PickCard } from "../cards/pick.ts"
import type { Stage } from "../pane.ts"

export interface ModelCardParts {
  stage: Stage
  desk: Program["models"]
  /** A name of a model: the host looks whether there is such a one. */
  chosen(name: string): void
  cancelled(): void
  failed(what: string, error: unknown): void
}

export function modelCard(parts: ModelCardParts): PickCard {
  const { stage, desk, chosen, failed } = parts
  const choices = providerChoices(desk.settings)
  const known: KnownModel[] = []
  const servers: LocalServerFound[] = []
  const state = { isLooking: true }
  const picks = () =>
    picksOf({ choices, known, servers, ...state }, { current: stage.view.session.model, file: desk.file })
  const card = new PickCard({
    theme: stage.theme,
    title: "Which model answers?",
    picks: picks(),
    takesText: true,
    isSteady: true,
    picked: (id) => {
      const server = servers.find((one) => one.isNew && id.startsWith(`${one.provider}/`))
      if (!server) return chosen(id)
      try {
        const { provider, baseURL } = server
        desk.addProvider(provider, { kind: "openai-compatible", baseURL })
        chosen(id)
        stage.say(`Added to ${desk.file}: providers.${provider}, at ${baseURL}`)
      } catch (error) {
        failed("a provider could not be added", error)
        stage.say(error instanceof Error ? error.message : String(error), "error")
      }
    },
    cancelled: parts.cancelled,
  })
  const more = () => {
    card.picks = picks()
    stage.requestRender()
  }
  const local = findLocalModels(desk.settings, (server) => {
    servers.push(server)
    more()
  })
  const listed = (async () => {
    const providers = choices.filter(({ lacks }) => !lacks).map(({ provider }) => provider)
    for await (const models of knownModels(providers, desk.settings)) {
      known.push(...models)
      more()
    }
  })()
  local
    .finally(() => {
      state.isLooking = false
      more()
    })
    .catch((error) => failed("looking for local model servers failed", error))
  listed.catch((error) => failed("reading the catalogues of models failed", error))
  return card
}

/** Has the session go on with a model; false, with a word why, when there is no such one or it can't be asked. */
export function chooseModel(stage: Stage, desk: Program["models"], name: string): boolean {
  try {
    const id = desk.idOf(name)
    const lacks = providerChoices(desk.settings).find(({ provider }) => id.startsWith(`${provider}/`))?.lacks
    if (lacks) stage.say(`${oneLine(visible(id), 60)} needs a key: set ${lacks} before the program starts.`, "error")
    else stage.control({ action: "change", model: id })
    return lacks === undefined
  } catch (error) {
    // The rest says what there is, and the list shows that.
    const [first = ""] = (error instanceof Error ? error.message : String(error)).split(/(?<=\.) /)
    stage.say(first, "error")
    return false
  }
}

interface Found {
  choices: readonly ProviderChoice[]
  known: readonly KnownModel[]
  servers: readonly LocalServerFound[]
  isLooking: boolean
}

/** Each model once, by provider; then how one comes to more. */
export function picksOf(
  { choices, known, servers, isLooking }: Found,
  { current, file }: { current: string; file: string },
): Pick[] {
  const listed = new Set<string>()
  const pick = (id: string, about: string): Pick[] => {
    if (listed.has(id)) return []
    listed.add(id)
    return [{ id, label: visible(id), about: stripControl(about), isCurrent: id === current }]
  }
  const note = (label: string, about: string): Pick => ({ id: `note:${label}`, label, about, isNote: true })
  const factsOf = (id: string) => {
    const facts = known.find((one) => one.id === id)?.facts
    return facts ? [`${window(facts.contextWindow)} context`] : []
  }
  const ready = choices
    .filter(({ lacks }) => !lacks)
    .flatMap(({ provider, models, keyFrom, address }): Pick[] => {
      const served = servers.filter((server) => !server.isNew && server.provider === provider)
      const from = [...(keyFrom ? [keyFrom] : []), ...(address ? [visible(address)] : [])].join(" · ")
      const named = models.flatMap(({ id, names }) => pick(id, [...factsOf(id), ...names].join(" · ")))
      const running = served.flatMap(({ models: ids }) =>
        ids.flatMap((model) => pick(`${provider}/${model}`, "runs here")),
      )
      const others = known.flatMap(({ id }) => (id.startsWith(`${provider}/`) ? pick(id, factsOf(id).join()) : []))
      const all = [...named, ...running, ...others]
      const hint = all.length === 0 ? [note(`  ${provider}/MODEL`, "type the model's name")] : []
      return [note(provider, from), ...all, ...hint]
    })
  const found = servers
    .filter(({ isNew }) => isNew)
    .flatMap(({ title, baseURL, provider, models }): Pick[] => {
      const rows = models.flatMap((model) =>
        pick(`${provider}/${model}`, "choosing it adds the server to your settings"),
      )
      return [note(`${title}, on this machine`, baseURL), ...rows]
    })
  const current_ = current === "scout" ? [] : pick(current, "")
  const lacking = choices.flatMap(({ provider, lacks }) =>
    lacks ? [note(`  ${provider.padEnd(12)}`, `set ${lacks}`)] : [],
  )
  return [
    ...ready,
    ...found,
    ...current_,
    ...(isLooking ? [note("looking for model servers on this machine …", "")] : []),
    note("without a model", ""),
    ...pick("scout", "the offline stand-in: not a language model"),
    note("To add one", `a variable, before the program starts; or "providers" in ${file}`),
    ...lacking,
    note("  Ollama, LM Studio, llama.cpp, vLLM", "start one on this machine, and it is listed here"),
  ]
}

function window(count: number): string {
  return count >= 1_000_000 ? `${Math.floor(count / 100_000) / 10}M` : tokens(count).replace(".0k", "k")
}
