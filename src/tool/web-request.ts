// One HTTP request to an address that was checked before: the connection is opened to that very address, and the name
// is used for the Host header and the certificate only, so that nothing is left to be resolved a second time.
import { request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http"
import { request as httpsRequest } from "node:https"
import { Readable } from "node:stream"
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw, constants as zlib } from "node:zlib"
import { version } from "../base/version.ts"
import { bare, isIpAddress } from "./web-guard.ts"

/** How long one address may take to accept a connection when there is another one to try. */
const CONNECT_MS = 5000

const HEADERS = {
  "User-Agent": `Meanwhile/${version}`,
  Accept: "text/markdown, text/html;q=0.9, application/xhtml+xml;q=0.9, text/plain;q=0.8, */*;q=0.5",
  "Accept-Encoding": "gzip, deflate, br",
}

export interface Trust {
  /** Certificate authorities beside the usual ones, PEM. */
  ca?: string
}

/** Asks the first of the addresses that can be connected to. The caller must read or destroy the answer. */
export async function get(
  url: URL,
  { addresses, signal, trust = {} }: { addresses: readonly string[]; signal: AbortSignal; trust?: Trust },
): Promise<IncomingMessage> {
  let failure: unknown
  for (const [index, address] of addresses.entries()) {
    try {
      const isLast = index === addresses.length - 1
      return await getFrom(url, { address, signal, trust, ...(isLast ? {} : { connectMs: CONNECT_MS }) })
    } catch (error) {
      signal.throwIfAborted()
      if (!isUnreachable(error)) throw error
      failure = error
    }
  }
  throw failure
}

interface From {
  address: string
  signal: AbortSignal
  trust: Trust
  connectMs?: number
}

function getFrom(url: URL, { address, signal, trust, connectMs }: From): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const options: RequestOptions & { servername?: string; rejectUnauthorized?: boolean; ca?: string } = {
    host: address,
    path: `${url.pathname}${url.search}`,
    headers: { Host: url.host, ...HEADERS },
    // No connection is shared: each one is to the address that was checked for it.
    agent: false,
    signal,
    ...(url.port ? { port: Number(url.port) } : {}),
  }
  const request =
    url.protocol === "https:"
      ? httpsRequest({
          ...options,
          ...trust,
          // By the name in the URL, as a browser does; also when the environment says that any certificate will do.
          servername: isIpAddress(url.hostname) ? "" : url.hostname.replace(/\.$/, ""),
          rejectUnauthorized: true,
        })
      : httpRequest(options)
  const slow = connectMs && setTimeout(() => request.destroy(unreachable(address)), connectMs)
  const connected = () => clearTimeout(slow)
  request.on("socket", (socket) => socket.once("connect", connected))
  request.on("response", (response) => {
    connected()
    resolve(response)
  })
  request.on("error", (error) => {
    connected()
    reject(signal.aborted ? signal.reason : error)
  })
  request.end()
  return promise
}

function unreachable(address: string): Error {
  return Object.assign(new Error(`no answer from ${bare(address)}`), { code: "ETIMEDOUT" })
}

const UNREACHABLE: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ETIMEDOUT",
  "EADDRNOTAVAIL",
])

function isUnreachable(error: unknown): boolean {
  return error instanceof Error && "code" in error && UNREACHABLE.has(String(error.code))
}

export interface Body {
  bytes: Buffer
  /** There was more than `maxBytes`. */
  isCut: boolean
}

/** The body, decompressed; reading and decompressing stop at `maxBytes`. Throws when the connection breaks off before. */
export async function readBody(
  response: IncomingMessage,
  { maxBytes, signal }: { maxBytes: number; signal: AbortSignal },
): Promise<Body> {
  const raw = await upTo(response, maxBytes)
  // An aborted response ends as if it were whole.
  signal.throwIfAborted()
  if (!raw.isCut && !response.complete) throw new Error("the connection broke off in the middle of the answer")
  let body = raw
  for (const coding of codingsOf(response)) {
    const decoder = decoderFor(coding, body.bytes)
    const decoded = await upTo(Readable.from([body.bytes]).pipe(decoder), maxBytes)
    signal.throwIfAborted()
    body = { bytes: decoded.bytes, isCut: decoded.isCut || body.isCut }
  }
  return body
}

async function upTo(stream: Readable, maxBytes: number): Promise<Body> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    size += chunk.length
    // Leaving the loop destroys the stream.
    if (size > maxBytes) return { bytes: Buffer.concat(chunks).subarray(0, maxBytes), isCut: true }
  }
  return { bytes: Buffer.concat(chunks), isCut: false }
}

/** In the order in which they are undone. */
function codingsOf(response: IncomingMessage): string[] {
  const codings = (response.headers["content-encoding"] ?? "").toLowerCase().split(/[\s,]+/)
  const used = codings.filter((coding) => coding !== "" && coding !== "identity")
  if (used.length > 3) throw new Error("it is compressed more than three times over")
  return used.reverse()
}

function decoderFor(coding: string, bytes: Buffer) {
  // A body that was cut has no proper end; what there is of it is wanted all the same.
  const options = { finishFlush: zlib.Z_SYNC_FLUSH }
  switch (coding) {
    case "gzip":
    case "x-gzip":
      return createGunzip(options)
    case "deflate":
      // Some servers leave out the zlib header, whose low four bits are always 8 (RFC 1950).
      return ((bytes[0] ?? 8) & 0x0f) === 8 ? createInflate(options) : createInflateRaw(options)
    case "br":
      return createBrotliDecompress({ finishFlush: zlib.BROTLI_OPERATION_FLUSH })
    default:
      throw new Error(`it is compressed with ${JSON.stringify(coding.slice(0, 20))}, which was not asked for`)
  }
}
