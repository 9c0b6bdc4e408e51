// What a dropped path is: an image to send along, another file to point at, or nothing of the kind.
import { constants } from "node:fs"
import { open } from "node:fs/promises"
import { basename, relative } from "node:path"
import { visible } from "../../../base/escape.ts"
import type { Image } from "./marks.ts"

export type Attachment =
  | { type: "image"; image: Image }
  | { type: "file"; path: string; note?: string }
  /** No such file: the text is a text. */
  | { type: "none" }

/** Reads what is at a path; never waits for a pipe or a device, never throws. */
export async function readAttachment(path: string): Promise<Attachment> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const stat = await file.stat()
    if (!stat.isFile()) return { type: "file", path: stat.isDirectory() ? `${path.replace(/\/+$/, "")}/` : path }
    const { MAX_IMAGE_BYTES, imageType } = await import("../../../tool/image-type.ts")
    const head = Buffer.alloc(Math.min(stat.size, 32))
    await file.read(head, 0, head.length, 0)
    const mediaType = imageType(head)
    if (!mediaType) return { type: "file", path }
    const name = visible(basename(path))
    if (stat.size > MAX_IMAGE_BYTES) return { type: "file", path, note: tooLarge(name, stat.size, MAX_IMAGE_BYTES) }
    const bytes = Buffer.alloc(stat.size)
    await file.read(bytes, 0, bytes.length, 0)
    return { type: "image", image: { name, mediaType, bytes } }
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined
    // It is there, but not for us: still what was meant.
    return code === "EACCES" || code === "EPERM" ? { type: "file", path } : { type: "none" }
  }
}

function tooLarge(name: string, size: number, most: number): string {
  const mb = (bytes: number) => (bytes / (1024 * 1024)).toFixed(1)
  return `${name} has ${mb(size)} MB; images can have ${mb(most)} MB. Its path was put in instead.`
}

/** An image from elsewhere than a file; the message says why it can't be sent. */
export async function checkImage(
  bytes: Uint8Array,
  name: string,
): Promise<{ type: "image"; image: Image } | { type: "mistake"; message: string }> {
  const { MAX_IMAGE_BYTES, imageType } = await import("../../../tool/image-type.ts")
  const mediaType = imageType(Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 32)))
  if (!mediaType) return { type: "mistake", message: "The clipboard's image is not PNG, JPEG, GIF or WebP." }
  if (bytes.byteLength > MAX_IMAGE_BYTES) {
    const mb = (size: number) => (size / (1024 * 1024)).toFixed(1)
    return {
      type: "mistake",
      message: `The clipboard's image has ${mb(bytes.byteLength)} MB; it can have ${mb(MAX_IMAGE_BYTES)} MB.`,
    }
  }
  return { type: "image", image: { name, mediaType, bytes } }
}

/** As it is written in a prompt: below the working folder from there, else absolute. */
export function pathInPrompt(path: string, cwd: string): string {
  const within = relative(cwd, path)
  if (within === "" || within === ".." || within.startsWith("../")) return path
  return path.endsWith("/") ? `${within}/` : within
}
