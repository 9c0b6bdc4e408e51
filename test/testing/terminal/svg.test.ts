// Pictures of screens: on the grid, safe to embed, and light.
import { afterAll, expect, test } from "bun:test"
import { join } from "node:path"
import { temporaryFolder } from "../../../testing/harness.ts"
import { pictureOf, svgOf } from "../../../testing/terminal/svg.ts"
import { openTerminal, type Theme } from "../../../testing/terminal.ts"

const folder = temporaryFolder()
afterAll(() => folder[Symbol.dispose]())
const place = { cwd: folder.path, home: join(folder.path, "home"), env: { PATH: process.env.PATH ?? "" } }

async function draw(script: string, { columns = 20, rows = 3, theme = "dark" as Theme } = {}): Promise<string> {
  await using terminal = await openTerminal(place, { columns, rows, theme, command: ["sh", "-c", script] })
  await terminal.exited
  return svgOf(pictureOf(terminal, "a <title> & more"))
}

test("text is escaped, on its grid and in its colours", async () => {
  const svg = await draw("printf 'a<b  \\033[1;31mred & bold\\033[0m'")
  expect(svg).toContain('<text x="16" y="62" textLength="25.2">a&#60;b</text>')
  expect(svg).toMatch(/<text x="58" y="62" textLength="84" class="s0">red &#38; bold<\/text>/)
  expect(svg).toContain(".s0{fill:#f47067;font-weight:600}")
  expect(svg).toContain("<title>a &#60;title&#62; &#38; more</title>")
})

test("lines are joined shapes, other signs stand in the middle of their cells", async () => {
  const svg = await draw("printf '──── │ ◐'")
  expect(svg).toContain('<path d="M62.2 48v19M16 57.5H49.6" stroke="#d4d7dd"/>')
  expect(svg).toContain('<text x="79" y="62" class="m">◐</text>')
})

test("inverse, dim and backgrounds are painted as they are seen, in both themes", async () => {
  const script = "printf '\\033[7minv\\033[0m \\033[2mdim\\033[0m \\033[48;2;1;2;3m on \\033[0m'"
  const dark = await draw(script)
  expect(dark).toContain('<path d="M16 48h25.2v19h-25.2z" style="fill:#d4d7dd"/>')
  expect(dark).toContain(".s0{fill:#16181d}")
  expect(dark).toContain('style="fill:#010203"')
  const light = await draw(script, { theme: "light" })
  expect(light).toContain(".s0{fill:#ffffff}")
  expect(light).not.toContain("#16181d")
})

test("a full screen of colours stays light enough for a page", async () => {
  const line =
    "for w in one two three four five six seven; do printf '\\033[3%dm%s  some words ◐ \\033[0m' $((i%8)) $w; done"
  const svg = await draw(`i=0; while [ $i -lt 39 ]; do ${line}; echo; i=$((i+1)); done`, { columns: 140, rows: 40 })
  expect(svg.match(/<text/g)!.length).toBeGreaterThan(500)
  expect(Buffer.byteLength(svg)).toBeLessThan(60 * 1024)
  // It opens and closes each element, and asks for nothing outside.
  expect(svg.match(/<(?:svg|title|style|text)\b/g)!.length).toBe(svg.match(/<\/(?:svg|title|style|text)>/g)!.length)
  expect(svg).not.toMatch(/href|url\(|<script|<image/)
})
