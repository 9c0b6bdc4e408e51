// The examples of the pages for script authors are run: each ```sh block after `<!-- run -->`, page by page from the top,
// in a folder of its own against a scripted model. Without jq, which most of them use, they are skipped, loudly.
import { describe, expect, test } from "bun:test"
import { readFileSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { commandNames } from "../../src/cli/command.ts"
import { commandActions, commandOptions, isLater, type OptionSpec, sessionOptions } from "../../src/cli/options.ts"
import { workbench } from "../../testing/headless.ts"
import { reply, startModelServer } from "../../testing/model-server.ts"

const DOCS = resolve(import.meta.dir, "../../docs")
const BIN = resolve(import.meta.dir, "../../bin")
const page = (name: string) => readFileSync(join(DOCS, name), "utf8")

/** The marked examples, each with the line that it begins on. */
function examples(text: string): { line: number; code: string }[] {
  return [...text.matchAll(/<!-- run -->\n```sh\n([\s\S]*?)\n```/g)].map((match) => ({
    line: text.slice(0, match.index).split("\n").length + 2,
    code: match[1]!,
  }))
}

const jq = Bun.which("jq")
if (!jq) console.warn("SKIPPED: jq is not installed, so the examples of docs/*.md are not run. apt-get install jq")

describe.skipIf(!jq).each(["headless.md", "sessions.md"])("%s", (name) => {
  const marked = examples(page(name))

  test(`its ${marked.length} marked examples work, in their order`, async () => {
    expect(marked.length).toBeGreaterThan(1)
    await using server = await startModelServer({
      script: (request) => {
        const agent = {
          name: "Agent",
          input: { subagent_type: "explore", description: "store", prompt: "Look at it.", run_in_background: true },
        }
        // Only at the beginning: what comes with the agent's report is the answer to it.
        if (
          request.prompt.startsWith("Compare") &&
          request.results.length === 0 &&
          !request.news.includes("task-notification")
        )
          return reply.calls([agent])
        return reply.text("It is an agent in which nothing blocks.")
      },
    })
    await using bench = workbench(server)
    writeFileSync(join(bench.cwd, "README.md"), "# A project\n")
    const env = {
      ...server.env("anthropic"),
      MEANWHILE_MODEL: "anthropic/claude-sonnet-5-5",
      PATH: `${BIN}:${process.env["PATH"]}`,
      HOME: join(bench.cwd, ".."),
      MEANWHILE_HOME: bench.home,
      LANG: "C.UTF-8",
    }
    for (const { line, code } of marked) {
      const child = Bun.spawn(["bash", "-c", `set -euo pipefail\n${code}`], {
        cwd: bench.cwd,
        env,
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
      })
      const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
      const exit = await child.exited
      expect({ place: `docs/${name}:${line}`, exit, err }).toEqual({ place: `docs/${name}:${line}`, exit: 0, err: "" })
      if (code.includes("Compare the modules")) expect(out).toBe("completed  store\n")
      if (code.startsWith("meanwhile -p")) expect(out).toContain("nothing blocks")
    }
    server.check()
  }, 60_000)
})

describe("headless.md", () => {
  const text = page("headless.md")

  test("every option and command that it names exists, and every one that exists is named", () => {
    const shell = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1]!).join("\n")
    const specs = [sessionOptions, ...Object.values(commandOptions)].flatMap((table) =>
      Object.entries<OptionSpec>(table),
    )
    const known = new Set(specs.map(([name]) => `--${name}`))
    // Options of other programs in the examples.
    const others = new Set([
      "--line-buffered",
      "--unbuffered",
      "--arg",
      "--staged",
      "--depth",
      "--prefix",
      "--body-file",
    ])
    for (const [option] of text.matchAll(/(?<![\w-])--[a-zA-Z][\w-]+/g))
      if (!others.has(option)) expect(known).toContain(option)
    for (const [name, { hidden }] of Object.entries<OptionSpec>(sessionOptions))
      if (!hidden && !isLater(`--${name}`) && name !== "version") expect(text).toContain(`--${name}`)
    for (const [, command] of shell.matchAll(/\bmeanwhile ([a-z]+)/g))
      expect(commandNames as readonly string[]).toContain(command!)
    for (const action of Object.keys(commandActions.tasks))
      if (action !== "list" && !isLater(`tasks ${action}`)) expect(text).toContain(`meanwhile tasks ${action}`)
  })

  test("every line of the stream's schema is described, with its fields", () => {
    const { $defs } = JSON.parse(page("stream.schema.json")) as {
      $defs: Record<string, { oneOf?: { $ref: string }[]; properties?: Record<string, unknown> }>
    }
    const names = $defs.output!.oneOf!.map(({ $ref }) => $ref.split("/").at(-1)!)
    const everywhere = ["type", "subtype", "session_id", "uuid", "message"]
    for (const name of names.filter((name) => !name.startsWith("control_"))) {
      const row = text.split("\n").find((line) => line.startsWith("| ") && line.includes(`"${name}"`))
      expect({ name, row }).toEqual({ name, row: expect.any(String) })
      for (const field of Object.keys($defs[name]!.properties ?? {}))
        if (!everywhere.includes(field)) expect({ name, row }).toEqual({ name, row: expect.stringContaining(field) })
    }
  })

  test("links lead somewhere", () => {
    for (const name of ["headless.md", "sessions.md"])
      for (const [, target] of page(name).matchAll(/\]\(([^)]+)\)/g)) {
        const [file, anchor] = target!.split("#")
        const linked = file ? readFileSync(resolve(DOCS, file), "utf8") : page(name)
        const headings = [...linked.matchAll(/^#+ (.*)$/gm)].map((match) =>
          match[1]!
            .toLowerCase()
            .replace(/[^\w\- ]/g, "")
            .replaceAll(" ", "-"),
        )
        if (anchor) expect(headings).toContain(anchor)
      }
  })
})
