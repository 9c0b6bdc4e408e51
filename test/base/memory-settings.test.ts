import { expect, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { readSettingsFile } from "../../src/base/settings-file.ts"
import { temporaryFolder } from "../../testing/harness.ts"

function memoryIn(memory: unknown) {
  using folder = temporaryFolder()
  const path = join(folder.path, "settings.json")
  writeFileSync(path, JSON.stringify({ memory }))
  return readSettingsFile(path, { home: folder.path, dialect: "own" })?.memory
}

test("the memory's settings are read, and a wrong one is named", () => {
  expect(memoryIn({ updates: false, share: 0.2 })).toEqual({ updates: false, share: 0.2 })
  expect(memoryIn({})).toEqual({})
  expect(() => memoryIn(false)).toThrow("memory must be an object, but is false")
  expect(() => memoryIn({ updates: "no" })).toThrow("memory.updates must be true or false")
  expect(() => memoryIn({ share: -1 })).toThrow("memory.share must be a number")
})
