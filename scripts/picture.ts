// Pictures of real runs for the documentation: what a terminal shows, as an SVG file.
//   bun scripts/picture.ts FILE [--light] [--columns N] [--rows N] [--title TEXT] -- COMMAND…
// runs the command in a terminal of its own and draws its last screen.
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, resolve } from "node:path"
import { parseArgs } from "node:util"
import { temporaryFolder } from "../testing/harness.ts"
import { pictureOf, svgOf } from "../testing/terminal/svg.ts"
import { openTerminal, type Terminal } from "../testing/terminal.ts"

/** GitHub shows bigger ones too, but a page should not wait for its picture. */
const MOST_BYTES = 60 * 1024

/** Writes what the terminal shows now. Throws when the file would be too heavy for a page. */
export function writePicture(terminal: Terminal, file: string, title: string): void {
  const svg = svgOf(pictureOf(terminal, title))
  const bytes = Buffer.byteLength(svg)
  if (bytes > MOST_BYTES) throw new Error(`${file} would have ${bytes} bytes; ${MOST_BYTES} is the most`)
  mkdirSync(dirname(resolve(file)), { recursive: true })
  writeFileSync(file, svg)
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      light: { type: "boolean", default: false },
      columns: { type: "string", default: "100" },
      rows: { type: "string", default: "30" },
      title: { type: "string" },
    },
  })
  const [file, ...command] = positionals
  if (!file || command.length === 0) {
    console.error("usage: bun scripts/picture.ts FILE [--light] [--columns N] [--rows N] [--title TEXT] -- COMMAND…")
    process.exitCode = 2
    return
  }
  using folder = temporaryFolder()
  const env = { PATH: process.env.PATH ?? "", HOME: folder.path, LANG: "C.UTF-8" }
  await using terminal = await openTerminal(
    { cwd: process.cwd(), home: folder.path, env },
    {
      command,
      columns: Number(values.columns),
      rows: Number(values.rows),
      theme: values.light ? "light" : "dark",
    },
  )
  const exit = await terminal.exited
  writePicture(terminal, file, values.title ?? command.join(" "))
  console.log(
    `${file}: ${terminal.lines().filter((line) => line !== "").length} lines of a command that ended with ${exit}`,
  )
}

if (import.meta.main) await main()
