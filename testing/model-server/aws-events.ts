// The binary framing of AWS event streams: lengths, headers, payload, and checksums over both. A reader that does not
// check them, or that takes a part of a message for a whole one, fails on what a test makes of them.
// https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html#streaming-event-stream
import { crc32 } from "node:zlib"

/** Bytes of the two lengths and their checksum; the checksum of the whole comes last. */
const PRELUDE = 12
const TRAILER = 4
/** The type of a header whose value is a string. */
const STRING = 7

const HEADERS = new Map<string, Buffer>()

/** One message. `payload` is an object, or the literal text of one that is none. */
export function awsEvent(name: string, payload: unknown, kind: "event" | "exception" = "event"): Uint8Array {
  const headers = headersOf(name, kind)
  const body = Buffer.from(typeof payload === "string" ? payload : JSON.stringify(payload))
  const message = Buffer.allocUnsafe(PRELUDE + headers.length + body.length + TRAILER)
  message.writeUInt32BE(message.length, 0)
  message.writeUInt32BE(headers.length, 4)
  message.writeUInt32BE(crc32(message.subarray(0, PRELUDE - 4)), PRELUDE - 4)
  headers.copy(message, PRELUDE)
  body.copy(message, PRELUDE + headers.length)
  message.writeUInt32BE(crc32(message.subarray(0, -TRAILER)), message.length - TRAILER)
  return message
}

/** The same for every message of a name, and so made once. */
function headersOf(name: string, kind: "event" | "exception"): Buffer {
  const key = `${kind} ${name}`
  const known = HEADERS.get(key)
  if (known) return known
  const made = Buffer.concat([
    header(`:${kind}-type`, name),
    header(":content-type", "application/json"),
    header(":message-type", kind),
  ])
  HEADERS.set(key, made)
  return made
}

function header(name: string, value: string): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(Buffer.byteLength(value))
  return Buffer.concat([
    Buffer.from([Buffer.byteLength(name)]),
    Buffer.from(name),
    Buffer.from([STRING]),
    length,
    Buffer.from(value),
  ])
}
