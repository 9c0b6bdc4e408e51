import { expect, test } from "bun:test"
import fc from "fast-check"
import { type Memory, memorySections, renderMemory, type SectionName } from "../../../src/session/memory/memory.ts"

function memory(sections: Partial<Record<SectionName, string>>): Memory {
  const empty = Object.fromEntries(memorySections.map(({ name }) => [name, ""])) as Record<SectionName, string>
  return { version: 1, coversSeq: 1, sections: { ...empty, ...sections }, at: 0 }
}

const many = (word: string, count: number) => Array.from({ length: count }, (_, n) => `- ${word} ${n}`).join("\n")

test("what fits is told whole, section by section, without the empty ones", () => {
  const text = renderMemory(memory({ status: "- at work", log: "- 10:00 began" }), { characters: 1000 })
  expect(text).toBe("## Status: what is being done, what is next\n- at work\n\n## Work log\n- 10:00 began")
  expect(renderMemory(memory({}), { characters: 1000 })).toBe("")
})

test("what does not fit gives up its oldest lines, and says how many", () => {
  const text = renderMemory(memory({ log: many("step", 100) }), { characters: 200 })
  expect(text).toContain("- step 99")
  expect(text).not.toContain("- step 5\n")
  const kept = text.split("\n").filter((line) => line.startsWith("- "))
  expect(text).toContain(`(${100 - kept.length} more left out)`)
})

test("a section that is short leaves its room to the others", () => {
  const text = renderMemory(memory({ status: "- short", log: many("step", 1000) }), { characters: 2000 })
  expect(text).toContain("- short")
  expect(text.length).toBeGreaterThan(1900)
})

test("a focus keeps the lines with its words, though they are old", () => {
  const lines = ['- the parser reads "tokens" twice', ...many("other", 100).split("\n")].join("\n")
  const sections = { decisions: lines, log: many("step", 100) }
  expect(renderMemory(memory(sections), { characters: 600 })).not.toContain("parser")
  const focused = renderMemory(memory(sections), { characters: 600, focus: "the Parser" })
  expect(focused).toContain("the parser reads")
})

test("it never has more characters than it may", () => {
  const text = fc
    .array(fc.string({ unit: "grapheme", maxLength: 600 }), { maxLength: 30 })
    .map((lines) => lines.join("\n"))
  const sections = fc.record({ status: text, decisions: text, log: text, commands: text })
  fc.assert(
    fc.property(
      sections,
      fc.integer({ min: 0, max: 6000 }),
      fc.string({ maxLength: 20 }),
      (some, characters, focus) => {
        const told = renderMemory(memory(some), { characters, focus })
        expect(told.length).toBeLessThanOrEqual(characters)
      },
    ),
    { numRuns: 200 },
  )
})
