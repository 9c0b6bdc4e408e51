// The log file is for the worst moments: it must work, and must never make them worse.
import { afterEach, beforeEach, expect, test } from "bun:test"
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Clock } from "../../src/base/clock.ts"
import { createLog } from "../../src/base/log.ts"

const clock: Clock = {
  now: () => Date.UTC(2026, 0, 31, 12),
  monotonic: () => 0,
  sleep: () => Promise.reject(new Error("not used")),
}
let folder: string
let data: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "meanwhile-log-"))
  data = join(folder, "data")
})
afterEach(() => rmSync(folder, { recursive: true }))

test("an entry is one line with time, level and ids, in a file for the person alone", () => {
  const log = createLog(data, clock)
  log.info("started", { session: "s1" })
  log.warn("two\nlines \x1b[31m", { session: "s1", task: "t1" })
  expect(readFileSync(log.path, "utf8")).toBe(
    "2026-01-31T12:00:00.000Z INFO session=s1 started\n2026-01-31T12:00:00.000Z WARN session=s1 task=t1 two\\nlines \\x1b[31m\n",
  )
  expect(statSync(log.path).mode & 0o777).toBe(0o600)
  expect(statSync(join(data, "logs")).mode & 0o777).toBe(0o700)
  expect(statSync(data).mode & 0o777).toBe(0o700)
})

test("nothing is made before the first entry", () => {
  createLog(data, clock)
  expect(existsSync(data)).toBe(false)
})

test("an error is logged with its stack, in one line", () => {
  const log = createLog(data, clock)
  log.error("it broke", { error: new TypeError("no such thing") })
  const text = readFileSync(log.path, "utf8")
  expect(text).toContain("ERROR it broke | TypeError: no such thing\\n")
  expect(text).toContain("log.test.ts")
  expect(text.split("\n")).toHaveLength(2)
})

test("a huge entry is cut", () => {
  const log = createLog(data, clock)
  log.info("x".repeat(1_000_000))
  expect(statSync(log.path).size).toBeLessThan(9000)
})

test("at 5 MB the file becomes the old one, which is the only one kept", () => {
  const log = createLog(data, clock)
  log.info("oldest")
  truncateSync(log.path, 5 * 1024 * 1024)
  log.info("newer")
  expect(readFileSync(`${log.path}.1`, "utf8")).toStartWith("2026-01-31T12:00:00.000Z INFO oldest\n")
  expect(readFileSync(log.path, "utf8")).toBe("2026-01-31T12:00:00.000Z INFO newer\n")
  truncateSync(log.path, 5 * 1024 * 1024)
  log.info("newest")
  expect(readFileSync(`${log.path}.1`, "utf8")).toStartWith("2026-01-31T12:00:00.000Z INFO newer\n")
})

test("logging that fails throws nothing, and is told by the next entry that succeeds", () => {
  writeFileSync(data, "a file where the folder should be")
  const log = createLog(data, clock)
  log.info("lost")
  log.error("lost", { error: Object.create(null) })
  rmSync(data)
  log.info("back")
  expect(readFileSync(log.path, "utf8").split("\n").slice(0, 2)).toEqual([
    "2026-01-31T12:00:00.000Z WARN 2 entries could not be written",
    "2026-01-31T12:00:00.000Z INFO back",
  ])
  log.info("told once")
  expect(readFileSync(log.path, "utf8").split("\n")).toHaveLength(4)
})
