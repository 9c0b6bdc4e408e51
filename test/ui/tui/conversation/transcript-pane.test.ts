// What was laid out is kept and only what changed is laid out anew: whatever changes, the lines must be those that a
// fresh pane would show, and a click must mean the line that it hits.
import { expect, test } from "bun:test"
import fc from "fast-check"
import { TranscriptPane, type TranscriptPaneParts } from "../../../../src/ui/tui/conversation/transcript-pane.ts"
import type { Target } from "../../../../src/ui/tui/line.ts"
import { createTheme } from "../../../../src/ui/tui/theme.ts"
import type { CallEntry, Entry } from "../../../../src/ui/view/entry.ts"

const plain = createTheme("dark", { hasColour: false })

interface Fake {
  entries: readonly Entry[]
  version: number
}

function paneOf(transcript: Fake, more: Partial<TranscriptPaneParts> = {}) {
  return new TranscriptPane({
    transcript: transcript as never,
    theme: () => plain,
    now: () => 5000,
    isAsking: () => false,
    onTarget: () => undefined,
    opening: () => [],
    closing: () => [],
    requestRender: () => undefined,
    ...more,
  })
}

let made = 0
const prompt = (said: string): Entry => ({
  type: "prompt",
  id: `p${++made}`,
  text: said,
  images: 0,
  from: "human",
  at: 1,
})
const speech = (said: string, isStreaming = false): Entry => ({
  type: "text",
  id: `t${++made}`,
  text: said,
  isStreaming,
  at: 1,
})
const call = (state: CallEntry["state"]): CallEntry => ({
  type: "call",
  id: `c${++made}`,
  tool: "Read",
  input: { file_path: "a.ts" },
  state,
  output: "one\ntwo\nthree",
  data: { lines: 3 },
  stepId: "s",
  startedAt: 1000,
  endedAt: null,
  task: undefined,
  at: 1,
})

const anEntry = fc.oneof(
  fc.string({ maxLength: 60 }).map((said) => prompt(`q ${said}`)),
  fc.lorem({ maxCount: 30 }).map((said) => speech(said)),
  fc.lorem({ maxCount: 30 }).map((said) => speech(said, true)),
  fc.constantFrom("pending", "running", "done", "failed").map((state) => call(state as CallEntry["state"])),
)

type Change = { what: "append" | "replace" | "remove" | "prepend" | "fold" | "tick" | "grow"; entry: Entry; at: number }

test("after any changes the lines are those of a fresh pane", () => {
  const changes: fc.Arbitrary<Change[]> = fc.array(
    fc.record({
      what: fc.constantFrom("append", "replace", "remove", "prepend", "fold", "tick", "grow" as const),
      entry: anEntry,
      at: fc.nat(),
    }) as fc.Arbitrary<Change>,
    { maxLength: 25 },
  )
  fc.assert(
    fc.property(changes, fc.integer({ min: 20, max: 120 }), (all, width) => {
      const shown: Fake = { entries: [], version: 0 }
      const pane = paneOf(shown)
      const unfolded = new Set<string>()
      for (const { what, entry, at } of all) {
        const { entries } = shown
        const index = entries.length === 0 ? 0 : at % entries.length
        const known = entries[index]
        if (what === "append") shown.entries = [...entries, entry]
        if (what === "prepend") shown.entries = [entry, ...entries]
        if (what === "replace" && known) shown.entries = entries.with(index, { ...entry, id: known.id } as Entry)
        if (what === "remove" && known) shown.entries = entries.toSpliced(index, 1)
        if (what === "fold" && known) {
          pane.toggle(known.id)
          if (!unfolded.delete(known.id)) unfolded.add(known.id)
        }
        if (what === "tick") pane.tick()
        if (what === "grow" && known?.type === "text" && known.isStreaming)
          shown.entries = entries.with(index, { ...known, text: `${known.text} and\n\n- ${at}` })
        shown.version++
        const fresh = paneOf({ ...shown })
        for (const id of unfolded) fresh.toggle(id)
        expect(pane.render(width)).toEqual(fresh.render(width))
      }
    }),
    { numRuns: 60 },
  )
})

test("what has not changed is not laid out again, also between things that have", () => {
  const asked: string[] = []
  const calls = Array.from({ length: 5 }, () => call("running"))
  const shown: Fake = { entries: [...calls, speech("One ", true)], version: 1 }
  const pane = paneOf(shown, { isAsking: (id) => asked.push(id) < 0 })
  pane.render(60)
  asked.length = 0
  const said = { ...speech("One two", true), id: shown.entries[5]!.id } as Entry
  shown.entries = [{ ...calls[0]!, state: "done" } as Entry, ...calls.slice(1), said]
  shown.version++
  expect(pane.render(60).join("\n")).toContain("One two")
  expect(new Set(asked)).toEqual(new Set([calls[0]!.id]))
})

test("with the frame after a tick, and not before, what runs says how long", () => {
  let now = 5000
  const shown: Fake = { entries: [call("running"), call("done")], version: 1 }
  const pane = paneOf(shown, { now: () => now })
  expect(pane.render(60)[0]).toContain("4 s")
  now = 9000
  expect(pane.render(60)[0]).toContain("4 s")
  pane.tick()
  expect(pane.render(60)[0]).toContain("8 s")
})

test("a click means the line that it hits, also below an opening that grew and entries that came before", () => {
  const entries = [prompt("ask"), call("done"), speech("answer")]
  const shown: Fake = { entries, version: 1 }
  const opening = [{ text: "hello" }]
  const hit: Target[] = []
  const pane = paneOf(shown, {
    opening: () => opening,
    isAsking: (id) => id === entries[1]!.id,
    onTarget: (target) => void hit.push(target),
  })
  const click = () => {
    const y = pane.render(60).findIndex((line) => line.includes("Read"))
    const at = { x: 5, y, screenX: 5, screenY: y, width: 60, height: 20 }
    pane.handleMouse({ type: "click", button: "left", shift: false, alt: false, ctrl: false, ...at })
  }
  click()
  opening.push({ text: "and more" })
  shown.entries = [prompt("earlier"), ...entries]
  shown.version++
  click()
  expect(hit).toEqual([{ type: "requests" }, { type: "requests" }])
})

test("no line is wider than the screen, whatever was said", () => {
  fc.assert(
    fc.property(fc.array(anEntry, { maxLength: 6 }), fc.integer({ min: 20, max: 60 }), (entries, width) => {
      const lines = paneOf({ entries, version: 1 }).render(width)
      for (const line of lines) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(width)
    }),
    { numRuns: 60 },
  )
})

test("a conversation of 10,000 entries costs a frame what has changed, not what there is", () => {
  const entries = Array.from({ length: 10_000 }, (_, i) => (i % 2 ? speech(`answer ${i}`) : prompt(`question ${i}`)))
  const shown: Fake = { entries, version: 1 }
  const pane = paneOf(shown)
  pane.render(100)
  const { length } = pane.render(100)
  let laidOut = 0
  const counting = paneOf(shown, {
    isAsking: () => {
      laidOut++
      return false
    },
  })
  counting.render(100)
  laidOut = 0
  shown.entries = [...entries, call("running")]
  shown.version++
  expect(counting.render(100).length).toBe(length + 2)
  expect(laidOut).toBeLessThanOrEqual(4)
})
