import { afterAll, expect, test } from "bun:test"
import { execFileSync } from "node:child_process"
import { appendFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import fc from "fast-check"
import {
  grepSpool,
  readHeadTail,
  readNew,
  readRange,
  readTail,
  sizeNow,
  spoolSize,
  tailNow,
} from "../../src/exec/spool.ts"
import { writeGap } from "../../src/exec/spool-gap.ts"

const folder = mkdtempSync(join(tmpdir(), "spool-"))
afterAll(() => rmSync(folder, { recursive: true }))
let count = 0
function spoolOf(content: string | Uint8Array): string {
  const path = join(folder, String(count++))
  writeFileSync(path, content)
  return path
}

test("a spool that is not there is an empty one", async () => {
  const path = join(folder, "none")
  expect(await spoolSize(path)).toBe(0)
  expect(await readTail(path)).toBe("")
  expect(await readRange(path, 0, 10)).toBe("")
  expect(await readNew(path, { offset: 0, length: 10 })).toEqual({ text: "", next: 0 })
  expect(await readHeadTail(path, 10)).toBe("")
  expect(await grepSpool(path, /x/)).toBe("")
})

test("the tail begins with a line when it can, and never with half a character", async () => {
  const path = spoolOf("first\nsecond\nthird\n")
  expect(await readTail(path)).toBe("first\nsecond\nthird\n")
  expect(await readTail(path, 13)).toBe("second\nthird\n")
  expect(await readTail(path, 12)).toBe("third\n")
  expect(await readTail(path, 4)).toBe("ird\n")
  const turtles = spoolOf("🐢🐢🐢")
  for (const [bytes, expected] of [
    [12, "🐢🐢🐢"],
    [11, "🐢🐢"],
    [8, "🐢🐢"],
    [5, "🐢"],
    [3, ""],
    [0, ""],
  ] as const)
    expect(await readTail(turtles, bytes)).toBe(expected)
})

test("the tail that is read at once is the same, and is none where more has to be looked at", async () => {
  expect(sizeNow(join(folder, "none"))).toBe(0)
  expect(tailNow(join(folder, "none"), 10)).toBe("")
  for (const text of ["", "one", "first\nsecond\nthird\n", "🐢🐢🐢", "a🐢\nb🐢"]) {
    const path = spoolOf(text)
    expect(sizeNow(path)).toBe(Buffer.byteLength(text))
    for (let bytes = 0; bytes < 25; bytes++) expect(tailNow(path, bytes)).toBe(await readTail(path, bytes))
  }
  const cut = spoolOf("x".repeat(20_000))
  await writeGap(cut, { from: 4096, to: 8192 })
  expect(tailNow(cut, 10)).toBeUndefined()
  const pipe = join(folder, "pipe")
  execFileSync("mkfifo", [pipe])
  expect(tailNow(pipe, 10)).toBeUndefined()
})

test("consecutive ranges of any length make up the whole text", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: "grapheme", maxLength: 60 }),
      fc.integer({ min: 1, max: 9 }),
      async (text, length) => {
        const path = spoolOf(text.toWellFormed())
        let read = ""
        for (let offset = 0; offset < (await spoolSize(path)); offset += length)
          read += await readRange(path, offset, length)
        expect(read).toBe(text.toWellFormed())
      },
    ),
    { numRuns: 60 },
  )
})

test("following a spool that is written byte by byte gives the whole text, each character once", async () => {
  const text = "a ü\n€ 🐢 end"
  const path = spoolOf("")
  let read = ""
  let offset = 0
  for (const byte of Buffer.from(text)) {
    appendFileSync(path, Uint8Array.of(byte))
    const { text: more, next } = await readNew(path, { offset, length: 100 })
    expect(more).not.toContain("\ufffd")
    read += more
    offset = next
  }
  expect(read).toBe(text)
  truncateSync(path, 0)
  appendFileSync(path, "new")
  expect(await readNew(path, { offset, length: 100 })).toEqual({ text: "new", next: 3 })
})

test("following goes on after bytes that are no UTF-8", async () => {
  const path = spoolOf(Uint8Array.of(0xff, 0x80, 0x80, 0x80, 0x41, 0xe2, 0x42))
  expect(await readNew(path, { offset: 0, length: 100 })).toEqual({ text: "\ufffd\ufffd\ufffd\ufffdA\ufffdB", next: 7 })
})

test("head and tail are whole lines, say what is left out, and are never longer than asked", async () => {
  const lines = Array.from({ length: 1000 }, (_, n) => `line ${n} ü`)
  const path = spoolOf(`${lines.join("\n")}\n`)
  const text = await readHeadTail(path, 400)
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(400)
  const [head, marker, tail] = text.split(/\n(… \d+ bytes left out …)\n/)
  expect(head!.split("\n").every((line) => lines.includes(line))).toBe(true)
  expect(
    tail!
      .trimEnd()
      .split("\n")
      .every((line) => lines.includes(line)),
  ).toBe(true)
  expect(tail).toEndWith("line 999 ü\n")
  const left = Number(/\d+/.exec(marker!)![0])
  expect(left + Buffer.byteLength(head!) + Buffer.byteLength(tail!)).toBe(await spoolSize(path))
  expect(await readHeadTail(spoolOf("short"), 400)).toBe("short")
})

test("head and tail of any bytes stay within the limit", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 0, max: 200 }), async (bytes, max) => {
      const valid = Buffer.from(new TextDecoder().decode(bytes))
      expect(Buffer.byteLength(await readHeadTail(spoolOf(valid), max))).toBeLessThanOrEqual(max)
    }),
    { numRuns: 60 },
  )
})

test("grep gives lines with their numbers, also across parts, and says when there are more", async () => {
  const filler = "x".repeat(100_000)
  const path = spoolOf(`error 1\nfine\n${filler}\n${filler}\n${filler}\nlast Error ü`)
  expect(await grepSpool(path, /error/gi)).toBe("1: error 1\n6: last Error ü\n")
  expect(await grepSpool(path, /^x+$/)).toBe([3, 4, 5].map((n) => `${n}: ${"x".repeat(500)}…\n`).join(""))
  expect(await grepSpool(path, /nothing/)).toBe("")
  expect(await grepSpool(spoolOf("a\n".repeat(100)), /a/, 20)).toBe(
    "1: a\n2: a\n3: a\n4: a\n… more lines match, from line 5 on …\n",
  )
})

test("a spool of gigabytes is read in parts", async () => {
  const path = spoolOf("begin\n")
  truncateSync(path, 4 * 2 ** 30)
  appendFileSync(path, "\nend\n")
  const before = process.memoryUsage().rss
  expect(await readTail(path)).toBe("end\n")
  expect(await readHeadTail(path, 1000)).toEndWith(" bytes left out …\nend\n")
  expect(await readRange(path, 4 * 2 ** 30 + 1, 3)).toBe("end")
  expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20)
})
