// `fetch` for a client library, with what no library does: our name, no redirects (they would carry the key to another
// host), a limit on what one answer may be, and a word when what answers is not the API of a model.
import { breathe } from "../base/breathe.ts"
import { version } from "../base/version.ts"
import type { Connection } from "./connection.ts"
import { type Endpoint, saidBy } from "./errors.ts"
import { ModelError } from "./model.ts"

/** The longest answers of models, event by event, are a third of it. */
const LARGEST_ANSWER = 128 * 1024 * 1024
/** A refusal has some lines. */
const LARGEST_REFUSAL = 1024 * 1024
/** Headers of keys that the libraries send also when there is no key. */
const BLANK_KEY = /^(Bearer)?\s*$/

export interface Expected {
  /** The content type of an answer; anything else is not read. */
  type?: string
  /** In bytes. */
  largest?: number
}

export function fetchFor({ endpoint }: Connection, { type, largest = LARGEST_ANSWER }: Expected = {}): typeof fetch {
  const send = async (input: Parameters<typeof fetch>[0], init?: RequestInit): Promise<Response> => {
    const headers = new Headers(init?.headers)
    headers.set("user-agent", `meanwhile/${version}`)
    for (const name of ["authorization", "x-api-key", "x-goog-api-key"])
      if (BLANK_KEY.test(headers.get(name) ?? "x")) headers.delete(name)
    const response = await fetch(input, { ...init, headers, redirect: "manual" })
    await breathe("agent")
    if (!response.body) return response
    if (!response.ok) return limited(response, { endpoint, largest: LARGEST_REFUSAL })
    const found = response.headers.get("content-type") ?? ""
    if (found.includes("text/html")) throw await notAnApi(response, endpoint)
    if (found.includes("application/json")) return await wholeAnswer(response, endpoint)
    if (type && !found.includes(type)) throw await otherProtocol(response, endpoint)
    return limited(response, { endpoint, largest })
  }
  return send as typeof fetch
}

/** Counts the bytes as they come, so that a stream without end ends. */
function limited(response: Response, { endpoint, largest }: { endpoint: Endpoint; largest: number }): Response {
  let bytes = 0
  const counting = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      bytes += chunk.length
      if (bytes > largest) controller.error(tooMuch(endpoint, largest))
      else controller.enqueue(chunk)
    },
  })
  const { status, statusText, headers } = response
  return new Response(response.body!.pipeThrough(counting), { status, statusText, headers })
}

function tooMuch({ provider, address, addressSetting }: Endpoint, largest: number): ModelError {
  const size = `${Math.round(largest / 1024 / 1024)} MiB`
  return new ModelError(
    "bad-request",
    `${provider} at ${address} sent more than ${size} in one answer, which no model does. Check that ${addressSetting} is the address of a model's API.`,
  )
}

/**
 * Some servers (LM Studio at an address without /v1) answer 200 with an error in JSON; a stream is never one document.
 * Some mislabel a stream: that is handed on.
 */
async function wholeAnswer(response: Response, endpoint: Endpoint): Promise<Response> {
  const { status, statusText, headers } = response
  const text = await limited(response, { endpoint, largest: LARGEST_REFUSAL }).text()
  if (!/^\s*[{[]/.test(text)) return new Response(text, { status, statusText, headers })
  const { provider, address, addressSetting } = endpoint
  throw new ModelError(
    "not-found",
    `${provider} at ${address} did not answer with a stream${saidBy(text, endpoint)}. Check ${addressSetting}${endpoint.addressHint ? `: ${endpoint.addressHint}` : ""}.`,
  )
}

async function notAnApi(response: Response, { address, addressSetting }: Endpoint): Promise<ModelError> {
  await response.body?.cancel()
  return new ModelError("not-found", `${address} is a web page, not the API of a model. Check ${addressSetting}.`)
}

async function otherProtocol(response: Response, { provider, address, addressSetting }: Endpoint): Promise<ModelError> {
  await response.body?.cancel()
  return new ModelError(
    "garbled",
    `${provider} at ${address} answered in another protocol. Check that ${addressSetting} is the address of a model's API.`,
    { final: true },
  )
}
