// docs/keys.md names every key that there is.
import { expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { keysPage, PAGE } from "../../scripts/keys-page.ts"
import { actionNames } from "../../src/ui/tui/keys/actions.ts"

const text = readFileSync(PAGE, "utf8")

test("the page of keys is as the program has them (bun scripts/keys-page.ts writes it)", () => {
  expect(text).toBe(keysPage(text))
})

test("each action is in it once as a name for keybindings.json", () => {
  for (const action of actionNames) expect(text.split(`| \`${action}\` |`)).toHaveLength(2)
})
