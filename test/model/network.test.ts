// What stands between us and a model: names, certificates, proxies, servers that are not running. The certificate is
// self-signed, made for these tests alone.
import { describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { systemClock } from "../../src/base/clock.ts"
import { customConnection } from "../../src/model/connection.ts"
import { type Endpoint, toModelError } from "../../src/model/errors.ts"
import type { ModelError } from "../../src/model/model.ts"
import { openModel } from "../../src/model/providers.ts"
import { reply, script, startModelServer } from "../../testing/model-server.ts"
import { failure, finish, modelAt, protocols, request } from "./asking.ts"

const certificate = join(import.meta.dir, "fixtures/self-signed.crt")
const chunk = { choices: [{ index: 0, delta: { content: "hi" }, finish_reason: "stop" }] }

/** `env`: as the program has it, where it says more than the runtime needs to know. */
async function failureAt(baseURL: string, env: Record<string, string> = {}): Promise<ModelError> {
  const providers = { local: { kind: "openai-compatible" as const, baseURL } }
  return await failure(await openModel("local/qwen", { env, providers }), request())
}

function secureServer() {
  return Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    tls: { cert: readFileSync(certificate), key: readFileSync(join(import.meta.dir, "fixtures/self-signed.key")) },
    fetch: () =>
      new Response(`data: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n`, {
        headers: { "content-type": "text/event-stream" },
      }),
  })
}

describe("certificates", () => {
  test("one that nobody vouches for is not tried again, and the message says how to trust it", async () => {
    using server = secureServer()
    const error = await failureAt(`https://127.0.0.1:${server.port}/v1`)
    expect(error).toMatchObject({ kind: "network", retry: false })
    expect(error.message).toBe(
      `local at https://127.0.0.1:${server.port}/v1: this machine does not trust the certificate (DEPTH_ZERO_SELF_SIGNED_CERT: self signed certificate). If it is your own server's or your company's proxy, set NODE_EXTRA_CA_CERTS to the file with its authority's certificate (PEM) and start again.`,
    )
  })

  test("NODE_EXTRA_CA_CERTS makes it trusted", async () => {
    using server = secureServer()
    const code = `
      import { openModel } from "${import.meta.dir}/../../src/model/providers.ts"
      const providers = { local: { kind: "openai-compatible", baseURL: "https://127.0.0.1:${server.port}/v1" } }
      const model = await openModel("local/m", { env: {}, providers })
      const asked = { system: "", messages: [{ role: "user", content: [{ type: "text", text: "hi" }] }], tools: [] }
      for await (const event of model.stream(asked, new AbortController().signal)) if (event.type === "text") console.log(event.delta)`
    const child = Bun.spawn([process.execPath, "-e", code], {
      env: { PATH: process.env.PATH, NODE_EXTRA_CA_CERTS: certificate },
      stdout: "pipe",
      stderr: "inherit",
    })
    expect(await new Response(child.stdout).text()).toBe("hi\n")
  })

  test("https:// where nothing speaks TLS", async () => {
    await using server = await startModelServer({ script: script.inOrder([], reply.text("x")) })
    const error = await failureAt(`${server.url.replace("http:", "https:")}/v1`)
    expect(error).toMatchObject({ kind: "network", retry: false })
    expect(error.message).toContain("nothing there speaks TLS")
    expect(error.message).toEndWith("Does providers.local.baseURL have to begin with http:// instead of https://?")
  })

  const others = {
    CERT_HAS_EXPIRED: "Check this machine's clock",
    ERR_TLS_CERT_ALTNAME_INVALID: "Write the host in X as the certificate does",
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: "set NODE_EXTRA_CA_CERTS",
  }
  for (const [code, advice] of Object.entries(others))
    test(code, () => {
      const at: Endpoint = { provider: "p", model: "m", address: "https://h", addressSetting: "X", secrets: [] }
      const cause = Object.assign(new Error("the library's words"), { code })
      const error = toModelError(new Error("Cannot connect", { cause }), at, { phase: "request", now: 0 })
      expect(error).toMatchObject({ kind: "network", retry: false })
      expect(error.message).toContain(advice)
    })
})

