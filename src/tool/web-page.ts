// Fetches one page: every address of every hop is checked before anything is sent to it, and size and time have an end.
import { lookup } from "node:dns/promises"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import type { IncomingMessage } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { messageOf, UserError } from "../base/error.ts"
import { visible } from "../base/escape.ts"
import type { Env } from "../base/paths.ts"
import { oneLine, plural } from "../base/text.ts"
import type { UserPart } from "../model/message.ts"
import { markdownOf } from "./html.ts"
import { imageType, MAX_IMAGE_BYTES } from "./image-type.ts"
import { pdfText } from "./pdf.ts"
import { ToolError } from "./tool.ts"
import { AddressGuard, bare, isIpAddress } from "./web-guard.ts"
import { proxyFor } from "./web-proxy.ts"
import { get, readBody, type Trust } from "./web-request.ts"
import { contentType, kindOf, textOf } from "./web-text.ts"

const MAX_REDIRECTS = 5
/** Of a page that is an error, how much is read. */
const ERROR_CHARS = 3000

export interface WebLimits {
  /** Bytes of a page, before and after decompression. */
  maxBytes: number
  /** For all of it: names, redirects, the body, and making text of it. */
  timeoutMs: number
}

export interface WebParts {
  /** `webFetch` of the person's own settings. */
  allowPrivate: readonly string[]
  proxy: "refuse" | "ignore"
  env: Env
  limits: WebLimits
  /** All addresses of a name. Throws when there are none. */
  resolve?: (host: string) => Promise<string[]>
  trust?: Trust
}

export type WebPage =
  | { type: "text"; url: string; status: number; title: string; text: string; notes: string[] }
  | { type: "image"; url: string; image: Extract<UserPart, { type: "image" }>; bytes: number }
  /** The page is somewhere else, for which there may be other permissions: it was not asked for. */
  | { type: "moved"; from: string; to: string }

/** Throws a ToolError, a UserError for settings that are not understood, or the signal's reason. */
export async function fetchPage(given: string, parts: WebParts, signal: AbortSignal): Promise<WebPage> {
  const late = AbortSignal.timeout(parts.limits.timeoutMs)
  const both = AbortSignal.any([signal, late])
  let url = parseUrl(given)
  try {
    const guard = new AddressGuard(parts.allowPrivate)
    for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
      const addresses = await checkedAddresses(url, { guard, parts, signal: both })
      const response = await get(url, { addresses, signal: both, ...(parts.trust ? { trust: parts.trust } : {}) })
      const target = redirectOf(response, url)
      if (!target) return await read(response, { url, parts, signal: both })
      response.destroy()
      if (!isSameSite(url, target)) {
        // A person gave permission for one site. The model asks for the other one, so that the rules are asked as well.
        if (isIpAddress(target.hostname)) await checkedAddresses(target, { guard, parts, signal: both })
        return { type: "moved", from: url.href, to: target.href }
      }
      url = target
    }
    throw new ToolError(`${shown(url)}: more than ${MAX_REDIRECTS} redirects; the last one led here.`)
  } catch (error) {
    signal.throwIfAborted()
    if (late.aborted) throw new ToolError(`${shown(url)}: not done after ${parts.limits.timeoutMs / 1000} s. Given up.`)
    throw explained(error, url)
  }
}

/** An address of the web without a name and password in it; without its fragment, which no server sees. */
export function parseUrl(given: string): URL {
  const text = given.trim()
  if (!URL.canParse(text)) {
    const hint = URL.canParse(`https://${text}`) ? ` Did you mean https://${oneLine(text, 200)}?` : ""
    throw new ToolError(`${JSON.stringify(oneLine(text, 200))} is not a URL.${hint}`)
  }
  const url = new URL(text)
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw new ToolError(`Only http and https can be fetched, not ${url.protocol} Use Read for files.`)
  if (url.username || url.password)
    throw new ToolError("The URL has a name or password in it, which are not sent. Leave them out.")
  url.hash = ""
  return url
}

function redirectOf(response: IncomingMessage, from: URL): URL | undefined {
  const { location } = response.headers
  if (![301, 302, 303, 307, 308].includes(response.statusCode ?? 0) || !location) return undefined
  if (!URL.canParse(location, from.href))
    throw new ToolError(`${shown(from)} redirects to ${JSON.stringify(oneLine(location, 200))}, which is not a URL.`)
  try {
    return parseUrl(new URL(location, from).href)
  } catch (error) {
    throw new ToolError(`${shown(from)} redirects to ${oneLine(visible(location), 200)}: refused. ${messageOf(error)}`)
  }
}

/** Permission rules are about hosts; `www.` in front is the one difference that is no other site. */
function isSameSite(from: URL, to: URL): boolean {
  const site = ({ hostname }: URL) => hostname.replace(/\.$/, "").replace(/^www\./, "")
  return site(from) === site(to)
}

interface Checking {
  guard: AddressGuard
  parts: WebParts
  signal: AbortSignal
}

