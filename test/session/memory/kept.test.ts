import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import {
  edited,
  isUsers,
  type Kept,
  textOfLine,
  withLinesAdded,
  withProgramLines,
} from "../../../src/session/memory/kept.ts"

const user = (text: string) => ({ user: text })

describe("what a model writes into a section", () => {
  test("replaces its own lines, and leaves the user's at their places", () => {
    const kept: Kept = { lines: ["- one", user("- mine"), "- two", user("- mine too")] }
    const updated = withProgramLines(kept, ["- one", "- three"])
    expect(updated.lines).toEqual(["- one", user("- mine"), user("- mine too"), "- three"])
  })

  test("keeps the user's lines at the top when nothing is left that they stood behind", () => {
    expect(withProgramLines({ lines: ["- a", user("- mine")] }, ["- b"]).lines).toEqual([user("- mine"), "- b"])
  })

  test("does not repeat the user's lines, nor bring back what the user took out, however it is written", () => {
    const kept: Kept = { lines: [user("- Use Bun")], removed: ["- Use Node"] }
    expect(withProgramLines(kept, ["- use bun", "use node", "* USE NODE", "- be quick"]).lines).toEqual([
      user("- Use Bun"),
      "- be quick",
    ])
  })

  test("is added to the log, whose oldest lines of the program's go when there are too many", () => {
    const log: Kept = { lines: ["- 1", user("- mine"), "- 2"] }
    expect(withLinesAdded(log, ["- 3", "- 4"], 3).lines).toEqual([user("- mine"), "- 2", "- 3", "- 4"])
  })
})

describe("what the user saves", () => {
  test("is the user's where it is new, and stays the program's where it is as it was", () => {
    const base: Kept = { lines: ["- one", "- two"] }
    const saved = edited({ base, now: base, text: "- one\n- 2\n\n- three\n" })
    expect(saved.lines).toEqual(["- one", user("- 2"), user(""), user("- three")])
    expect(saved.removed).toEqual(["- two"])
  })

  test("wins over what the model wrote meanwhile, which stays beside it", () => {
    const base: Kept = { lines: ["- one", "- two"] }
    const now: Kept = { lines: ["- one", "- two", "- new from the model"] }
    expect(edited({ base, now, text: "- one" }).lines).toEqual(["- one", "- new from the model"])
  })

  test("may be nothing: then the section is empty, and stays so", () => {
    const base: Kept = { lines: ["- one"] }
    const saved = edited({ base, now: base, text: "\n\n" })
    expect(saved).toEqual({ lines: [], removed: ["- one"] })
    expect(withProgramLines(saved, ["- one"]).lines).toEqual([])
  })

  test("with line ends of another system is the same text", () => {
    const base: Kept = { lines: ["- one", "- two"] }
    expect(edited({ base, now: base, text: "- one\r\n- two\r\n" })).toEqual(base)
  })
})

test("whatever models and users write in turn, every line of the user's is there until the user changes it", () => {
  const line = fc.constantFrom("- a", "- b", "- c", "- d", "- e", "")
  const step = fc.oneof(
    fc.record({ by: fc.constant("model" as const), lines: fc.array(line, { maxLength: 6 }) }),
    fc.record({ by: fc.constant("log" as const), lines: fc.array(line, { maxLength: 3 }) }),
    fc.record({ by: fc.constant("user" as const), lines: fc.array(line, { maxLength: 6 }) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      let kept: Kept = { lines: [] }
      for (const { by, lines } of steps) {
        const mine = kept.lines.filter(isUsers)
        if (by === "user") {
          kept = edited({ base: kept, now: kept, text: lines.join("\n") })
          const saved = lines
            .join("\n")
            .replace(/^\s*\n/, "")
            .trimEnd()
          expect(kept.lines.map(textOfLine).join("\n")).toBe(saved)
          continue
        }
        kept = by === "model" ? withProgramLines(kept, lines) : withLinesAdded(kept, lines, 4)
        expect(kept.lines.filter(isUsers)).toEqual(mine)
        const gone = new Set(kept.removed)
        expect(kept.lines.filter((one) => typeof one === "string" && one !== "" && gone.has(one))).toEqual([])
      }
    }),
  )
})
