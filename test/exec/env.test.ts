import { expect, test } from "bun:test"
import { childEnvironment } from "../../src/exec/env.ts"

const forModel = { forPerson: false }

test("keys of providers, of the runtime and of ourselves are never passed on, not even from settings", () => {
  const secrets = {
    ANTHROPIC_API_KEY: "k",
    ANTHROPIC_AUTH_TOKEN: "k",
    OPENAI_API_KEY: "k",
    GEMINI_API_KEY: "k",
    GOOGLE_GENERATIVE_AI_API_KEY: "k",
    AWS_BEARER_TOKEN_BEDROCK: "k",
    LOCAL_KEY: "k",
    BUN_OPTIONS: "--preload=x",
    MEANWHILE_INTERNAL: "1",
    MEANWHILE_RUN: "somebody else's",
  }
  const names = Object.keys(childEnvironment({ inherited: secrets, settings: secrets, keys: ["LOCAL_KEY"] }, forModel))
  expect(names.filter((name) => name in secrets)).toEqual([])
})

test("what the user's own commands need is passed on", () => {
  const theirs = {
    PATH: "/bin",
    HOME: "/home/u",
    AWS_ACCESS_KEY_ID: "id",
    AWS_SECRET_ACCESS_KEY: "secret",
    NODE_OPTIONS: "--max-old-space-size=4096",
    MEANWHILE_HOME: "/data",
    OPENAI_BASE_URL: "http://localhost",
  }
  expect(childEnvironment({ inherited: { ...theirs, UNSET: undefined } }, forModel)).toMatchObject(theirs)
  expect("UNSET" in childEnvironment({ inherited: { UNSET: undefined } }, forModel)).toBe(false)
})

test("nothing waits for a person, unless settings say otherwise", () => {
  const inherited = { PAGER: "less", GIT_EDITOR: "vim", FORCE_COLOR: "3", COLUMNS: "80", TERM: "xterm" }
  const env = childEnvironment({ inherited, settings: { EDITOR: "ed" } }, forModel)
  expect(env).toMatchObject({
    PAGER: "cat",
    GIT_PAGER: "cat",
    GIT_EDITOR: "true",
    GIT_TERMINAL_PROMPT: "0",
    TERM: "dumb",
    EDITOR: "ed",
  })
  expect("FORCE_COLOR" in env || "COLUMNS" in env).toBe(false)
})

test("colours are for a person who has not refused them", () => {
  expect(childEnvironment({ inherited: {} }, { forPerson: true })).toMatchObject({
    FORCE_COLOR: "1",
    TERM: "xterm-256color",
  })
  const refused = childEnvironment({ inherited: { NO_COLOR: "1" } }, { forPerson: true })
  expect(refused).toMatchObject({ NO_COLOR: "1", TERM: "dumb" })
  expect("FORCE_COLOR" in refused).toBe(false)
})

test("the mark of a run is the one given", () => {
  expect(
    childEnvironment({ inherited: { MEANWHILE_RUN: "outer" } }, { mark: "inner", forPerson: false }).MEANWHILE_RUN,
  ).toBe("inner")
})
