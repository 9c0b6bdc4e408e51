// Images that models can look at, known by their first bytes, never by their names; and how large they are.

/** What all providers take. */
export type ImageType = "image/png" | "image/jpeg" | "image/gif" | "image/webp"

/**
 * Bytes of an image at most. Providers take 5 MB of base64, which is 3.75 MB; some room is for what is around it.
 * Source: Anthropic's documentation of vision.
 */
export const MAX_IMAGE_BYTES = 3.5 * 1024 * 1024
/** Pixels of either side at most; larger ones are refused by the provider. Same source. */
export const MAX_IMAGE_SIDE = 8000

export function imageType(bytes: Buffer): ImageType | undefined {
  const text = bytes.toString("latin1", 0, 16)
  if (text.startsWith("\x89PNG\r\n\x1a\n")) return "image/png"
  if (text.startsWith("\xff\xd8\xff")) return "image/jpeg"
  if (/^GIF8[79]a/.test(text)) return "image/gif"
  return /^RIFF.{4}WEBP/s.test(text) ? "image/webp" : undefined
}

export interface ImageSize {
  width: number
  height: number
}

/** Undefined when the file is broken before it says so. */
export function imageSize(bytes: Buffer, type: ImageType): ImageSize | undefined {
  try {
    const size = readSize(bytes, type)
    return size && size.width > 0 && size.height > 0 ? size : undefined
  } catch (error) {
    // A read beyond the end.
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function readSize(bytes: Buffer, type: ImageType): ImageSize | undefined {
  switch (type) {
    case "image/png":
      return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) }
    case "image/gif":
      return { width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8) }
    case "image/webp":
      return webpSize(bytes)
    case "image/jpeg":
      return jpegSize(bytes)
    default:
      return type satisfies never
  }
}

/** Walks the segments to the frame header (SOF, ITU T.81 table B.1). */
function jpegSize(bytes: Buffer): ImageSize | undefined {
  let at = 2
  while (at + 9 <= bytes.length) {
    if (bytes[at] !== 0xff) return undefined
    const marker = bytes[at + 1]!
    // C4, C8 and CC are tables, not frames.
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc)
      return { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) }
    // Fill bytes, and markers that stand alone.
    at +=
      marker === 0xff ? 1 : marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8) ? 2 : 2 + bytes.readUInt16BE(at + 2)
  }
  return undefined
}

/** The three kinds of WebP (RFC 9649): extended, lossless, lossy. */
function webpSize(bytes: Buffer): ImageSize | undefined {
  switch (bytes.toString("latin1", 12, 16)) {
    case "VP8X":
      return { width: bytes.readUIntLE(24, 3) + 1, height: bytes.readUIntLE(27, 3) + 1 }
    case "VP8L": {
      const bits = bytes.readUInt32LE(21)
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
    }
    case "VP8 ":
      return { width: bytes.readUInt16LE(26) & 0x3fff, height: bytes.readUInt16LE(28) & 0x3fff }
    default:
      return undefined
  }
}
