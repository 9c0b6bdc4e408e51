// A stranger's folder may hold anything where a small text file should be.
import { afterEach, beforeEach, expect, test } from "bun:test"
import { spawnSync } from "node:child_process"
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { readText } from "../../src/base/read.ts"

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "meanwhile-read-"))
  path = join(folder, "file")
})
afterEach(() => rmSync(folder, { recursive: true }))

test("a text is read without its byte order mark", () => {
  writeFileSync(path, "\ufeffnaïve\n")
  expect(readText(path, 100)).toEqual({ type: "text", text: "naïve\n" })
  writeFileSync(path, "")
  expect(readText(path, 100)).toEqual({ type: "text", text: "" })
})

test("no file is none, also below something that is no folder", () => {
  expect(readText(path, 100)).toEqual({ type: "none" })
  writeFileSync(path, "")
  expect(readText(join(path, "inner"), 100)).toEqual({ type: "none" })
})

test("folders, endless devices, large files and bytes that are no text are refused", () => {
  expect(readText(folder, 100)).toEqual({ type: "unreadable", reason: "is not a regular file" })
  symlinkSync("/dev/zero", path)
  expect(readText(path, 100)).toEqual({ type: "unreadable", reason: "is not a regular file" })
  rmSync(path)
  writeFileSync(path, "x".repeat(2049))
  expect(readText(path, 2048)).toEqual({ type: "unreadable", reason: "is larger than 2 KB" })
  writeFileSync(path, Buffer.from([0x7b, 0xff]))
  expect(readText(path, 2048)).toEqual({ type: "unreadable", reason: "is not text in UTF-8" })
})

test.skipIf(process.getuid?.() === 0)("a file without the right to read it is refused, not missing", () => {
  writeFileSync(path, "x")
  chmodSync(path, 0)
  expect(readText(path, 100).type).toBe("unreadable")
})

// In a process of its own: whoever waits for a pipe's writer waits in the kernel, where no time limit of a test reaches.
test("a pipe without a writer is refused at once", () => {
  expect(spawnSync("mkfifo", [path]).status).toBe(0)
  const module = join(import.meta.dir, "../../src/base/read.ts")
  const script = `const { readText } = await import(${JSON.stringify(module)}); console.log(JSON.stringify(readText(process.env.FIFO, 100)))`
  const child = spawnSync(process.execPath, ["--no-env-file", "--no-install", "--config=/dev/null", "-e", script], {
    env: { FIFO: path },
    timeout: 4000,
    killSignal: "SIGKILL",
  })
  expect(child.stdout.toString()).toBe('{"type":"unreadable","reason":"is not a regular file"}\n')
})
