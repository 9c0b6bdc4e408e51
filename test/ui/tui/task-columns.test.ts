// A task in each of its states as a row of the panel, at different widths, with and without colours.
import { describe, expect, test } from "bun:test"
import { visibleWidth } from "@earendil-works/pi-tui"
import { stripControl } from "../../../src/base/escape.ts"
import { taskLineOf } from "../../../src/ui/tui/tasks/task-columns.ts"
import { createTheme } from "../../../src/ui/tui/theme.ts"
import type { TaskItem } from "../../../src/ui/view/task-item.ts"
import { taskItemOf } from "./task-item-of.ts"

const NOW = 100_000
const theme = createTheme("dark", { hasColour: true })

function row(
  more: Partial<TaskItem>,
  { width = 80, isDriven = true, isChosen = false, drawn = theme, at = NOW } = {},
): string {
  const item = taskItemOf("7f2acafe", {
    title: "current auth code",
    startedAt: NOW - 42_000,
    tokens: 8100,
    costNanos: 2e7,
    ...more,
  })
  const group = { rootId: "root", name: "", isOwn: true, isDriven, items: [item] }
  return taskLineOf({ type: "task", item, group }, { width, theme: drawn, now: at, idLength: 4, isChosen })
}

const shown = (...[more, how]: Parameters<typeof row>) => stripControl(row(more, how)).trimEnd()

describe("each state says what it is", () => {
  const shell = { kind: "shell", agent: undefined, title: "npm run build", command: "npm run build" }
  const states: [string, Partial<TaskItem>, string][] = [
    [
      "running",
      { doing: "Read src/auth.ts" },
      " ◐ 7f2a  explore  current auth code     0:42   8.1k   $0.02  Read src/auth.ts",
    ],
    ["waiting", { look: "waiting" }, " ◌ 7f2a  explore  current auth code     0:42   8.1k   $0.02  waits for its own…"],
    [
      "asking",
      { look: "asking", doing: "wants Bash: ls", health: "waiting for you" },
      " ▲ 7f2a  explore  current auth code     0:42   8.1k   $0.02  wants Bash: ls",
    ],
    [
      "queued",
      { state: "queued", look: "queued", reason: "waits for 9c4" },
      " ○ 7f2a  explore  current auth code     0:42   8.1k   $0.02  queued: waits for…",
    ],
    [
      "paused",
      { state: "paused", look: "paused", reason: "cap: $1.00", pausedAt: NOW - 2000, health: "over cap" },
      " ‖ 7f2a  explore  current auth code     0:40   8.1k   $0.02  over cap · paused…",
    ],
    [
      "service",
      { ...shell, look: "service", isService: true, doing: "ready" },
      " ◉ 7f2a  $ npm run build                0:42      –       –  service · ready",
    ],
    [
      "completed",
      { state: "completed", look: "done", doing: "12 tests", result: "12 tests", endedAt: NOW },
      " ✓ 7f2a  explore  current auth code     0:42   8.1k   $0.02  12 tests",
    ],
    [
      "failed",
      { ...shell, state: "failed", look: "failed", exitCode: 1, result: "a\nbroken\n", endedAt: NOW },
      " ✗ 7f2a  $ npm run build                0:42      –       –  exit code 1 · bro…",
    ],
    [
      "stopped",
      { state: "stopped", look: "stopped", reason: "stopped by the user", endedAt: NOW },
      " ■ 7f2a  explore  current auth code     0:42   8.1k   $0.02  stopped by the us…",
    ],
    [
      "timed out",
      { state: "timed_out", look: "failed", endedAt: NOW },
      " ✗ 7f2a  explore  current auth code     0:42   8.1k   $0.02  timed out",
    ],
    [
      "skipped",
      { state: "skipped", look: "stopped", reason: "9c4 failed", endedAt: NOW },
      " ■ 7f2a  explore  current auth code     0:42   8.1k   $0.02  skipped: 9c4 fail…",
    ],
    [
      "lost",
      { state: "lost", look: "lost", reason: "it is gone", endedAt: NOW },
      " ? 7f2a  explore  current auth code     0:42   8.1k   $0.02  lost: it is gone",
    ],
    [
      "stalled",
      { health: "stalled", doing: "Bash" },
      " ◐ 7f2a  explore  current auth code     0:42   8.1k   $0.02  stalled · Bash",
    ],
    [
      "undelivered",
      { state: "completed", look: "done", doing: "x", health: "undelivered", endedAt: NOW },
      " ✓ 7f2a  explore  current auth code     0:42   8.1k   $0.02  undelivered · x",
    ],
    ["unpriced", { costNanos: null, isEstimated: true }, " ◐ 7f2a  explore  current auth code     0:42  ≈8.1k      $?"],
  ]
  for (const [name, more, line] of states) test(name, () => expect(shown(more).replace(/^ [◐◓◑◒]/, " ◐")).toBe(line))

  test("nobody drives it: that is said, and nothing turns", () => {
    expect(shown({}, { isDriven: false })).toEndWith("nobody drives it")
    const marks = [1, 2, 3].map((seconds) => row({}, { isDriven: false, at: NOW + seconds * 1000 }).slice(0, 20))
    expect(new Set(marks).size).toBe(1)
    expect(row({}, { at: NOW + 1000 }).slice(0, 20)).not.toBe(row({}, { at: NOW + 2000 }).slice(0, 20))
  })
})

test("no row is wider or narrower than asked, and its columns stand where those of others stand", () => {
  const items: Partial<TaskItem>[] = [
    { doing: "x".repeat(500) },
    { title: "漢字かな交じり文の長い題名です", doing: "漢字".repeat(100) },
    { depth: 9, doing: "deep" },
    { tokens: 123_456_789, costNanos: 123_456e9, isEstimated: true, startedAt: -1e12 },
    { kind: "shell", agent: undefined, title: "" },
  ]
  for (const width of [40, 60, 79, 80, 99, 100, 140, 200, 300])
    for (const more of items) expect([width, visibleWidth(row(more, { width }))]).toEqual([width, width])
  for (const width of [80, 140]) {
    const times = items.slice(0, 3).map((more) => visibleWidth(shown(more, { width }).split("0:42")[0]!))
    expect(new Set(times).size).toBe(1)
  }
})

test("the chosen row is seen without colours too, and nothing else is coloured then", () => {
  const plain = createTheme("dark", { hasColour: false })
  const chosen = row({ doing: "x" }, { drawn: plain, isChosen: true })
  expect(chosen).toStartWith("\x1b[7m")
  expect(chosen).toEndWith("\x1b[27m")
  expect(row({ doing: "x" }, { drawn: plain })).not.toContain("\x1b[")
})
