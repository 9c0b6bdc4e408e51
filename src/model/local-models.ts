// Model servers on this machine: asked on the ports that they usually have, which models they serve. Only 127.0.0.1 and
// what the user has configured there is asked, only when somebody wants to choose, and never through a proxy: node:http
// does not look for one, as fetch would.
import type { Env, ProviderSettings } from "./providers.ts"

export interface LocalServerFound {
  /** What it is called as a provider; not in the settings yet where `isNew`. */
  provider: string
  isNew: boolean
  /** What people call it. */
  title: string
  /** With `/v1`. */
  baseURL: string
  models: readonly string[]
}

interface Candidate {
  title: string
  name: string
  host: string
  port: number
}

const USUAL: readonly Candidate[] = [
  { title: "Ollama", name: "ollama", host: "127.0.0.1", port: 11434 },
  { title: "LM Studio", name: "lmstudio", host: "127.0.0.1", port: 1234 },
  { title: "llama.cpp", name: "llamacpp", host: "127.0.0.1", port: 8080 },
  { title: "vLLM", name: "vllm", host: "127.0.0.1", port: 8000 },
]
const LIMIT_MS = 300
const LARGEST_LIST = 1024 * 1024
const MOST_MODELS = 200

/** Calls `found` for each server that answers in time with a list of models; resolves when all have been asked. */
export async function findLocalModels(
  settings: Pick<ProviderSettings, "env" | "providers">,
  found: (server: LocalServerFound) => void,
): Promise<void> {
  await Promise.all(
    candidates(settings).map(async (candidate) => {
      const models = await modelsAt(candidate)
      if (models.length > 0) found({ ...naming(candidate, settings), models })
    }),
  )
}

/** The usual ones, Ollama where its own variable says that it is, and the user's providers on this machine. */
function candidates({ env, providers = {} }: Pick<ProviderSettings, "env" | "providers">): Candidate[] {
  const own = Object.entries(providers).flatMap(([name, { kind, baseURL, apiKeyEnv }]): Candidate[] => {
    const url = kind === "openai-compatible" && !apiKeyEnv ? loopback(baseURL) : undefined
    return url ? [{ title: name, name, host: url.hostname, port: Number(url.port || 80) }] : []
  })
  const ollama = ollamaAt(env)
  const usual = ollama ? USUAL.map((one) => (one.name === "ollama" ? { ...one, ...ollama } : one)) : USUAL
  const all = [...own, ...usual]
  return all.filter(({ port }, i) => all.findIndex((other) => other.port === port) === i)
}

/** https://docs.ollama.com/faq: `OLLAMA_HOST` is "host:port", ":port" or an address. Only on this machine. */
function ollamaAt({ OLLAMA_HOST: host }: Env): { port: number } | undefined {
  if (!host) return undefined
  const url = URL.parse(/^https?:\/\//.test(host) ? host : `http://${host.startsWith(":") ? `127.0.0.1${host}` : host}`)
  const isHere = url && /^(?:localhost|127\.0\.0\.1|0\.0\.0\.0)$/.test(url.hostname)
  return isHere && url.port !== "" ? { port: Number(url.port) } : undefined
}

/** An address of plain HTTP on this machine; anything else is not asked. */
function loopback(address: string): URL | undefined {
  const url = URL.parse(address)
  if (url?.protocol !== "http:" || !/^(?:localhost|127\.0\.0\.1)$/.test(url.hostname)) return undefined
  return /^\/v1\/?$/.test(url.pathname) ? url : undefined
}

/** A provider of the user's with that address, or the name that it is going to have. */
function naming(
  { title, name, host, port }: Candidate,
  { providers = {} }: Pick<ProviderSettings, "providers">,
): Omit<LocalServerFound, "models"> {
  const baseURL = `http://${host}:${port}/v1`
  const known = Object.entries(providers).find(([, one]) => Number(loopback(one.baseURL)?.port || 80) === port)
  if (known && loopback(known[1].baseURL)) return { title, provider: known[0], isNew: false, baseURL }
  let provider = name
  for (let n = 2; provider in providers; n++) provider = `${name}-${n}`
  return { title, provider, isNew: true, baseURL }
}

/** None when nothing answers, or something else than a list of models does. */
async function modelsAt({ host, port }: Candidate): Promise<string[]> {
  const { request } = await import("node:http")
  const { promise, resolve } = Promise.withResolvers<string[]>()
  const signal = AbortSignal.timeout(LIMIT_MS)
  const none = () => resolve([])
  const asking = request({ host, port, path: "/v1/models", agent: false, signal }, (response) => {
    const chunks: Buffer[] = []
    let bytes = 0
    response.on("data", (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > LARGEST_LIST) response.destroy()
      else chunks.push(chunk)
    })
    response.on("end", () => resolve(response.statusCode === 200 ? idsOf(Buffer.concat(chunks).toString()) : []))
    response.on("error", none)
    response.on("close", none)
  })
  asking.on("error", none)
  signal.addEventListener("abort", none, { once: true })
  asking.end()
  return promise
}

/** As OpenAI's API lists them: `{"data": [{"id": "…"}]}`. */
function idsOf(text: string): string[] {
  let list: unknown
  try {
    list = JSON.parse(text)
  } catch {
    return []
  }
  const data = typeof list === "object" && list !== null && "data" in list && Array.isArray(list.data) ? list.data : []
  const ids = data.flatMap((entry: unknown) => {
    const id = typeof entry === "object" && entry !== null && "id" in entry ? entry.id : undefined
    // What has other characters in it is no model's name, whoever answers there.
    return typeof id === "string" && /^[\x21-\x7e]{1,200}$/.test(id) ? [id] : []
  })
  return [...new Set(ids)].slice(0, MOST_MODELS)
}
