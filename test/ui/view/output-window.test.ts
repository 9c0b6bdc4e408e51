// An output of any size as lines: pages, colours over line ends, progress bars, gaps, and searching.
import { describe, expect, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { readNew, spoolSize } from "../../../src/exec/spool.ts"
import { type Gap, readGap, writeGap } from "../../../src/exec/spool-gap.ts"
import { findInOutput } from "../../../src/ui/view/output-search.ts"
import { type OutputSource, OutputWindow, PAGE_BYTES } from "../../../src/ui/view/output-window.ts"
import { temporaryFolder } from "../../../testing/harness.ts"

/** An output that a test writes to; `reads` counts the bytes that were asked for. */
function output(first = "") {
  const folder = temporaryFolder()
  const path = join(folder.path, "x.out")
  let bytes = Buffer.from(first)
  writeFileSync(path, bytes)
  let reads = 0
  const source: OutputSource = {
    size: () => spoolSize(path),
    read: (range) => {
      reads += range.length
      return readNew(path, range)
    },
    gap: () => readGap(path),
  }
  return {
    source,
    get reads() {
      return reads
    },
    write: (text: string) => {
      bytes = Buffer.concat([bytes, Buffer.from(text)])
      writeFileSync(path, bytes)
    },
    replace: (text: string) => {
      bytes = Buffer.from(text)
      writeFileSync(path, bytes)
    },
    leaveOut: (gap: Gap) => writeGap(path, gap),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  }
}

const textOf = (window: OutputWindow) => window.lines.map(({ text }) => text)
const numbered = (count: number) => Array.from({ length: count }, (_, i) => `line ${i + 1}\n`).join("")
const signal = new AbortController().signal

describe("lines of an output", () => {
  test("a short output is there as a whole", async () => {
    using it = output("one\ntwo\nthree")
    const window = new OutputWindow(it.source)
    await window.toEnd()
    expect(textOf(window)).toEqual(["one", "two", "three"])
    expect([window.isAtStart, window.isAtEnd]).toEqual([true, true])
  })

  test("a line that goes on stays one line, and its end is no line of its own", async () => {
    using it = output("one\ntw")
    const window = new OutputWindow(it.source)
    await window.toEnd()
    it.write("o\nthree\n")
    await window.look()
    await window.more()
    expect(textOf(window)).toEqual(["one", "two", "three"])
  })

  test("a progress bar says what it said last, also when it goes on later", async () => {
    using it = output("begin\n1%\r2%\r3%")
    const window = new OutputWindow(it.source)
    await window.toEnd()
    expect(textOf(window)).toEqual(["begin", "3%"])
    it.write("\r100%\r")
    await window.more()
    expect(textOf(window)).toEqual(["begin", "100%"])
    it.write("\ndos line\r\n")
    await window.more()
    expect(textOf(window)).toEqual(["begin", "100%", "dos line"])
  })

  test("colours go on over line ends until they are turned off; other sequences never reach the screen", async () => {
    using it = output("\x1b[1;31mred\nstill\x1b[0m\nplain\n\x1b]0;title\x07\x1b[2Jx\x1b[32my\x1b[39m\nz")
    const window = new OutputWindow(it.source)
    await window.toEnd()
    expect(textOf(window)).toEqual([
      "\x1b[1;31mred\x1b[0m",
      "\x1b[1;31mstill\x1b[0m",
      "plain",
      "x\x1b[32my\x1b[39m\x1b[0m",
      "z",
    ])
  })

  test("a line that goes on keeps the colours that it began with", async () => {
    using it = output("a\x1b[31mb")
    const window = new OutputWindow(it.source)
    await window.toEnd()
    it.write("c\nd")
    await window.more()
    expect(textOf(window)).toEqual(["a\x1b[31mbc\x1b[0m", "\x1b[31md\x1b[0m"])
  })

  test("of an output of many pages the end is read, and earlier pages when they are wanted, without a seam", async () => {
    using it = output(numbered(60_000))
    const window = new OutputWindow(it.source)
    await window.toEnd()
    expect(it.reads).toBeLessThan(3 * PAGE_BYTES)
    expect(textOf(window).at(-1)).toBe("line 60000")
    expect(window.isAtStart).toBe(false)
    const first = window.lines[0]!.text
    const came = await window.earlier()
    const before = Number(first.slice(5)) - 1
    expect(window.lines[came]!.text).toBe(first)
    expect(window.lines[came - 1]!.text).toBe(`line ${before}`)
    expect(window.lines[0]!.text).toBe(`line ${before - came + 1}`)
    expect(window.shift).toBe(-came)
  })

  test("every line is seen once when one scrolls from the end to the beginning and back", async () => {
    using it = output(numbered(300_000))
    const window = new OutputWindow(it.source)
    await window.toEnd()
    const seen = new Set<string>()
    const take = () => {
      for (const { text } of window.lines) seen.add(text)
    }
    for (take(); !window.isAtStart; take()) await window.earlier()
    expect(seen.size).toBe(300_000)
    // What is far away was let go of.
    expect(window.isAtEnd).toBe(false)
    expect(window.lines.length).toBeLessThan(150_000)
    while (!window.isAtEnd) await window.more()
    expect(textOf(window).at(-1)).toBe("line 300000")
    const numbers = window.lines.map(({ text }) => Number(text.slice(5)))
    expect(numbers.every((number, i) => i === 0 || number === numbers[i - 1]! + 1)).toBe(true)
  })

  test("a very long line is shown in pieces", async () => {
    using it = output(`${"x".repeat(100_000)}\nend`)
    const window = new OutputWindow(it.source)
    await window.toEnd()
    expect(window.lines.length).toBeGreaterThan(5)
    expect(textOf(window).slice(0, -1).join("")).toBe("x".repeat(100_000))
    expect(textOf(window).at(-1)).toBe("end")
  })

  test("what is not kept is said where it is missing, once, from both sides", async () => {
    using it = output(numbered(100_000))
    const size = Buffer.byteLength(numbered(100_000))
    await it.leaveOut({ from: 8192, to: size - 8192 })
    const window = new OutputWindow(it.source)
    await window.toEnd()
    while (!window.isAtStart) await window.earlier()
    const notes = window.lines.filter(({ isNote }) => isNote)
    expect(notes.map(({ text }) => text)).toEqual([
      `… ${size - 16384} bytes left out: not kept (bytes 8192 to ${size - 8192}) …`,
    ])
    expect(textOf(window)[0]).toBe("line 1")
    expect(textOf(window).at(-1)).toBe("line 100000")
    const again = new OutputWindow(it.source)
    await again.toStart()
    while (!again.isAtEnd) await again.more()
    expect(textOf(again)).toEqual(textOf(window))
  })

  test("an output that was emptied begins anew", async () => {
    using it = output(numbered(100))
    const window = new OutputWindow(it.source)
    await window.toEnd()
    it.replace("fresh\n")
    await window.look()
    await window.more()
    expect(textOf(window)).toEqual(["fresh"])
  })

  test("an output that is not there is empty", async () => {
    using folder = temporaryFolder()
    const nothing = join(folder.path, "none.out")
    const source = {
      size: () => spoolSize(nothing),
      read: (range: { offset: number; length: number }) => readNew(nothing, range),
      gap: () => undefined,
    }
    const window = new OutputWindow(source)
    await window.toEnd()
    expect(window.lines).toEqual([])
    expect(await window.earlier()).toBe(0)
  })
})

describe("searching", () => {
  test("finds the nearest line before and after a place, over many pages", async () => {
    using it = output(`needle one\n${numbered(60_000)}Needle two\n${numbered(60_000)}needle three\n`)
    const end = await it.source.size()
    const find = (from: number, direction: "earlier" | "later", text = "needle") =>
      findInOutput(it.source, { text, from, direction, signal })
    const third = await find(end, "earlier")
    const second = await find(third!, "earlier")
    const first = await find(second!, "earlier")
    expect(first).toBe(0)
    expect(await find(first!, "earlier")).toBeUndefined()
    expect(await find(first!, "later")).toBe(second!)
    expect(await find(second!, "later")).toBe(third!)
    expect(await find(third!, "later")).toBeUndefined()
    // Capital letters are meant.
    expect(await find(end, "earlier", "Needle")).toBe(second!)
    const window = new OutputWindow(it.source)
    await window.toOffset(second!)
    expect(window.lines.find(({ offset }) => offset === second)?.text).toBe("Needle two")
  })

  test("finds what lies over the end of a page", async () => {
    const before = "x".repeat(99)
    const lines = Math.floor(PAGE_BYTES / 100)
    using it = output(`${`${before}\n`.repeat(lines)}${"y".repeat(PAGE_BYTES - lines * 100 - 3)}needle\n${before}\n`)
    expect(await findInOutput(it.source, { text: "needle", from: 0, direction: "later", signal })).toBe(lines * 100)
    const end = await it.source.size()
    expect(await findInOutput(it.source, { text: "needle", from: end, direction: "earlier", signal })).toBe(lines * 100)
  })

  test("finds what colours are in the middle of", async () => {
    using it = output("a \x1b[31mred\x1b[0m word\n")
    expect(await findInOutput(it.source, { text: "red word", from: 100, direction: "earlier", signal })).toBe(0)
  })

  test("ends when it is given up", async () => {
    using it = output(numbered(200_000))
    const stop = new AbortController()
    const found = findInOutput(it.source, {
      text: "not there",
      from: await it.source.size(),
      direction: "earlier",
      signal: stop.signal,
      progress: () => stop.abort(),
    })
    expect(await found).toBeUndefined()
    expect(it.reads).toBeLessThan(4 * PAGE_BYTES)
  })
})
