// The measure of key echo: it waits for the character that was typed, not for any bytes, and it takes what it says.
import { afterAll, expect, test } from "bun:test"
import { join } from "node:path"
import { firstKeyMs, keyEcho, rawCatEcho } from "../../bench/key-echo.ts"
import { temporaryFolder } from "../../testing/harness.ts"
import { openTerminal, type Place } from "../../testing/terminal.ts"

const folder = temporaryFolder()
afterAll(() => folder[Symbol.dispose]())
const place: Place = { cwd: folder.path, home: join(folder.path, "home"), env: { PATH: process.env.PATH ?? "" } }

test("cat in raw mode gives each character back", async () => {
  const echo = await rawCatEcho(place, { samples: 20, everyMs: 2 })
  expect(echo.samples.length).toBe(20)
  expect(echo.p50).toBeGreaterThan(0)
  expect(echo.most).toBeGreaterThanOrEqual(echo.p99)
  expect(echo.p99).toBeGreaterThanOrEqual(echo.p50)
})

test("a slow program among other output is measured by its echo alone, and its line is emptied", async () => {
  const script = `
    process.stdin.setRawMode(true)
    process.stdout.write("ready")
    setInterval(() => process.stdout.write("noise "), 1)
    let line = ""
    process.stdin.on("data", (bytes) => {
      line = bytes[0] === 0x15 ? "" : line + bytes
      const shown = line
      setTimeout(() => process.stdout.write("\\r" + shown + (shown === "" ? "empty" : "")), 25)
    })`
  await using terminal = await openTerminal(place, { command: [process.execPath, "-e", script] })
  await terminal.shows("ready")
  const echo = await keyEcho(terminal, { samples: 6, everyMs: 2, clear: { key: "ctrl+u", after: 3 } })
  expect(Math.min(...echo.samples)).toBeGreaterThanOrEqual(24)
  expect(terminal.raw().split("empty").length).toBe(3)
  // What came meanwhile is drawn, and what comes now too.
  await terminal.shows("noise")
  terminal.type("Ω")
  await terminal.shows("Ω")
})

test("the first key is one that the program itself shows", async () => {
  const script = (after: number) => `
    setTimeout(() => {
      process.stdin.setRawMode(true)
      process.stdin.on("data", (bytes) => process.stdout.write(bytes))
      process.stdout.write("ready")
    }, ${after})
    process.stdout.write("\\x1b[?1049h")`
  const first = (after: number) => firstKeyMs(place, { command: [process.execPath, "-e", script(after)] })
  expect(await first(150)).toBeGreaterThan(150)
  await expect(firstKeyMs(place, { command: ["sh", "-c", "exit 3"] })).rejects.toThrow("ended with 3 before")
})
