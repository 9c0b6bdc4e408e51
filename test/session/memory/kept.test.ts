import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import {
  edited,
  isUsers,
  type Kept,
  textOfKept,
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

  test("leaves the user's in their order where its own come in another one: those keep their places then", () => {
    const kept: Kept = { lines: ["- one", user("- of one"), "- two", user("- of two"), "- three"] }
    expect(withProgramLines(kept, ["- three", "- two", "- new", "- one"]).lines).toEqual([
      "- one",
      user("- of one"),
      "- two",
      user("- of two"),
      "- new",
      "- three",
    ])
    const free: Kept = { lines: ["- one", "- two", user("- of two"), "- three"] }
    const fresh = ["- three", "- two", "- one"]
    expect(withProgramLines(free, fresh).lines).toEqual(["- three", "- two", user("- of two"), "- one"])
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

  test("is added to the log, which it says again in part, and the user's lines stay in their order", () => {
    const log: Kept = { lines: ["- d", user("- a"), "- b", user(""), user("- a")] }
    expect(withLinesAdded(log, ["- a", "- a", "- d"], 4)).toEqual(log)
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

  test("stays beside what the user saved at another place meanwhile", () => {
    const base: Kept = { lines: ["- one", user("- mine"), user("- old")] }
    const now = edited({ base, now: base, text: "- one\n- mine\n- of there" })
    const saved = edited({ base, now, text: "- one\n- mine, of here" })
    expect(saved.lines).toEqual(["- one", user("- mine, of here"), user("- of there")])
  })

  test("is as it has become since when the user changed nothing", () => {
    const base: Kept = { lines: ["- at work", user("- mine")] }
    const now = withProgramLines(base, ["- done"])
    expect(edited({ base, now, text: "- at work\n- mine\n" })).toEqual(now)
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
  const line = fc.constantFrom("- a", "- b", "- c", "- d", "- e", "- A", "  - b", "")
  const lines = (maxLength: number) => fc.array(line, { maxLength })
  const model = fc.record({ by: fc.constant("model" as const), lines: lines(6) })
  const log = fc.record({ by: fc.constant("log" as const), lines: lines(3) })
  // What the others write while the user's editor is open.
  const meanwhile = fc.array(
    fc.oneof(model, log, fc.record({ by: fc.constant("elsewhere" as const), lines: lines(6) })),
    { maxLength: 2 },
  )
  const user = fc.record({ by: fc.constant("user" as const), lines: lines(6), meanwhile })

  const byProgram = (kept: Kept, { by, lines }: { by: "model" | "log"; lines: readonly string[] }) => {
    const written = by === "model" ? withProgramLines(kept, lines) : withLinesAdded(kept, lines, 4)
    expect(written.lines.filter(isUsers)).toEqual(kept.lines.filter(isUsers))
    const own = written.lines.filter((one) => typeof one === "string")
    expect(own).toEqual([...new Set(own)])
    const gone = new Set(kept.removed)
    expect(own.filter((one) => one !== "" && gone.has(one))).toEqual([])
    return written
  }
  const byUser = (base: Kept, now: Kept, lines: readonly string[]) => {
    const text = lines.join("\n")
    const saved = edited({ base, now, text })
    const shown = saved.lines.map(textOfLine)
    const wanted = text.replace(/^\s*\n/, "").trimEnd()
    if (wanted === textOfKept(base)) {
      expect(saved).toEqual(now)
      return saved
    }
    const mine = wanted === "" ? [] : wanted.split("\n")
    expect(shown.slice(0, mine.length)).toEqual(mine)
    // Behind it, what was not there to be seen when the user began.
    const seen = new Set([...base.lines.map(textOfLine), ...mine])
    expect(saved.lines.slice(mine.length)).toEqual(now.lines.filter((one) => !seen.has(textOfLine(one))))
    return saved
  }
  fc.assert(
    fc.property(fc.array(fc.oneof(model, log, user), { maxLength: 12 }), (steps) => {
      let kept: Kept = { lines: [] }
      for (const step of steps) {
        if (step.by !== "user") {
          kept = byProgram(kept, step)
          continue
        }
        const base = kept
        for (const other of step.meanwhile)
          kept = other.by === "elsewhere" ? byUser(kept, kept, other.lines) : byProgram(kept, other)
        kept = byUser(base, kept, step.lines)
      }
    }),
    { numRuns: 1000 },
  )
})
