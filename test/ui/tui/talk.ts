// A conversation in a real terminal with a model whose words are scripted: what most tests of the interface begin with.
// Shell scripts wait for files and agents for gates, so that the test says what happens when.
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import type { Gate } from "../../../testing/gate.ts"
import { type Workbench, workbench } from "../../../testing/headless.ts"
import {
  type ModelServer,
  type RecordedRequest,
  type Route,
  reply,
  type Step,
  script,
  startModelServer,
} from "../../../testing/model-server.ts"
import { openTerminal, type Terminal, type TerminalOptions } from "../../../testing/terminal.ts"

export { agent, BEHIND, shell } from "../../../testing/calls.ts"

export interface Talk extends AsyncDisposable {
  readonly bench: Workbench
  readonly server: ModelServer
  readonly terminal: Terminal
  /** Another terminal on the same home. */
  open(options?: TerminalOptions): Promise<Terminal>
  /** Types the text and presses Enter. */
  say(text: string): void
  /** Lets the scripts end that wait for it. */
  go(name?: string): void
  /** Resolves to the conversation's request in which the user, or a task, newly said this. */
  heard(text: string): Promise<RecordedRequest>
}

export interface TalkOptions extends TerminalOptions {
  /** What the conversation's model says. */
  root?: readonly Step[]
  after?: Step
  /** What agents say, by a text of their prompts. */
  agents?: Readonly<Record<string, readonly Step[]>>
  settings?: object
  keybindings?: object
  /** In the working folder. */
  files?: Readonly<Record<string, string>>
  /** Requests that may begin a new prefix: the first one after a compaction. */
  restarts?: (request: RecordedRequest) => boolean
}

/** A line of sh that waits for `go(name)`. */
export function waits(name = "go"): string {
  return `while ! [ -e ${name} ]; do sleep 0.02; done`
}

export async function talk({
  root = [],
  after = reply.text("Noted."),
  agents = {},
  settings,
  keybindings,
  files = {},
  restarts,
  ...options
}: TalkOptions = {}): Promise<Talk> {
  const server = await startModelServer({
    script: script.byAgent([...routesOf(agents), { ...ROOT, steps: root, after }]),
    ...(restarts && { restarts }),
  })
  const bench = workbench(server)
  mkdirSync(bench.home, { recursive: true, mode: 0o700 })
  if (settings) writeFileSync(join(bench.home, "settings.json"), JSON.stringify(settings))
  if (keybindings) writeFileSync(join(bench.home, "keybindings.json"), JSON.stringify(keybindings))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(bench.cwd, name)), { recursive: true })
    writeFileSync(join(bench.cwd, name), text)
  }
  const open = (more: TerminalOptions = {}) =>
    openTerminal(bench, {
      columns: 100,
      rows: 30,
      ...options,
      args: ["--allowedTools", "Bash(sh:*)"],
      ...more,
    })
  const terminal = await open(options.args ? { args: options.args } : {})
  if (!options.shell) await terminal.shows("? keys")
  return {
    bench,
    server,
    terminal,
    open,
    say: (text) => {
      terminal.type(text)
      terminal.press("enter")
    },
    go: (name = "go") => writeFileSync(join(bench.cwd, name), ""),
    heard: (text) => server.receivedWhere(({ news }) => news.includes(text)),
    [Symbol.asyncDispose]: async () => {
      await terminal[Symbol.asyncDispose]()
      await bench[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

const ROOT = { name: "root", match: () => true }

function routesOf(agents: Readonly<Record<string, readonly Step[]>>): Route[] {
  // Titles and the like are asked of a smaller model, beside the conversation.
  const aside = { name: "aside", match: ({ model }: RecordedRequest) => model.includes("haiku"), steps: [] }
  return [
    { ...aside, order: "arrival", after: reply.text("A talk") },
    ...Object.entries(agents).map(([match, steps]): Route => ({ name: match, match, steps })),
  ]
}

/** An answer that begins, and goes on when the gate opens. */
export function slowly(begin: string, gate: Gate, end: string): Step {
  return reply.parts([
    { type: "text", text: begin },
    { type: "gate", gate },
    { type: "text", text: end },
  ])
}