/** The addresses that may be connected to. One that may not is enough to refuse the name: it would be tried some time. */
async function checkedAddresses(url: URL, { guard, parts, signal }: Checking): Promise<string[]> {
  const destination = { host: url.hostname, port: Number(url.port) || (url.protocol === "https:" ? 443 : 80) }
  const variable = parts.proxy === "refuse" && !guard.lists(destination) ? proxyFor(url, parts.env) : undefined
  if (variable)
    throw new ToolError(
      `${shown(url)}: not fetched, because ${variable} asks for a proxy, and through one it cannot be checked which address is connected to. The user can add the host to NO_PROXY, or set "webFetch": {"proxy": "ignore"} in settings.json for direct connections. curl in Bash uses the proxy.`,
    )
  const { resolve = resolveAll } = parts
  const found = isIpAddress(url.hostname) ? [bare(url.hostname)] : await unlessAborted(resolve(url.hostname), signal)
  if (found.length === 0) throw new ToolError(`${shown(url)}: the name ${url.hostname} has no address.`)
  for (const address of found) {
    const verdict = guard.check(address, destination)
    if (!verdict) continue
    const leads = isIpAddress(url.hostname) ? `${address} is` : `${url.hostname} leads to ${address},`
    throw new ToolError(
      `${shown(url)}: refused. ${leads} ${verdict}. Only the user can allow it, in their settings.json: "webFetch": {"allowPrivate": [${JSON.stringify(`${url.hostname}:${destination.port}`)}]}.`,
    )
  }
  return found.slice(0, 4)
}

async function resolveAll(host: string): Promise<string[]> {
  const found = await lookup(host, { all: true, order: "verbatim" })
  return found.map(({ address }) => address)
}

/** The system's resolver cannot be stopped; it is left to end by itself. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason)
  signal.addEventListener("abort", abort, { once: true })
  try {
    signal.throwIfAborted()
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener("abort", abort)
  }
}

interface Reading {
  url: URL
  parts: WebParts
  signal: AbortSignal
}

async function read(response: IncomingMessage, { url, parts, signal }: Reading): Promise<WebPage> {
  const { maxBytes } = parts.limits
  const { bytes, isCut } = await readBody(response, { maxBytes, signal })
  const type = contentType(response.headers["content-type"])
  const kind = kindOf(type, bytes)
  const status = response.statusCode ?? 0
  const notes = isCut ? [`The page is longer than ${maxBytes / 1024 / 1024} MB; the rest was not read.`] : []
  const page = { type: "text", url: url.href, status, title: "", notes } as const
  if (status >= 400) return { ...page, text: await errorText(bytes, { url, kind, type, signal }) }
  switch (kind) {
    case "html": {
      const html = textOf(bytes, { charset: type.charset, kind })
      const { title, markdown, note } = await markdownOf(html, { base: url.href, signal })
      if (!markdown && /<script/i.test(html)) notes.push("The page shows nothing without running its scripts.")
      return { ...page, title, text: markdown, notes: note ? [...notes, note] : notes }
    }
    case "text":
      return { ...page, text: textOf(bytes, { charset: type.charset, kind }) }
    case "image":
      return imagePage(bytes, { url, isCut })
    case "pdf":
      if (isCut)
        throw new ToolError(
          `${shown(url)} is a PDF of more than ${maxBytes / 1024 / 1024} MB. Use curl in Bash, then Read.`,
        )
      return { ...page, ...(await pdfPage(bytes, { url, parts, signal })) }
    case "other":
      throw new ToolError(
        `${shown(url)} is ${type.mediaType || "binary data"} (${isCut ? "more than " : ""}${plural(bytes.length, "byte")}), not a page that can be read. Use curl in Bash to download it.`,
      )
    default:
      return kind satisfies never
  }
}

async function errorText(
  bytes: Buffer,
  { url, kind, type, signal }: { url: URL; kind: string; type: { charset: string | undefined }; signal: AbortSignal },
): Promise<string> {
  if (kind !== "html" && kind !== "text") return ""
  const text = textOf(bytes.subarray(0, 200_000), { charset: type.charset, kind })
  const readable = kind === "html" ? (await markdownOf(text, { base: url.href, signal })).markdown : text
  return readable.slice(0, ERROR_CHARS)
}

function imagePage(bytes: Buffer, { url, isCut }: { url: URL; isCut: boolean }): WebPage {
  const mediaType = imageType(bytes)
  if (!mediaType || isCut || bytes.length > MAX_IMAGE_BYTES)
    throw new ToolError(`${shown(url)} is an image of more than 3.5 MB. Use curl in Bash, make it smaller, then Read.`)
  return {
    type: "image",
    url: url.href,
    image: { type: "image", mediaType, data: bytes.toString("base64") },
    bytes: bytes.length,
  }
}

async function pdfPage(bytes: Buffer, { url, parts, signal }: Reading): Promise<{ text: string }> {
  const folder = await mkdtemp(join(tmpdir(), "meanwhile-pdf-"))
  try {
    const path = join(folder, "page.pdf")
    await writeFile(path, bytes, { mode: 0o600 })
    const { text } = await pdfText({ path, shown: shown(url), env: parts.env, signal })
    return { text }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Failures of the network in words. */
const REASONS: Record<string, string> = {
  ENOTFOUND: "there is no such host name",
  EAI_AGAIN: "the host name cannot be looked up now; is there a network?",
  ECONNREFUSED: "nothing answers at that address and port",
  ECONNRESET: "the server closed the connection",
  ETIMEDOUT: "no answer",
  EHOSTUNREACH: "the host cannot be reached",
  ENETUNREACH: "the network cannot be reached",
  EPROTO: "the server does not speak TLS there",
  HPE_HEADER_OVERFLOW: "the answer's headers are too large",
  Z_DATA_ERROR: "its compression is broken",
}

function explained(error: unknown, url: URL): unknown {
  if (error instanceof ToolError || error instanceof UserError) return error
  const code = error instanceof Error && "code" in error ? String(error.code) : ""
  const reason = REASONS[code] ?? (code.startsWith("HPE_") ? "the answer is not HTTP" : oneLine(messageOf(error), 200))
  return new ToolError(`${shown(url)}: ${reason}${code && !REASONS[code] ? ` (${code})` : ""}.`)
}

function shown(url: URL): string {
  return oneLine(url.href, 300)
}
