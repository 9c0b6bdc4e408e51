// The tables of docs/keys.md, made from the actions that there are: `bun scripts/keys-page.ts` writes them anew, and
// test/docs/keys.test.ts fails when they are not as the program has it.
import { readFileSync, writeFileSync } from "node:fs"
import { resolve } from "node:path"
import { shown } from "../src/ui/tui/hint.ts"
import { contexts } from "../src/ui/tui/keys/actions.ts"
import { createKeys } from "../src/ui/tui/keys/keys.ts"
import { TITLES } from "../src/ui/tui/screens/help.ts"

export const PAGE = resolve(import.meta.dir, "../docs/keys.md")

const BEGIN = "<!-- made by scripts/keys-page.ts -->\n"
const END = "<!-- end -->"

/** The page with its tables as they must be. */
export function keysPage(text: string): string {
  const [before, rest = ""] = text.split(BEGIN, 2)
  return `${before}${BEGIN}${tables()}${rest.slice(rest.indexOf(END))}`
}

function tables(): string {
  const keys = createKeys()
  const code = (name: string) => `\`${name}\``
  const table = contexts.map((context) => {
    const rows = keys.list(context).map(({ action, keys: names, does }) => {
      const cell = names.map((name) => code(shown(name))).join(", ")
      return `| ${cell} | ${does.replaceAll("|", "\\|")} | ${code(action)} |`
    })
    return [`### ${TITLES[context]}`, "", "| key | does | name |", "| --- | --- | --- |", ...rows, ""].join("\n")
  })
  return `\n${table.join("\n")}\n`
}

if (import.meta.main) writeFileSync(PAGE, keysPage(readFileSync(PAGE, "utf8")))
