// A spool that is capped while it is written. Its lines have 16 bytes and say their own number, so that each kept byte can
// be checked against where it is.
import { afterAll, describe, expect, test } from "bun:test"
import {
  appendFileSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { grepSpool, readHeadTail, readNew, readRange, readTail, spoolSize } from "../../src/exec/spool.ts"
import { capSpool, cutSpool } from "../../src/exec/spool-cap.ts"
import { type Gap, gapNote, readGap, writeGap } from "../../src/exec/spool-gap.ts"
import { eventually } from "../../testing/harness.ts"

const KB = 1024
const LINE = 16
const folder = mkdtempSync(join(tmpdir(), "spool-cap-"))
afterAll(() => rmSync(folder, { recursive: true }))
let count = 0

const newPath = () => join(folder, `${count++}.out`)
const line = (n: number) => `${String(n).padStart(LINE - 1, "0")}\n`
const lines = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => line(from + n)).join("")

function spoolOf(bytes: number): string {
  const path = newPath()
  writeFileSync(path, lines(0, bytes / LINE), { mode: 0o600 })
  return path
}

const gapOf = (path: string) => readGap(path, statSync(path).size)
const keptOf = (path: string) => {
  const { from, to } = gapOf(path) ?? { from: 0, to: 0 }
  return statSync(path).size - (to - from)
}
const onDisk = (path: string) => statSync(path).blocks * 512

/** Every byte outside the gap is what was written there. */
function expectWhole(path: string): void {
  const bytes = readFileSync(path)
  const gap: Gap = gapOf(path) ?? { from: bytes.length, to: bytes.length }
  for (const { from, to } of [
    { from: 0, to: gap.from },
    { from: gap.to, to: bytes.length },
  ])
    expect(bytes.subarray(from, to).equals(Buffer.from(lines(from / LINE, to / LINE)))).toBe(true)
}

/** Writes 16-byte lines with their numbers as a command does, `count` of them. */
function writer(path: string, count: number) {
  const output = openSync(path, "a")
  return Bun.spawn(["seq", "-f", "%015.0f", "0", String(count - 1)], { stdio: ["ignore", output, "inherit"] })
}

describe("cutting", () => {
  test("a spool within the cap stays as it is", async () => {
    const path = spoolOf(64 * KB)
    expect(await capSpool(path, 64 * KB, { ended: false })).toBe(true)
    expect(gapOf(path)).toBeUndefined()
    expectWhole(path)
  })

  test("beginning and end stay, the middle's disk space is given back, and the size says all that was written", async () => {
    const path = spoolOf(1024 * KB)
    await capSpool(path, 256 * KB, { ended: false })
    expect(gapOf(path)).toEqual({ from: 64 * KB, to: (1024 - 128) * KB })
    expect(await spoolSize(path)).toBe(1024 * KB)
    expect(onDisk(path)).toBeLessThanOrEqual(256 * KB)
    expectWhole(path)
  })

  test("the file itself says what is missing", async () => {
    const path = spoolOf(1024 * KB)
    await capSpool(path, 256 * KB, { ended: false })
    const { from, to } = gapOf(path)!
    const said = readFileSync(path)
      .subarray(from, from + 4096)
      .toString()
    expect(said).toContain(`[meanwhile: ${to - from} bytes are left out here.`)
    expect(said).toContain(`up to byte ${to} are no output`)
  })

  test("what is written while it is cut is whole, and the disk space stays small", async () => {
    const path = newPath()
    const total = 40 * 1024 * KB
    const cap = 1024 * KB
    const command = writer(path, total / LINE)
    let ended = false
    let cuts = 0
    void command.exited.then(() => {
      ended = true
    })
    let last: Gap | undefined
    while (!ended) {
      await capSpool(path, cap, { ended: false })
      const gap = gapOf(path)
      if (gap && gap.to !== last?.to) cuts++
      if (last && gap) expect(gap.to).toBeGreaterThanOrEqual(last.to)
      last = gap
    }
    expect(command.exitCode).toBe(0)
    await capSpool(path, cap, { ended: true })
    expect(cuts).toBeGreaterThan(0)
    expect(await spoolSize(path)).toBe(total)
    expect(keptOf(path)).toBeLessThanOrEqual(cap)
    expect(onDisk(path)).toBeLessThanOrEqual(cap + 64 * KB)
    expectWhole(path)
  })

  test("a command that empties its output begins anew: an old gap hides nothing", async () => {
    const path = spoolOf(1024 * KB)
    await capSpool(path, 256 * KB, { ended: false })
    truncateSync(path, 0)
    appendFileSync(path, lines(0, 100))
    expect(await readRange(path, 0, 10_000)).toBe(lines(0, 100))
    expect(await readTail(path, 10_000)).toBe(lines(0, 100))
  })

  test("an old gap is forgotten when the output was emptied, before the new output gets as long", async () => {
    const path = spoolOf(1024 * KB)
    await capSpool(path, 256 * KB, { ended: false })
    truncateSync(path, 0)
    await capSpool(path, 2048 * KB, { ended: false })
    appendFileSync(path, lines(0, 64 * KB))
    expectWhole(path)
    expect(gapOf(path)).toBeUndefined()
  })

  test("a file system that can't give space back: all stays while the command runs, and is cut at its end", async () => {
    const path = spoolOf(1024 * KB)
    const giveBack = () => false
    expect(await capSpool(path, 256 * KB, { ended: false, giveBack })).toBe(false)
    expect(gapOf(path)).toBeUndefined()
    expectWhole(path)
    expect(await capSpool(path, 256 * KB, { ended: true, giveBack })).toBe(true)
    expect(gapOf(path)).toEqual({ from: 64 * KB, to: (1024 - 128) * KB })
    expect(await spoolSize(path)).toBe(1024 * KB)
    expect(onDisk(path)).toBeLessThanOrEqual(256 * KB)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expectWhole(path)
    expect(readdirSync(folder).filter((name) => name.includes(`.${process.pid}`))).toEqual([])
  })

  test("a smaller cap later takes out more, and never brings anything back", async () => {
    const path = spoolOf(1024 * KB)
    await capSpool(path, 512 * KB, { ended: false })
    await cutSpool(path, { head: 16 * KB, tail: 16 * KB, ended: true })
    expect(gapOf(path)).toEqual({ from: 16 * KB, to: 1008 * KB })
    await capSpool(path, 512 * KB, { ended: true })
    expect(gapOf(path)).toEqual({ from: 16 * KB, to: 1008 * KB })
    expect(onDisk(path)).toBeLessThanOrEqual(64 * KB)
    expectWhole(path)
  })

  test.each([
    "",
    "gap",
    "gap 5 3\n",
    "gap 0 99999999999999999999\n",
    "gap -1 5\n",
    "gap 10 20",
    "\0\0\0",
    "gap 4096 9e9\n",
  ])("rubbish beside a spool, %j, hides nothing", async (rubbish) => {
    const path = spoolOf(64 * KB)
    writeFileSync(path.replace(/out$/, "gap"), rubbish)
    expect(await readRange(path, 0, 64 * KB)).toBe(lines(0, 4 * KB))
    expect(await capSpool(path, 32 * KB, { ended: false })).toBe(true)
    expectWhole(path)
    expect(gapOf(path)).toBeDefined()
  })

  test("a spool that is gone is nothing to cut", async () => {
    expect(await capSpool(newPath(), 1, { ended: true })).toBe(true)
  })
})

