import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { matchIn, patternOf, splitName, stem, subjectOf, termsOf } from "../../../src/model/scout/words.ts"

describe("the words of a question", () => {
  test("common words fall away, identifiers are told from words", () => {
    expect(subjectOf("How does the retry logic in `sendRequest` work?")).toEqual({
      names: ["sendRequest"],
      words: ["retry"],
    })
    expect(subjectOf("what calls snake_case_name")).toEqual({ names: ["snake_case_name"], words: [] })
    expect(subjectOf("Where is app.use defined")).toEqual({ names: ["use"], words: ["app"] })
  })

  test("a word that stands alone in a question about its place is taken for a name", () => {
    expect(subjectOf("where is retry defined?")).toEqual({ names: ["retry"], words: ["retry"] })
    expect(subjectOf("explain retry")).toEqual({ names: [], words: ["retry"] })
  })

  test("a compound keeps its common word, a path gives words", () => {
    expect(subjectOf("how is a read-only command recognised").words).toEqual(["read", "only", "command", "recognised"])
    expect(subjectOf("what happens in src/task/settle.ts")).toEqual({
      names: [],
      words: ["src", "task", "settle", "ts"],
    })
  })

  test("greetings and empty questions hold nothing to look for", () => {
    for (const text of ["", "  ", "hello", "Hi there!", "thank you", "who are you?", "???"])
      expect(subjectOf(text)).toEqual({ names: [], words: [] })
  })

  test("however long the question, few words come out of its beginning", () => {
    const subject = subjectOf(Array.from({ length: 20_000 }, (_, index) => `word${index}`).join(" "))
    expect(subject.words.length).toBeLessThanOrEqual(7)
    expect(subject.words[0]).toBe("word0")
  })
})

describe("comparing words", () => {
  test("forms of one word have one stem", () => {
    const families = [
      ["retry", "retries", "retried", "retrying"],
      ["mask", "masks", "masked", "masking"],
      ["parse", "parsed", "parser", "parsing"],
      ["cancel", "cancelled", "cancelling", "cancels"],
      ["generate", "generated", "generation", "generator"],
      ["compress", "compression", "compressed"],
      ["run", "runs", "running"],
      ["handle", "handler", "handlers"],
    ]
    for (const family of families) expect(new Set(family.map(stem)).size).toBe(1)
  })

  test("different words keep different stems", () => {
    expect(new Set(["poll", "pool", "task", "type", "wake", "walk", "use", "user"].map(stem)).size).toBe(8)
  })

  test("any word has a stem that is not longer and stays when the word is stemmed again in upper case", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{1,15}$/), (word) => {
        expect(stem(word).length).toBeLessThanOrEqual(word.length + 1)
        expect(stem(word.toUpperCase())).toBe(stem(word))
      }),
    )
  })

  test("the same word counts most, then a word for the same idea", () => {
    const [retry] = termsOf({ names: [], words: ["retry"] })
    expect(matchIn(retry!, ["nothing", stem("retries")])).toBe(1)
    expect(matchIn(retry!, [stem("backoff")])).toBe(0.4)
    expect(matchIn(retry!, [stem("settle")])).toBe(0)
  })

  test("names are split at humps, digits stay, underscores and signs separate", () => {
    expect(splitName("parseHTTPHeader_v2")).toEqual(["parse", "http", "header", "v2"])
    expect(splitName("$kebab-case.name")).toEqual(["kebab", "case", "name"])
  })

  test("short stems are searched only where a part of a name begins", () => {
    expect(patternOf("wak")).toBe("(?:(?:\\b|_)(?i:wak)|Wak)")
    expect(patternOf("settl")).toBe("(?i:settl)")
    expect(patternOf("retri")).toBe("(?i:retr[iy])")
  })
})
