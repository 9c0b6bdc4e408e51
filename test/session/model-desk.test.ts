import { expect, test } from "bun:test"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { CustomProvider } from "../../src/model/providers.ts"
import { createModelDesk } from "../../src/session/model-desk.ts"
import { temporaryFolder } from "../../testing/harness.ts"

const local: CustomProvider = { kind: "openai-compatible", baseURL: "http://127.0.0.1:11434/v1" }

function desks(folder: string) {
  const home = { home: folder, config: folder, data: folder }
  const make = () => createModelDesk(home, { env: {}, providers: {} as Record<string, CustomProvider> })
  return { one: make(), other: make(), path: join(folder, "settings.json") }
}

test("a provider that one process adds is known to the others that are at work", () => {
  using place = temporaryFolder()
  const { one, other, path } = desks(place.path)
  expect(() => other.idOf("ollama/qwen3")).toThrow("There is no model")
  one.addProvider("ollama", local)
  expect(one.idOf("ollama/qwen3")).toBe("ollama/qwen3")
  expect(other.idOf("ollama/qwen3")).toBe("ollama/qwen3")
  expect(JSON.parse(readFileSync(path, "utf8"))).toEqual({ providers: { ollama: local } })
})

test("one whose key the commands of this process could see waits for the next start", () => {
  using place = temporaryFolder()
  const { one, path } = desks(place.path)
  writeFileSync(path, JSON.stringify({ providers: { work: { ...local, apiKeyEnv: "WORK_KEY" } } }))
  expect(() => one.idOf("work/m")).toThrow("There is no model")
})

test("a name that is there twice is not added, and nothing becomes known", () => {
  using place = temporaryFolder()
  const { one, path } = desks(place.path)
  writeFileSync(path, JSON.stringify({ providers: { ollama: { ...local, kind: "google" } } }))
  expect(() => one.addProvider("ollama", local)).toThrow("providers.ollama is there already")
  expect(one.settings.providers).toEqual({})
})
