// The examples of docs/providers.md are settings that the program takes, of models that it can name.
import { expect, test } from "bun:test"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { loadSettings, type Settings } from "../../src/base/settings.ts"
import { factsOf } from "../../src/model/catalogue.ts"
import { keyVariables, openModel, resolveModel } from "../../src/model/providers.ts"

const page = readFileSync(join(import.meta.dir, "../../docs/providers.md"), "utf8")
const examples = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map(([, text]) => text ?? "")

function load(text: string): Settings {
  const folder = mkdtempSync(join(tmpdir(), "meanwhile-docs-"))
  try {
    writeFileSync(join(folder, "settings.json"), text)
    const home = { home: folder, config: folder, data: folder }
    const { settings, notes } = loadSettings({ cwd: "/nowhere", root: "/nowhere", home, trusted: false })
    expect(notes).toEqual([])
    return settings
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** One reader's file: what one example says of a provider holds for the others. */
const all = examples.map(load)
const providers = Object.assign({}, ...all.map((settings) => settings.providers))

test("there are examples", () => {
  expect(examples.length).toBeGreaterThan(8)
})

for (const [i, settings] of all.entries())
  test(`example ${i + 1} is all understood, and its models exist`, async () => {
    // What no part of the program knows lands here.
    expect(settings.extra).toEqual({})
    const { model, modelFallback = [], models = {}, modelAliases: aliases = {} } = settings
    const names = [...(model ? [model] : []), ...modelFallback, ...Object.keys(models), ...Object.keys(aliases)]
    const env = Object.fromEntries(keyVariables(providers).map((name) => [name, "k"]))
    const known = { env, providers, models, aliases }
    for (const name of names) expect((await openModel(name, known)).id).toBe(resolveModel(name, known).id)
    for (const [id, { price: _price, ...said }] of Object.entries(models))
      expect(await factsOf(id, known)).toMatchObject(said)
  })

test("every key's variable is named", () => {
  for (const variable of keyVariables()) expect(page).toContain(`\`${variable}\``)
})
