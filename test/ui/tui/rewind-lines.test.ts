// What a rewind would do, in lines.
import { expect, test } from "bun:test"
import type { Step } from "../../../src/program.ts"
import { planLines } from "../../../src/ui/tui/rewind/rewind-lines.ts"
import { createTheme } from "../../../src/ui/tui/theme.ts"

test("a file that somebody else has changed is told from one of which that is not known", () => {
  const state = { kind: "absent" } as const
  const step = (path: string): Step => ({
    path,
    target: { kind: "file" },
    now: state,
    rootId: "root",
    kept: "git",
    added: 0,
    removed: 0,
  })
  const others = [
    { ...step("a.txt"), isSure: true },
    { ...step("b.txt"), isSure: false },
  ]
  const theme = createTheme("dark", { hasColour: false })
  const lines = planLines({ plan: { takes: [], others, lost: [] }, gaps: [], isBusy: undefined }, theme)
  expect(lines.map((line) => Bun.stripANSI(line))).toEqual([
    "comes back    a.txt changed by somebody else too",
    "comes back    b.txt perhaps changed by somebody else too",
  ])
})
