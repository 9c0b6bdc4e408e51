// What is written to the terminal while everything is at work: whole frames, only the rows that have changed, and no more
// of them than anybody could see.
import { describe, expect, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { busyScript } from "../../../bench/terminal/script.ts"
import { AGENTS, BUSY, SHELLS, SMALL } from "../../../bench/terminal/story.ts"
import { workbench } from "../../../testing/headless.ts"
import { startModelServer } from "../../../testing/model-server.ts"
import { openTerminal, type Terminal } from "../../../testing/terminal.ts"

const FRAMES = 40
const FRAME = /\x1b\[\?2026h([\s\S]*?)\x1b\[\?2026l/g

async function busy(run: (terminal: Terminal) => Promise<void>, size: { columns: number; rows: number }) {
  await using server = await startModelServer({ check: "off", keep: "summary" })
  server.script = busyScript(() => undefined)
  await using bench = workbench(server)
  writeFileSync(join(bench.cwd, SMALL), "This is small.")
  const args = ["--permission-mode", "bypassPermissions", BUSY]
  await using terminal = await openTerminal(bench, { args, ...size })
  await terminal.shows(new RegExp(`${AGENTS} agents.*${SHELLS} shells`), { limitMs: 60_000 })
  await terminal.shows("openStore", { limitMs: 60_000 })
  await run(terminal)
}

/** The rows that a frame writes: the library puts the cursor at each, and clears it. */
function rowsOf(frame: string): [row: number, content: string][] {
  const [, ...rows] = frame.split(/\x1b\[(\d+);1H\x1b\[2K/)
  return rows.flatMap((row, i) => (i % 2 === 0 ? [[Number(row), rows[i + 1]!] as [number, string]] : []))
}

describe("while 50 tasks report and 100 tokens a second stream", () => {
  test("each frame is one update of the rows that have changed, and nothing is written beside them", async () => {
    await busy(
      async (terminal) => {
        const start = terminal.mark()
        await terminal.shows(() => terminal.written(start).frames.length >= FRAMES)
        const { bytes, fullRepaints, frames, ms } = terminal.written(start)
        const raw = terminal.raw(start)
        // The first and the last frame may be cut by the time of looking.
        const whole = raw.slice(raw.indexOf("\x1b[?2026h"), raw.lastIndexOf("\x1b[?2026l") + 8)
        expect(fullRepaints).toBe(0)
        expect(whole.replace(FRAME, "").replace(/\x1b\]0;[^\x07]*\x07/g, "")).toBe("")
        const screen = new Map<number, string>()
        let rewritten = 0
        for (const [, frame] of whole.matchAll(FRAME)) {
          expect(frame).not.toContain("\x1b[2J")
          for (const [row, content] of rowsOf(frame!)) {
            if (screen.get(row) === content) rewritten++
            screen.set(row, content)
          }
        }
        expect(screen.size).toBeGreaterThan(5)
        expect(rewritten).toBe(0)
        const seconds = ms / 1000
        expect(frames.length / seconds).toBeLessThan(25)
        expect(bytes / seconds).toBeLessThan(60_000)
      },
      { columns: 100, rows: 30 },
    )
  }, 90_000)

  test("a window of any size, and one that changes its size, shows the conversation and never anything else", async () => {
    await busy(
      async (terminal) => {
        const sizes: [number, number][] = [
          [300, 100],
          [20, 6],
          [80, 24],
          [1, 1],
          [40, 3],
          [120, 40],
          [21, 60],
          [80, 24],
        ]
        for (const [columns, rows] of sizes) {
          const before = terminal.mark()
          terminal.resize(columns, rows)
          // Drawn anew at that size, once.
          await terminal.shows(() => terminal.written(before).fullRepaints > 0)
          await terminal.shows(() => terminal.lines().length === rows)
          expect(terminal.written(before).fullRepaints).toBeLessThanOrEqual(2)
          if (columns < 20 || rows < 6) continue
          await terminal.shows("›")
          expect(terminal.text()).not.toMatch(/\ufffd|\[\?2026|undefined|\[object/)
        }
        terminal.type("still here")
        await terminal.shows("still here")
        await terminal.shows(/agents/)
        expect(terminal.lines()[0]).toContain(BUSY)
      },
      { columns: 80, rows: 24 },
    )
  }, 90_000)
})