describe("nobody there", () => {
  test("a host that does not exist", async () => {
    const error = await failureAt("http://no-such-host.invalid/v1")
    expect(error).toMatchObject({ kind: "network", retry: true })
    expect(error.message).toMatch(
      /^Cannot reach local at http:\/\/no-such-host\.invalid\/v1 \((there is no such host|the host's name could not be looked up)\)\. Check the network and providers\.local\.baseURL\.$/,
    )
  })

  const servers = {
    11434: "Start Ollama with `ollama serve`, or check providers.local.baseURL.",
    1234: "Start LM Studio's server with `lms server start`, or check",
    8080: "If it is llama.cpp, start it with `llama-server --jinja -m MODEL.gguf`, or check",
    8000: "If it is vLLM, start it with `vllm serve MODEL`, or check",
    9: "Start the server that should be there, or check",
  }
  for (const [port, advice] of Object.entries(servers))
    test(`port ${port}: how to start what is usually there`, () => {
      const error = refused(`http://localhost:${port}/v1`)
      expect(error.message).toStartWith(
        `Nothing answers at http://localhost:${port}/v1 (connection refused). ${advice}`,
      )
    })

  test("Ollama without the model says how to get it", async () => {
    const body = { error: { message: 'model "qwen" not found, try pulling it first' } }
    const thrown = Object.assign(new Error("x"), { statusCode: 404, responseBody: JSON.stringify(body) })
    const { endpoint } = await connectionAt("http://127.0.0.1:11434/v1")
    const error = toModelError(thrown, endpoint, { phase: "request", now: 0 })
    expect(error.message).toContain("Get it with `ollama pull qwen`, or check its name (--model).")
  })

  test("an address without /v1 is said to lack it", async () => {
    await using server = await startModelServer({ check: "off" })
    const error = await failureAt(server.url)
    expect(error.message).toContain("Check providers.local.baseURL: it usually ends in /v1")
  })
})

describe("proxies", () => {
  test("requests go through the one in HTTP_PROXY, and past it to hosts in NO_PROXY", async () => {
    await using server = await startModelServer({ script: script.inOrder([], reply.text("x")) })
    const asked: string[] = []
    await using proxy = await proxyServer((url) => void asked.push(url))
    for (const noProxy of ["", "127.0.0.1"]) {
      const restore = withEnv({ HTTP_PROXY: proxy.url, NO_PROXY: noProxy })
      try {
        const answer = modelAt(server, "local").then((model) => finish(model, request()))
        if (noProxy) await answer
        else await expect(answer).rejects.toMatchObject({ options: { status: 502 } })
      } finally {
        restore()
      }
    }
    expect(asked).toEqual([`${server.url}/v1/chat/completions`])
  })

  test("one that is not there, or says no, is named", () => {
    const proxied = refused("https://models.example/v1", { HTTPS_PROXY: "http://127.0.0.1:9" })
    expect(proxied.message).toEndWith("Requests go through the proxy in HTTPS_PROXY.")
    const exempt = refused("https://models.example/v1", { HTTPS_PROXY: "http://127.0.0.1:9", NO_PROXY: ".example" })
    expect(exempt.message).not.toContain("proxy")
    const local = refused("http://localhost:11434/v1", { http_proxy: "http://127.0.0.1:9" })
    expect(local.message).toEndWith("A proxy is set in http_proxy: NO_PROXY=localhost,127.0.0.1 goes past it.")
    const tunnel = refused("https://models.example/v1", { ALL_PROXY: "http://p" }, "ERR_PROXY_TUNNEL")
    expect(tunnel.message).toContain(
      "The proxy in ALL_PROXY does not let requests through to https://models.example/v1",
    )
  })
})

test("every provider's requests are opened without touching the environment of this process", async () => {
  const restore = withEnv({ AWS_BEARER_TOKEN_BEDROCK: "not-this-one", OPENAI_BASE_URL: "http://not-here.invalid" })
  try {
    await using server = await startModelServer({ script: script.inOrder([], reply.text("x")) })
    for (const protocol of protocols) await finish(await modelAt(server, protocol), request())
    for (const { headers } of server.requests) expect(headers.get("authorization") ?? "").not.toContain("not-this-one")
  } finally {
    restore()
  }
})

function connectionAt(baseURL: string, env: Record<string, string> = {}) {
  return customConnection(
    "local",
    { kind: "openai-compatible", baseURL },
    { model: "qwen", env, clock: systemClock, override: {}, facts: () => Promise.reject(new Error("not asked")) },
  )
}

function refused(baseURL: string, env: Record<string, string> = {}, code = "ECONNREFUSED"): ModelError {
  const cause = Object.assign(new Error("Unable to connect"), { code })
  const { endpoint } = connectionAt(baseURL, env)
  return toModelError(new Error("Cannot connect to API", { cause }), endpoint, { phase: "request", now: 0 })
}

function withEnv(more: Record<string, string>): () => void {
  const before = Object.fromEntries(Object.keys(more).map((name) => [name, process.env[name]]))
  Object.assign(process.env, more)
  return () => {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
}

async function proxyServer(onRequest: (url: string) => void): Promise<AsyncDisposable & { url: string }> {
  const server: Server = createServer((asked, response) => {
    onRequest(asked.url ?? "")
    response.writeHead(502).end("the proxy says no")
  })
  const { promise, resolve } = Promise.withResolvers<void>()
  server.listen(0, "127.0.0.1", resolve)
  await promise
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}
