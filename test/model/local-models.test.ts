import { expect, test } from "bun:test"
import { findLocalModels, type LocalServerFound } from "../../src/model/local-models.ts"
import type { CustomProvider, Env } from "../../src/model/providers.ts"
import { Gate } from "../../testing/gate.ts"

type Answer = (request: Request) => Response | Promise<Response>

function serve(answer: Answer) {
  const asked: string[] = []
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request) => {
      asked.push(
        `${request.method} ${new URL(request.url).pathname} ${request.headers.get("authorization") ?? ""}`.trim(),
      )
      return answer(request)
    },
  })
  return { port: server.port!, asked, [Symbol.asyncDispose]: () => server.stop(true) }
}

async function find(env: Env, providers: Record<string, CustomProvider> = {}): Promise<LocalServerFound[]> {
  const found: LocalServerFound[] = []
  await findLocalModels({ env, providers }, (server) => found.push(server))
  return found
}

const list = (...ids: unknown[]) => Response.json({ object: "list", data: ids.map((id) => ({ id })) })
const compatible = (port: number): CustomProvider => ({
  kind: "openai-compatible",
  baseURL: `http://127.0.0.1:${port}/v1`,
})

test("Ollama is found where its own variable says that it is, as a provider that is not in the settings yet", async () => {
  await using server = serve(() => list("qwen3:14b", "gpt-oss:20b", "qwen3:14b"))
  const found = await find({ OLLAMA_HOST: `127.0.0.1:${server.port}` })
  expect(found).toContainEqual({
    title: "Ollama",
    provider: "ollama",
    isNew: true,
    baseURL: `http://127.0.0.1:${server.port}/v1`,
    models: ["qwen3:14b", "gpt-oss:20b"],
  })
  expect(server.asked).toEqual(["GET /v1/models"])
})

test("one that is in the settings keeps its name, and a name that is taken is not taken twice", async () => {
  await using server = serve(() => list("a"))
  const env = { OLLAMA_HOST: `http://localhost:${server.port}` }
  expect(await find(env, { home: compatible(server.port) })).toMatchObject([{ provider: "home", isNew: false }])
  const elsewhere = { ollama: { kind: "openai-compatible", baseURL: "https://example.com/v1" } as const }
  expect(await find(env, elsewhere)).toMatchObject([{ provider: "ollama-2", isNew: true }])
})

test("nothing but this machine is asked, and no key is sent", async () => {
  await using server = serve(() => list("a"))
  const away = ["http://192.0.2.1:11434", "ollama.example.com:11434", "10.0.0.1", "not an address"]
  for (const OLLAMA_HOST of away) expect(await find({ OLLAMA_HOST })).toEqual([])
  const withKey = { gate: { ...compatible(server.port), apiKeyEnv: "KEY" } }
  expect(await find({ KEY: "secret" }, withKey)).toEqual([])
  expect(server.asked).toEqual([])
})

test("a proxy is not asked for what is on this machine", async () => {
  await using server = serve(() => list("a"))
  await using proxy = serve(() => list("from the proxy"))
  const script = `import { findLocalModels } from ${JSON.stringify(`${import.meta.dir}/../../src/model/local-models.ts`)}
    await findLocalModels({ env: process.env }, (server) => console.log(server.models.join()))`
  const address = `http://127.0.0.1:${proxy.port}`
  const child = Bun.spawn([process.execPath, "-e", script], {
    env: { PATH: process.env.PATH, OLLAMA_HOST: `127.0.0.1:${server.port}`, HTTP_PROXY: address, http_proxy: address },
    stdout: "pipe",
  })
  expect((await new Response(child.stdout).text()).trim()).toBe("a")
  expect(proxy.asked).toEqual([])
})

test.each([
  ["a web page", () => new Response("<html>", { headers: { "content-type": "text/html" } })],
  ["other JSON", () => Response.json({ models: ["a"] })],
  ["an error", () => new Response("{}", { status: 401 })],
  ["a redirect", () => Response.redirect("http://192.0.2.1/v1/models")],
  ["names that are none", () => list(1, null, "", "a b", "\u001b[31m", "x".repeat(300))],
  ["more than a list has", () => new Response(`{"data":[{"id":"${"x".repeat(2 * 1024 * 1024)}"}]}`)],
] as const)("%s is no server of models", async (_, answer) => {
  await using server = serve(answer)
  expect(await find({ OLLAMA_HOST: `:${server.port}` })).toEqual([])
})

test("a server that does not answer in time is left out, and holds up nobody", async () => {
  const gate = new Gate()
  await using silent = serve(async () => {
    await gate.wait()
    return list("late")
  })
  await using quick = serve(() => list("quick"))
  const found = await find({ OLLAMA_HOST: `:${silent.port}` }, { quick: compatible(quick.port) })
  expect(found.map(({ provider }) => provider)).toEqual(["quick"])
  gate.open()
})