describe("a process that dies while it cuts", () => {
  test("after it has said so and before anything went: the end of the command completes it", async () => {
    const path = spoolOf(4096 * KB)
    await writeGap(path, { from: 64 * KB, to: 4000 * KB })
    expect(await readRange(path, 64 * KB - LINE, 100)).toContain("bytes left out")
    await capSpool(path, 256 * KB, { ended: true })
    expect(gapOf(path)).toEqual({ from: 64 * KB, to: 4000 * KB })
    expect(onDisk(path)).toBeLessThanOrEqual(256 * KB)
    expectWhole(path)
  })

  test("killed again and again at any moment while a command writes: nothing that is kept is lost", async () => {
    const path = newPath()
    const total = 64 * 1024 * KB
    const command = writer(path, total / LINE)
    let ended = false
    void command.exited.then(() => {
      ended = true
    })
    for (let round = 0; round < 12 && !(ended && round > 5); round++) {
      const capper = Bun.spawn(
        [process.execPath, join(import.meta.dir, "fixtures/capper.ts"), path, String(512 * KB)],
        {
          stdio: ["ignore", "pipe", "inherit"],
        },
      )
      const first = await capper.stdout.getReader().read()
      expect(new TextDecoder().decode(first.value)).toBe("ready\n")
      const before = gapOf(path)?.to ?? 0
      // At another point of its work each time.
      if (!ended) await eventually("a cut", () => ended || (gapOf(path)?.to ?? 0) > before)
      for (let spin = 0; spin < round * 3; spin++) await new Promise((resolve) => setImmediate(resolve))
      capper.kill("SIGKILL")
      await capper.exited
    }
    expect(await command.exited).toBe(0)
    expectWhole(path)
    await capSpool(path, 512 * KB, { ended: true })
    expect(await spoolSize(path)).toBe(total)
    expect(keptOf(path)).toBeLessThanOrEqual(512 * KB)
    expect(onDisk(path)).toBeLessThanOrEqual(512 * KB + 1024 * KB)
    expectWhole(path)
  }, 60_000)
})

