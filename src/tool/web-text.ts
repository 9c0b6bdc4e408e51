// What kind of content an answer is, and its bytes as text: by what the server says, by what the page itself says, and
// by what the bytes look like when nobody says anything.
import { imageType } from "./image-type.ts"

export type WebKind = "html" | "text" | "pdf" | "image" | "other"

export interface ContentType {
  /** Lower case, without parameters; "" when the server said nothing. */
  mediaType: string
  charset: string | undefined
}

export function contentType(header: string | undefined): ContentType {
  const [mediaType = "", ...parameters] = (header ?? "").split(";").map((part) => part.trim())
  const charset = parameters.map((part) => /^charset\s*=\s*"?([\w:.-]+)"?$/i.exec(part)?.[1]).find(Boolean)
  return { mediaType: mediaType.toLowerCase(), charset }
}

const TEXTUAL =
  /^(?:text\/.*|application\/(?:.*\+)?(?:json|xml|yaml|x-yaml|toml|javascript|x-javascript|ecmascript|typescript|x-ndjson|x-sh|sql|graphql|rtf|x-tex|x-httpd-php|jsonlines|problem))$|.*\+(?:json|xml|yaml)$/
/** What servers say when they do not know. */
const UNKNOWN: ReadonlySet<string> = new Set([
  "",
  "application/octet-stream",
  "binary/octet-stream",
  "application/binary",
])

/** `bytes`: the body, or its beginning. What claims to be text and has a NUL in it is not, unless it is UTF-16. */
export function kindOf({ mediaType }: ContentType, bytes: Buffer): WebKind {
  if (imageType(bytes)) return "image"
  if (bytes.subarray(0, 1024).includes("%PDF-") && (mediaType === "application/pdf" || UNKNOWN.has(mediaType)))
    return "pdf"
  const isUnknown = UNKNOWN.has(mediaType)
  if (!isUnknown && !TEXTUAL.test(mediaType)) return "other"
  if (bytes.subarray(0, 8000).includes(0) && !isUtf16(bytes)) return "other"
  if (mediaType === "text/html" || mediaType === "application/xhtml+xml") return "html"
  return isUnknown && /^\s*(?:<!doctype\s+html|<html[\s>])/i.test(start(bytes)) ? "html" : "text"
}

/** The text of a body. What is said is believed in this order: byte order mark, server, page; else UTF-8 if it is valid. */
export function textOf(
  bytes: Buffer,
  { charset, kind }: { charset: string | undefined; kind: "html" | "text" },
): string {
  const named = bom(bytes) ?? charset ?? (kind === "html" ? metaCharset(bytes) : xmlEncoding(bytes))
  const decoder = named === undefined ? undefined : decoderFor(named)
  if (decoder) return decoder.decode(bytes)
  try {
    // `stream`: the last character of a body that was cut may be incomplete.
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true })
  } catch {
    // Not UTF-8: what browsers take for pages of western languages.
    return new TextDecoder("windows-1252").decode(bytes)
  }
}

function decoderFor(label: string): TextDecoder | undefined {
  try {
    return new TextDecoder(label as ConstructorParameters<typeof TextDecoder>[0])
  } catch {
    return undefined // a label that nobody knows: then the bytes must tell
  }
}

function bom(bytes: Buffer): string | undefined {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return "utf-8"
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le"
  return bytes[0] === 0xfe && bytes[1] === 0xff ? "utf-16be" : undefined
}

/** With a byte order mark, or every second byte of the beginning NUL, as plain letters have it. */
function isUtf16(bytes: Buffer): boolean {
  if (bom(bytes)?.startsWith("utf-16")) return true
  const head = bytes.subarray(0, 64)
  const zeros = (offset: number) => head.filter((byte, index) => index % 2 === offset && byte === 0).length
  return zeros(0) + zeros(1) >= head.length / 3 && Math.min(zeros(0), zeros(1)) === 0
}

/** As the HTML standard has it: in the first 1024 bytes, and a page that can say it in ASCII is not in UTF-16. */
function metaCharset(bytes: Buffer): string | undefined {
  const label = /<meta\b[^>]{0,200}?charset\s*=\s*["']?\s*([\w:.-]+)/i.exec(start(bytes))?.[1]
  return label && /^utf-?16/i.test(label) ? "utf-8" : label
}

function xmlEncoding(bytes: Buffer): string | undefined {
  return /^<\?xml\b[^>]{0,100}?encoding\s*=\s*["']([\w:.-]+)["']/.exec(start(bytes))?.[1]
}

function start(bytes: Buffer): string {
  return bytes.toString("latin1", 0, 1024)
}
