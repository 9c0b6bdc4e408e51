import { expect, test } from "bun:test"
import { summary } from "../../../src/ui/view/summary.ts"

test("a call is said in the words that it is about", () => {
  expect(summary("Bash", { command: "npm test\n--watch" })).toBe("npm test --watch")
  expect(summary("Grep", { pattern: "a", path: "src" })).toBe('"a" in src')
  expect(summary("TodoWrite", { todos: [{ status: "completed" }, { status: "pending" }] })).toBe("1 of 2 done")
  const questions = [{ question: "Where?", options: [{ label: "here" }] }, { question: "And when?" }]
  expect(summary("AskUserQuestion", { questions })).toBe("Where? And when?")
})

test("what a model made up is shown as it is, and breaks nothing", () => {
  for (const input of [
    null,
    7,
    "text",
    [],
    {},
    { questions: 7 },
    { questions: [null, { question: 3 }] },
    { todos: {} },
  ])
    for (const tool of ["AskUserQuestion", "TodoWrite", "Bash", "No such tool"])
      expect(typeof summary(tool, input)).toBe("string")
  expect(summary("Bash", { command: "\x1b[2Jrm" })).not.toContain("\x1b")
})