describe("reading across the gap", () => {
  const cut = async () => {
    const path = spoolOf(1024 * KB)
    await capSpool(path, 256 * KB, { ended: false })
    const gap = gapOf(path)!
    return { path, gap, note: `${gapNote(gap)}\n` }
  }

  test("offsets mean the same as before, on both sides", async () => {
    const { path, gap } = await cut()
    for (const offset of [0, 32 * KB, gap.from - 4 * LINE, gap.to, gap.to + 32 * KB])
      expect(await readRange(path, offset, 2 * LINE)).toBe(lines(offset / LINE, offset / LINE + 2))
  })

  test("a range with a part of it says so in its place, and where it goes on", async () => {
    const { path, gap, note } = await cut()
    const before = lines(gap.from / LINE - 2, gap.from / LINE)
    const behind = lines(gap.to / LINE, gap.to / LINE + 2)
    expect(await readRange(path, gap.from - 2 * LINE, 2 * LINE)).toBe(before)
    expect(await readRange(path, gap.from - 2 * LINE, 4 * LINE)).toBe(before + note)
    expect(await readRange(path, gap.from, 10)).toBe(note)
    expect(await readRange(path, gap.from + 5000, 10)).toBe(note)
    expect(await readRange(path, gap.from - 2 * LINE, gap.to - gap.from + 4 * LINE)).toBe(before + note + behind)
    expect(await readRange(path, gap.to - 5, 5 + 2 * LINE)).toBe(note + behind)
    expect(note).toContain(`bytes ${gap.from} to ${gap.to}`)
  })

  test("characters that the gap cuts in two are left out, not shown as rubbish", async () => {
    const path = newPath()
    // Three bytes each: no block ends where a character does.
    writeFileSync(path, "€".repeat(102_000))
    await cutSpool(path, { head: 4096, tail: 4096, ended: false })
    const { from, to } = gapOf(path)!
    expect([from % 3, to % 3]).not.toContain(0)
    const text = await readRange(path, 0, 306_000)
    expect(text).not.toContain("\ufffd")
    expect(text).not.toContain("\0")
    expect(text.replace(/\n.*\n/, "")).toMatch(/^€+$/)
  })

  test("following jumps over it and says so, once", async () => {
    const { path, gap } = await cut()
    let text = ""
    const gaps: Gap[] = []
    for (let offset = 0; ; ) {
      const news = await readNew(path, { offset, length: 10_000 })
      if (news.gap) gaps.push(news.gap)
      if (news.next === offset) break
      text += news.text
      offset = news.next
    }
    expect(gaps).toEqual([gap])
    expect(text).toBe(lines(0, gap.from / LINE) + lines(gap.to / LINE, (1024 * KB) / LINE))
  })

  test("who was behind when the middle went gets the rest, and is told how much is missing", async () => {
    const { path, gap } = await cut()
    const offset = gap.from + 7 * LINE
    const news = await readNew(path, { offset, length: 2 * LINE, lines: true })
    expect(news).toEqual({
      text: lines(gap.to / LINE, gap.to / LINE + 2),
      next: gap.to + 2 * LINE,
      gap: { from: offset, to: gap.to },
    })
  })

  test("the end is the end, and head and tail say what was not kept", async () => {
    const { path, gap } = await cut()
    expect(await readTail(path, 2 * LINE)).toBe(lines(64 * KB - 2, 64 * KB))
    const all = await readTail(path, 1024 * KB)
    expect(all).toContain(gapNote(gap))
    const shown = await readHeadTail(path, 4 * KB)
    expect(Buffer.byteLength(shown)).toBeLessThanOrEqual(4 * KB)
    expect(shown).toStartWith(line(0))
    expect(shown).toEndWith(line(64 * KB - 1))
    expect(shown).toContain(`bytes left out, ${gap.to - gap.from} of them not kept …`)
  })

  test("grep finds what is kept, and does not pass for having seen the rest", async () => {
    const { path, gap, note } = await cut()
    const last = 64 * KB - 1
    const behind = last - gap.to / LINE + 1
    expect(await grepSpool(path, new RegExp(`^0*(7|${last})$`))).toBe(
      `8: ${line(7)}${note.trimEnd()} lines are counted from here:\n+${behind}: ${line(last)}`,
    )
    expect(await grepSpool(path, /nothing like it/)).toBe(`${note.trimEnd()} lines are counted from here:\n`)
  })

  test("readers never see zero bytes while the middle goes under their hands", async () => {
    const path = newPath()
    const command = writer(path, (48 * 1024 * KB) / LINE)
    let ended = false
    void command.exited.then(() => {
      ended = true
    })
    const capping = (async () => {
      while (!ended) await capSpool(path, 1024 * KB, { ended: false })
    })()
    let offset = 0
    let misread = 0
    const check = (text: string) => {
      for (const one of text.split("\n").slice(1, -1)) if (!/^\d{15}$|^… /.test(one)) misread++
      if (text.includes("\0")) misread++
    }
    while (!ended) {
      const news = await readNew(path, { offset, length: 256 * KB })
      check(news.text)
      offset = news.next
      check(await readRange(path, Math.max(0, (await spoolSize(path)) - 1100 * KB), 900 * KB))
      check(await readTail(path, 700 * KB))
      check(await readHeadTail(path, 512 * KB))
    }
    await capping
    expect(misread).toBe(0)
  })
})
