// /model in a real terminal: what is listed, what choosing does, and what is written for it.
import { describe, expect, test } from "bun:test"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type Workbench, workbench } from "../../../testing/headless.ts"
import { type ModelServer, reply, startModelServer } from "../../../testing/model-server.ts"
import { expectScreen } from "../../../testing/screens.ts"
import { openTerminal, type Terminal, type TerminalOptions } from "../../../testing/terminal.ts"
import { storedAll } from "./stored.ts"

/** Where nothing listens: port 9 is "discard", which nobody runs. */
const NO_OLLAMA = { OLLAMA_HOST: "127.0.0.1:9" }

interface Room extends AsyncDisposable {
  bench: Workbench
  server: ModelServer
  open(options?: TerminalOptions): Promise<Terminal>
}

async function room({ hasKey = true, settings }: { hasKey?: boolean; settings?: object } = {}): Promise<Room> {
  const server = await startModelServer({ script: () => reply.text("It answers.") })
  const bench = workbench(hasKey ? server : undefined)
  mkdirSync(bench.home, { recursive: true })
  if (settings) writeFileSync(join(bench.home, "settings.json"), `${JSON.stringify(settings, null, 2)}\n`)
  return {
    bench,
    server,
    open: async (options = {}) => {
      const env = { ...NO_OLLAMA, ...options.env }
      const terminal = await openTerminal(bench, { columns: 100, rows: 30, ...options, env })
      await terminal.shows(hasKey ? "claude-sonnet-5-5 · " : "scout · ")
      return terminal
    },
    [Symbol.asyncDispose]: async () => {
      await bench[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

/** A server on this machine as Ollama is: it lists a model, and hands requests on to the scripted one. */
function ollama(server: ModelServer) {
  const { OPENAI_BASE_URL: base = "" } = server.env("openai")
  const served = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => {
      const { pathname } = new URL(request.url)
      if (pathname === "/v1/models") return Response.json({ data: [{ id: "qwen3:14b" }] })
      return fetch(`${new URL(base).origin}${pathname}`, {
        method: request.method,
        headers: request.headers,
        body: await request.text(),
      })
    },
  })
  const env = { OLLAMA_HOST: `127.0.0.1:${served.port}` }
  return { env, port: served.port, [Symbol.asyncDispose]: () => served.stop(true) }
}

const send = (terminal: Terminal, text: string) => {
  terminal.type(text)
  terminal.press("enter")
}
const model = (bench: Workbench) => storedAll<{ model: string }>(bench, "SELECT model FROM session")[0]?.model
const settingsOf = (bench: Workbench) => readFileSync(join(bench.home, "settings.json"), "utf8")

test("the list is narrowed by typing, and what is chosen answers the next prompt", async () => {
  await using it = await room()
  await using terminal = await it.open()
  send(terminal, "/model")
  await terminal.shows("✓ anthropic/claude-sonnet-5-5")
  await terminal.shows("anthropic/claude-sonnet-4-5")
  terminal.type("haiku-5")
  await terminal.hides("anthropic/claude-opus-5-5")
  terminal.press("enter")
  await terminal.shows("claude-haiku-5-5 · ")
  send(terminal, "Hello?")
  await terminal.shows("It answers.")
  expect(it.server.requests.at(-1)?.model).toBe("claude-haiku-5-5")
}, 30_000)

test("a click chooses; esc changes nothing, and what was typed before is still there", async () => {
  await using it = await room()
  await using terminal = await it.open()
  send(terminal, "/model")
  await terminal.shows("anthropic/claude-opus-5-5")
  terminal.press("esc")
  await terminal.hides("Which model answers?")
  expect(model(it.bench)).toBe("anthropic/claude-sonnet-5-5")
  send(terminal, "/model")
  await terminal.shows("anthropic/claude-sonnet-4-5")
  terminal.clickText("anthropic/claude-opus-5-5")
  await terminal.shows("claude-opus-5-5 · ")
  expect(model(it.bench)).toBe("anthropic/claude-opus-5-5")
}, 30_000)

test("what is selected stays so while more is found", async () => {
  await using it = await room()
  await using terminal = await it.open()
  send(terminal, "/model")
  await terminal.shows("› ✓ anthropic/claude-sonnet-5-5")
  await terminal.shows("anthropic/claude-sonnet-4-5")
  expect(terminal.find("› ✓ anthropic/claude-sonnet-5-5")).toBeDefined()
})

test("/model NAME sets it at once; what there is not, and what has no key, is said", async () => {
  await using it = await room()
  await using terminal = await it.open()
  send(terminal, "/model opus")
  await terminal.shows("claude-opus-5-5 · ")
  send(terminal, "/model nobody/has-this")
  await terminal.shows('There is no model "nobody/has-this".')
  await terminal.shows("Which model answers?")
  terminal.press("esc")
  await terminal.hides("Which model answers?")
  send(terminal, "/model openrouter/openrouter/auto")
  await terminal.shows("needs a key: set OPENROUTER_API_KEY")
  expect(model(it.bench)).toBe("anthropic/claude-opus-5-5")
}, 30_000)

test("a server on this machine is found, written into the settings when it is chosen, and answers at once", async () => {
  await using it = await room({ hasKey: false, settings: { maxBackgroundShells: 3 } })
  await using local = ollama(it.server)
  {
    await using terminal = await it.open({ env: local.env })
    send(terminal, "/model")
    await terminal.shows("ollama/qwen3:14b")
    expect(terminal.text()).toContain("Ollama, on this machine")
    // Looking writes nothing.
    expect(settingsOf(it.bench)).not.toContain("ollama")
    terminal.type("qwen")
    await terminal.hides("without a model")
    terminal.press("enter")
    await terminal.shows("qwen3:14b · ")
    expect(terminal.text()).toContain("Added to ~/home/settings.json: providers.ollama")
    send(terminal, "Hello?")
    await terminal.shows("It answers.")
    terminal.press("ctrl+c", "ctrl+c")
    await terminal.exited
  }
  const baseURL = `http://127.0.0.1:${local.port}/v1`
  expect(JSON.parse(settingsOf(it.bench))).toEqual({
    maxBackgroundShells: 3,
    providers: { ollama: { kind: "openai-compatible", baseURL } },
  })
  await using terminal = await openTerminal(it.bench, { env: NO_OLLAMA, args: ["--model", "ollama/qwen3:14b"] })
  await terminal.shows("qwen3:14b · ")
}, 30_000)

test("settings that are broken by then are not touched, and the mistake is named", async () => {
  await using it = await room({ hasKey: false, settings: {} })
  await using local = ollama(it.server)
  await using terminal = await it.open({ env: local.env })
  const broken = '{ "model": "x", }'
  writeFileSync(join(it.bench.home, "settings.json"), broken)
  send(terminal, "/model")
  await terminal.shows("ollama/qwen3:14b")
  terminal.clickText("ollama/qwen3:14b")
  await terminal.shows('settings.json:1:17: a "," before "}" is not allowed')
  expect(settingsOf(it.bench)).toBe(broken)
  expect(model(it.bench)).toBe("scout")
}, 30_000)

describe("the list", () => {
  const settings = {
    providers: { work: { kind: "anthropic", baseURL: "https://llm.example.com/anthropic", apiKeyEnv: "WORK_KEY" } },
    modelAliases: { fast: "work/claude-haiku-5-5" },
  }
  for (const [name, options] of [
    ["models-dark-80", { columns: 80 }],
    ["models-light-140", { columns: 140, theme: "light" }],
    ["models-plain-80", { columns: 80, colours: false }],
  ] as const)
    test(name, async () => {
      await using it = await room({ hasKey: false, settings })
      await using terminal = await it.open({ ...options, env: { WORK_KEY: "x" } })
      send(terminal, "/model")
      await terminal.shows("without a model")
      await terminal.hides("looking for model servers")
      await expectScreen(terminal, name, { styles: true })
    })
})
