// Read of an image: the picture itself for the model, and its size for whoever shows the result.
import type { FileHandle } from "node:fs/promises"
import type { Located } from "./files.ts"
import { type ImageType, imageSize, MAX_IMAGE_BYTES, MAX_IMAGE_SIDE } from "./image-type.ts"
import { ToolError, type ToolOutput } from "./tool.ts"

export async function readImage(
  handle: FileHandle,
  { file, type }: { file: Located; type: ImageType },
): Promise<ToolOutput> {
  const { size } = await handle.stat()
  if (size > MAX_IMAGE_BYTES)
    throw new ToolError(`${file.shown} is an image of ${megabytes(size)}; 3.5 MB can be shown. ${smaller(file)}`)
  const bytes = Buffer.alloc(size)
  const { bytesRead } = await handle.read(bytes, 0, size, 0)
  const image = bytes.subarray(0, bytesRead)
  const pixels = imageSize(image, type)
  if (!pixels) throw new ToolError(`${file.shown} begins like ${type}, but is broken: it has no size.`)
  const { width, height } = pixels
  if (Math.max(width, height) > MAX_IMAGE_SIDE)
    throw new ToolError(
      `${file.shown} has ${width} × ${height} pixels; ${MAX_IMAGE_SIDE} on a side can be shown. ${smaller(file)}`,
    )
  return {
    content: [
      { type: "text", text: `${file.shown}: ${type}, ${width} × ${height} pixels` },
      { type: "image", mediaType: type, data: image.toString("base64") },
    ],
    data: { path: file.path, mediaType: type, width, height, bytes: image.length },
  }
}

function smaller({ path }: Located): string {
  return `Make a smaller copy with Bash, for example: magick ${shellWord(path)} -resize '1600x1600>' /tmp/small.png (macOS: sips -Z 1600), then Read that.`
}

function shellWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`
}
