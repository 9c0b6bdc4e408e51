import { describe, expect, test } from "bun:test"
import {
  activityLines,
  footLine,
  headLines,
  queueLines,
  requestLines,
  stripLine,
} from "../../../../src/ui/tui/conversation/chrome.ts"
import { createTheme } from "../../../../src/ui/tui/theme.ts"
import type { Request } from "../../../../src/ui/view/requests.ts"
import type { TaskItem } from "../../../../src/ui/view/task-item.ts"

const theme = createTheme("dark", { hasColour: false })
const bare = (text: string) => Bun.stripANSI(text)

const heading = {
  name: "auth-research",
  model: "anthropic/claude-sonnet-5-5",
  cwd: "/srv/projects/shop",
  branch: "main",
  totals: { tokens: 12_400, costNanos: 80_000_000, isEstimated: false },
  isViewer: false,
}

const task = (more: Partial<TaskItem>) =>
  ({ kind: "agent", state: "running", look: "running", isBackground: true, isService: false, ...more }) as TaskItem

const request = (more: Partial<Request> = {}) =>
  ({
    id: "a",
    type: "permission",
    tool: "Bash",
    what: "npm install",
    agent: "explore",
    taskId: undefined,
    ...more,
  }) as Request

describe("the head", () => {
  test("says the model, the place, the tokens and the cost", () => {
    expect(bare(headLines(heading, 100, theme)[0]!)).toEndWith(
      "claude-sonnet-5-5 · /srv/projects/shop (main) · 12.4k tok · $0.08 ",
    )
  })

  test("gives up what is long before what is short, and never the cost", () => {
    const head = (width: number) => bare(headLines(heading, width, theme)[0]!)
    expect(head(74)).toEndWith("claude-sonnet-5-5 · shop (main) · 12.4k tok · $0.08 ")
    expect(head(40)).toEndWith(" 12.4k tok · $0.08 ")
    for (let width = 20; width < 120; width++) expect(Bun.stringWidth(head(width))).toBeLessThanOrEqual(width)
  })

  test("says that a figure is a guess, and that a price is not known", () => {
    const line = (totals: typeof heading.totals | { tokens: number; costNanos: null; isEstimated: boolean }) =>
      bare(headLines({ ...heading, totals }, 100, theme)[0]!)
    expect(line({ tokens: 10, costNanos: 20_000_000, isEstimated: true })).toContain("≈10 tok · ≈$0.02")
    expect(line({ tokens: 10, costNanos: null, isEstimated: false })).toContain("10 tok · $? ")
  })
})

describe("the strip", () => {
  const strip = (items: TaskItem[], requests: Request[] = [], width = 100) =>
    stripLine({ items, requests, hint: "ctrl+t tasks" }, { width, theme, now: 0 })

  test("counts what runs in the background by its kind, and what needs somebody", () => {
    const items = [
      task({}),
      task({}),
      task({ kind: "shell" }),
      task({ kind: "shell", isService: true, look: "service" }),
      task({ state: "queued", look: "queued", kind: "shell" }),
      task({ state: "paused", look: "paused" }),
      task({ isBackground: false }),
      task({ state: "completed", look: "done" }),
    ]
    const line = bare(strip(items, [request()])!)
    expect(line).toMatch(
      /^ ◐ 2 agents {2}◐ 1 shell {2}◐ 1 service {2}○ 1 queued {2}‖ 1 paused {2}▲ 1 needs you +ctrl\+t tasks $/,
    )
  })

  test("in a narrow terminal gives up its hint, and never what needs somebody", () => {
    const items = [task({}), task({ kind: "shell" }), task({ state: "queued", look: "queued" })]
    expect(bare(strip(items, [request()], 52)!)).toBe(" ◐ 1 agent  ◐ 1 shell  ○ 1 queued  ▲ 1 needs you")
    expect(bare(strip(items, [request()], 30)!)).toStartWith(" ▲ 1 needs you  ◐ 1 agent")
  })

  test("is not there when there is nothing to say", () => {
    expect(strip([task({ state: "completed", look: "done" })])).toBeUndefined()
  })
})

test("a request says who wants what, and how it is answered", () => {
  const of = (requests: Request[]) =>
    requestLines(requests, { width: 80, theme, hint: "↵ answer" }).map(({ text }) => bare(text))
  expect(of([])).toEqual([])
  expect(of([request()])[0]).toMatch(/^ ▲ wants Bash: npm install +↵ answer $/)
  expect(of([request({ taskId: "7f2abc" }), request()])[0]).toContain(
    "explore 7f2a wants Bash: npm install  and 1 more",
  )
  expect(of([request({ type: "question", what: "Which one?" })])[0]).toContain("asks: Which one?")
})

test("a command that would break the line is shown as one line", () => {
  const [line] = requestLines([request({ what: "a\nb\x1b[31m" })], { width: 60, theme, hint: "↵" })
  expect(line!.text).not.toContain("\n")
  expect(line!.text).not.toContain("\x1b[31m")
})

test("queued prompts say when they are heard; of many the last", () => {
  const prompts = Array.from({ length: 6 }, (_, i) => ({
    id: `${i}`,
    text: `p${i}`,
    images: 0,
    delivery: "queue" as const,
  }))
  const lines = queueLines([...prompts, { id: "x", text: "", images: 2, delivery: "steer" }], {
    width: 60,
    theme,
    hint: "↑ takes it back",
  }).map(bare)
  expect(lines).toEqual([
    "   and 3 more",
    " ↳ queued: p3",
    " ↳ queued: p4",
    " ↳ queued: p5",
    " ↳ next: 2 images  ↑ takes it back",
  ])
})

test("the activity says how to get free, what failed, and that nobody works", () => {
  const lines = (activity: Parameters<typeof activityLines>[0]) =>
    activityLines(activity, {
      width: 90,
      theme,
      now: 10_000,
      hint: (action) => (action === "interrupt" ? "esc" : "ctrl+b"),
    })
      .map(({ text }) => bare(text).trim())
      .join("")
  expect(lines({ type: "idle" })).toBe("")
  expect(lines({ type: "thinking", since: 2000 })).toBe("◓ thinking · 8 s · esc interrupts".replace("◓", "◑"))
  expect(lines({ type: "blocked", since: 0, on: [] })).toBe("ctrl+b  keep talking while these run")
  expect(lines({ type: "retrying", since: 0, until: 12_500, reason: "busy\x1b[2J" })).toBe(
    "↻ asking again in 3 s: busy",
  )
  expect(lines({ type: "abandoned" })).toContain("has gone")
})

test("the foot shows the mode and as many hints as there is room for; a word takes their place", () => {
  const foot = { mode: "default", hints: ["ctrl+b background", "esc interrupt", "? keys"], flash: undefined }
  expect(bare(footLine(foot, 80, theme))).toBe("  default · ctrl+b background · esc interrupt · ? keys")
  expect(bare(footLine(foot, 34, theme))).toBe("  default · ctrl+b background")
  expect(bare(footLine({ ...foot, flash: "copied" }, 80, theme))).toBe("  default · copied")
})
