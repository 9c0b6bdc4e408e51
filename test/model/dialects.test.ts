// What is special to one provider, or to the way in which a user has set it up.
import { describe, expect, test } from "bun:test"
import type { ModelMessage } from "../../src/model/message.ts"
import type { Effort } from "../../src/model/model.ts"
import { openaiBody } from "../../src/model/openai-compatible.ts"
import { type CustomProvider, openModel } from "../../src/model/providers.ts"
import { type ModelServer, reply, script, startModelServer } from "../../testing/model-server.ts"
import {
  failure,
  finish,
  MODELS,
  modelAt,
  type ProtocolName,
  protocols,
  request,
  result,
  settingsAt,
  user,
} from "./asking.ts"

test("reasoning goes back only to whom it came from", async () => {
  await using server = await startModelServer({ script: script.inOrder([], reply.text("ok")) })
  const thought: ModelMessage = {
    role: "assistant",
    content: [
      { type: "reasoning", text: "Hm.", provider: { anthropic: { signature: "s" } } },
      { type: "text", text: "So." },
    ],
  }
  await finish(await modelAt(server, "openai"), request([user("a"), thought, user("b")]))
  expect(JSON.stringify(server.requests[0]?.body)).not.toContain("Hm.")
  const own: ModelMessage = {
    ...thought,
    content: [
      { type: "reasoning", text: "Hm.", provider: { local: {} } },
      { type: "text", text: "So." },
    ],
  }
  const local = await openModel("local/m", {
    env: {},
    providers: { local: { kind: "openai-compatible", baseURL: `${server.url}/v1` } },
  })
  await finish(local, request([user("a"), own, user("b")]))
  expect(server.requests[1]?.body.messages).toContainEqual({
    role: "assistant",
    content: "So.",
    reasoning_content: "Hm.",
  })
})

test("Anthropic: marks end the cached prefixes, four at most", async () => {
  await using server = await startModelServer({ script: script.inOrder([], reply.text("ok")) })
  const model = await modelAt(server)
  const call: ModelMessage = {
    role: "assistant",
    content: [{ type: "tool-call", callId: "c1", name: "Read", input: { path: "a" } }],
  }
  await finish(model, request([user("a"), call, result("c1", "Read", "x"), user("and?")]))
  const [sent] = server.requests
  const marked = sent?.messages.map(({ content }) => content.map((block) => block.marked))
  // The result and the prompt after it are one user turn, marked at its end.
  expect(marked).toEqual([[true], [false], [false, true]])
  expect(sent?.tools.map((tool) => tool.marked)).toEqual([false, true])
  expect(sent?.parsed.systemBlocks.map((block) => block.marked)).toEqual([true])
  server.check()
})

test("Anthropic: a model that binds its thoughts is told to forget them when the prefix changed", async () => {
  await using server = await startModelServer({ script: script.inOrder([], reply.text("ok")) })
  const env = server.env("anthropic")
  for (const id of ["claude-sonnet-5-5", "claude-sonnet-5", "claude-haiku-4-5"])
    await finish(await openModel(id, { env }), request())
  const [bound, shown, old] = server.requests
  expect(bound?.body.thinking).toEqual({
    type: "adaptive",
    display: "summarized",
    block_binding: { prefix_mismatch_behavior: "drop_block" },
  })
  expect(bound?.headers.get("anthropic-beta")).toContain("thinking-binding-controls")
  expect(shown?.body.thinking).toEqual({ type: "adaptive", display: "summarized" })
  expect(old?.body).not.toHaveProperty("thinking")
  expect(server.requests.map(({ body }) => body.max_tokens)).toEqual([32_000, 32_000, 32_000])
})

test("Anthropic: an id that another provider made is made acceptable", async () => {
  await using server = await startModelServer({ script: script.inOrder([], reply.text("ok")) })
  const call: ModelMessage = {
    role: "assistant",
    content: [{ type: "tool-call", callId: "functions.Read:0", name: "Read", input: { path: "a" } }],
  }
  await finish(await modelAt(server), request([user("a"), call, result("functions.Read:0", "Read", "x")]))
  server.check()
})

test("custom endpoints: key and headers are sent, and no key where there is none", async () => {
  await using server = await startModelServer({ script: script.inOrder([], reply.text("ok")), check: "off" })
  const openai = { kind: "openai-compatible" as const, baseURL: `${server.url}/v1` }
  const providers = { keyed: { ...openai, apiKeyEnv: "MY_KEY", headers: { "x-team": "blue" } }, open: openai }
  const env = { MY_KEY: "k-123456" }
  for (const id of ["keyed/m", "open/m"]) await finish(await openModel(id, { env, providers }), request())
  const [keyed, open] = server.requests.map(({ headers }) => headers)
  expect(keyed?.get("authorization")).toBe("Bearer k-123456")
  expect(keyed?.get("x-team")).toBe("blue")
  expect(open?.get("authorization")).toBeNull()
})

test("OpenAI: nothing is stored there, thoughts come encrypted, and the session's key routes to its cache", async () => {
  await using server = await startModelServer({ script: script.inOrder([], reply.text("ok")) })
  await finish(await modelAt(server, "openai"), request(undefined, { maxOutputTokens: 99, cacheKey: "session-1" }))
  const [sent] = server.requests
  expect(sent?.protocol).toBe("openai-responses")
  expect(sent?.body).toMatchObject({
    store: false,
    include: ["reasoning.encrypted_content"],
    reasoning: { summary: "auto" },
    prompt_cache_key: "session-1",
    max_output_tokens: 99,
  })
  // Without it, the API would make every parameter of a tool required.
  expect(sent?.tools.map(({ wire }) => wire)).toEqual([
    expect.objectContaining({ strict: false }),
    expect.objectContaining({ strict: false }),
  ])
  expect(sent?.body).not.toHaveProperty("previous_response_id")
})

test("OpenAI's Chat Completions take what only OpenAI wants, and other servers are not sent it", async () => {
  const tools = [{ type: "function" }]
  expect(openaiBody({ model: "gpt-6-sol", tools, max_tokens: 9 })).toEqual({
    model: "gpt-6-sol",
    tools,
    max_completion_tokens: 9,
    reasoning_effort: "none",
  })
  expect(openaiBody({ model: "gpt-4o", tools })).toEqual({ model: "gpt-4o", tools })
  await using server = await startModelServer({ script: script.inOrder([], reply.text("ok")) })
  await finish(await modelAt(server, "local"), request(undefined, { maxOutputTokens: 99, cacheKey: "session-1" }))
  const [sent] = server.requests
  expect(sent?.body).toMatchObject({ max_tokens: 99 })
  for (const only of ["max_completion_tokens", "prompt_cache_key", "reasoning_effort"])
    expect(sent?.body).not.toHaveProperty(only)
})

test("OpenRouter: Claude's prefixes are cached on request, others by themselves", async () => {
  await using server = await startModelServer({ script: script.inOrder([], reply.text("ok")) })
  const env = { OPENROUTER_API_KEY: "test-key", OPENROUTER_BASE_URL: `${server.url}/v1` }
  for (const model of ["anthropic/claude-sonnet-4.5", "qwen/qwen3-coder"])
    await finish(await openModel(`openrouter/${model}`, { env }), request())
  const [claude, qwen] = server.requests
  expect(claude?.body).toMatchObject({ model: "anthropic/claude-sonnet-4.5", cache_control: { type: "ephemeral" } })
  expect(qwen?.body).not.toHaveProperty("cache_control")
})

test("Google: a signature on an empty text is kept and comes back", async () => {
  const part = (one: unknown, ending = {}) =>
    `data: ${JSON.stringify({ candidates: [{ content: { role: "model", parts: [one] }, ...ending }] })}\r\n\r\n`
  const body = `${part({ text: "So." })}${part({ functionCall: { name: "Read", args: {}, id: "c1" } })}${part({ text: "", thoughtSignature: "sig-9" }, { finishReason: "STOP" })}`
  await using server = await startModelServer({
    script: script.inOrder([reply.raw(body)], reply.text("ok")),
    check: "off",
  })
  const model = await modelAt(server, "google")
  const { parts } = await finish(model, request())
  expect(parts.at(-1)).toEqual({ type: "text", text: "", provider: { google: { thoughtSignature: "sig-9" } } })
  await finish(model, request([user("hello"), { role: "assistant", content: parts }, result("c1", "Read", "x")]))
  expect(JSON.stringify(server.requests[1]?.body)).toContain('{"text":"","thoughtSignature":"sig-9"}')
})

test("Google: the address may be the server's root or name a version", async () => {
  await using server = await startModelServer({ script: script.inOrder([], reply.text("ok")) })
  for (const path of ["", "/", "/v1beta", "/v1beta/"]) {
    const env = { ...server.env("google"), GOOGLE_GEMINI_BASE_URL: `${server.url}${path}` }
    await finish(await openModel(MODELS.google, { env }), request())
  }
  const env = { GOOGLE_GENERATIVE_AI_API_KEY: "test-key", GOOGLE_GEMINI_BASE_URL: server.url }
  await finish(await openModel(MODELS.google, { env }), request())
  server.check()
})

test("Google: only models that think are asked for their thoughts", async () => {
  await using server = await startModelServer({ script: script.inOrder([], reply.text("ok")) })
  const env = server.env("google")
  for (const id of ["gemini-3.8-flash", "gemini-2.5-pro", "gemini-2.0-flash", "gemma-3-27b-it"])
    await finish(await openModel(id, { env }), request())
  const asked = server.requests.map(({ body }) => JSON.stringify(body).includes('"includeThoughts":true'))
  expect(asked).toEqual([true, true, false, false])
})

test("Bedrock: cache points end the cached prefixes of models that take them", async () => {
  await using server = await startModelServer({ script: script.inOrder([], reply.text("ok")) })
  const call: ModelMessage = {
    role: "assistant",
    content: [{ type: "tool-call", callId: "functions.Read:0", name: "Read", input: { path: "a" } }],
  }
  const asked = request([user("a"), call, result("functions.Read:0", "Read", "x"), user("and?")])
  const env = server.env("bedrock")
  await finish(await modelAt(server, "bedrock"), asked)
  await finish(await openModel("bedrock/meta.llama4-scout-17b-instruct-v1:0", { env }), asked)
  const [claude, llama] = server.requests
  expect(claude?.messages.map(({ content }) => content.map((block) => block.marked))).toEqual([
    [true],
    [false],
    [false, true],
  ])
  expect(claude?.parsed.systemBlocks.map((block) => block.marked)).toEqual([true])
  expect(claude?.body.additionalModelRequestFields).toEqual({ thinking: { type: "adaptive", display: "summarized" } })
  expect(claude?.body.inferenceConfig).toEqual({ maxTokens: 32_000 })
  expect(JSON.stringify(llama?.body)).not.toContain("cachePoint")
  expect(llama?.body).not.toHaveProperty("inferenceConfig")
  server.check()
})

test("Bedrock: a key of its own is sent as it is; access keys sign, and never leave the machine", async () => {
  await using server = await startModelServer({ script: script.inOrder([], reply.text("ok")) })
  const { AWS_REGION, AWS_ENDPOINT_URL_BEDROCK_RUNTIME } = server.env("bedrock")
  const place = { AWS_REGION, AWS_ENDPOINT_URL_BEDROCK_RUNTIME }
  await finish(
    await openModel(MODELS.bedrock, { env: { ...place, AWS_BEARER_TOKEN_BEDROCK: "bedrock-key" } }),
    request(),
  )
  const keys = { AWS_ACCESS_KEY_ID: "AKIA1", AWS_SECRET_ACCESS_KEY: "very-secret", AWS_SESSION_TOKEN: "session-token" }
  await finish(await openModel(MODELS.bedrock, { env: { ...place, ...keys } }), request())
  const [bearer, signed] = server.requests.map(({ headers }) => headers)
  expect(bearer?.get("authorization")).toBe("Bearer bedrock-key")
  expect(signed?.get("authorization")).toStartWith("AWS4-HMAC-SHA256 Credential=AKIA1/")
  expect(signed?.get("x-amz-security-token")).toBe("session-token")
  expect(JSON.stringify([...(signed ?? [])])).not.toContain("very-secret")
})

test("thoughts of one endpoint are not sent to another of the same protocol", async () => {
  await using server = await startModelServer({ script: script.inOrder([], reply.text("ok")), check: "off" })
  const thoughts: Record<string, Record<string, unknown>> = {
    openai: { itemId: "rs_1", reasoningEncryptedContent: "secret" },
    google: { thoughtSignature: "secret" },
    bedrock: { signature: "secret" },
    anthropic: { signature: "secret" },
  }
  for (const [kind, data] of Object.entries(thoughts)) {
    const providers = {
      mine: { kind, baseURL: `${server.url}${kind === "openai" ? "/v1" : ""}`, apiKeyEnv: "KEY" } as CustomProvider,
    }
    const env = { KEY: "test-key", AWS_REGION: "us-east-1" }
    for (const owner of [kind, "mine"]) {
      const reasoning = { type: "reasoning" as const, text: "Hm.", provider: { [owner]: data } }
      const said: ModelMessage = { role: "assistant", content: [reasoning, { type: "text", text: "So." }] }
      const model = await openModel("mine/us.anthropic.claude-sonnet-5-5", { env, providers })
      await finish(model, request([user("a"), said, user("b")]))
      const sent = JSON.stringify(server.requests.at(-1)?.body)
      expect(sent.includes("secret")).toBe(owner === "mine")
    }
  }
})

type Fields = Record<string, unknown>

function at(fields: Fields, ...path: string[]): unknown {
  return path.reduce<unknown>((found, name) => (found as Fields | undefined)?.[name], fields)
}

describe("an effort is passed on as each provider has it", () => {
  const where: Record<ProtocolName, (body: Fields) => unknown> = {
    anthropic: (body) => at(body, "output_config", "effort"),
    openai: (body) => at(body, "reasoning", "effort"),
    local: (body) => body.reasoning_effort,
    google: (body) => at(body, "generationConfig", "thinkingConfig", "thinkingLevel"),
    bedrock: (body) => at(body, "additionalModelRequestFields", "output_config", "effort"),
  }
  for (const protocol of protocols)
    test(protocol, async () => {
      await using server = await startModelServer({ script: script.inOrder([], reply.text("ok")) })
      const model = await modelAt(server, protocol)
      const efforts: (Effort | undefined)[] = [undefined, "low", "high"]
      for (const effort of efforts) await finish(model, request(undefined, { ...(effort && { effort }) }))
      expect(server.requests.map(({ body }) => where[protocol](body))).toEqual(efforts)
    })
})

describe("what the user says about a model", () => {
  async function bodyWith(
    server: ModelServer,
    protocol: ProtocolName,
    override: object,
  ): Promise<Record<string, unknown>> {
    const settings = settingsAt(server, protocol)
    const models = { [MODELS[protocol]]: override }
    const image = { type: "image" as const, mediaType: "image/png", data: "iVBORw0KGgo=" }
    const look: ModelMessage = { role: "user", content: [{ type: "text", text: "look" }, image] }
    await finish(await openModel(MODELS[protocol], { ...settings, models }), request([look], { effort: "high" }))
    return server.requests.at(-1)?.body ?? {}
  }
  for (const protocol of protocols)
    test(`${protocol}: limits, no images, no tools, no reasoning`, async () => {
      await using server = await startModelServer({ script: script.inOrder([], reply.text("ok")) })
      const all = JSON.stringify(await bodyWith(server, protocol, { images: true }))
      const none = JSON.stringify(
        await bodyWith(server, protocol, { images: false, tools: false, reasoning: false, maxOutputTokens: 4096 }),
      )
      for (const sent of ["iVBORw0KGgo", "Write a file", "high"]) {
        expect(all).toContain(sent)
        expect(none).not.toContain(sent)
      }
      expect(none).toContain("[an image is left out")
      expect(none).toContain("4096")
      expect(none).not.toMatch(/thinking|summary/i)
      server.check()
    })

  test("a model that nobody knows is not sent images, in prompts or results", async () => {
    await using server = await startModelServer({ script: script.inOrder([], reply.text("ok")) })
    const { models: _models, ...settings } = settingsAt(server, "local")
    const image = { type: "image" as const, mediaType: "image/png", data: "iVBORw0KGgo=" }
    const call = { type: "tool-call" as const, callId: "c1", name: "Read", input: { path: "i" } }
    const seen = { type: "tool-result" as const, callId: "c1", name: "Read", isError: false, content: [image] }
    const history: ModelMessage[] = [
      user("look"),
      { role: "assistant", content: [call] },
      { role: "tool", content: [seen] },
    ]
    await finish(await openModel("local/unheard-of", settings), request(history))
    expect(JSON.stringify(server.requests[0]?.body)).not.toContain("iVBORw0KGgo")
    expect(server.requests[0]?.results[0]?.text).toContain("an image is left out")
    server.check()
  })
})

describe("answers that no model gives", () => {
  const kinds: readonly ProtocolName[] = protocols
  for (const protocol of kinds)
    test(`${protocol}: one JSON document instead of a stream`, async () => {
      const json = reply.raw(JSON.stringify({ error: "Unexpected endpoint or method. (POST /chat/completions)" }), {
        headers: { "content-type": "application/json" },
      })
      await using server = await startModelServer({ script: script.inOrder([json]) })
      const error = await failure(await modelAt(server, protocol), request())
      expect(error.kind).toBe("not-found")
      expect(error.message).toContain("did not answer with a stream (Unexpected endpoint or method.")
    })

  test("a stream that is called JSON is read all the same", async () => {
    const chunk = { choices: [{ index: 0, delta: { content: "hi" }, finish_reason: "stop" }] }
    const stream = reply.raw(`data: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n`, {
      headers: { "content-type": "application/json" },
    })
    await using server = await startModelServer({ script: script.inOrder([stream]) })
    expect((await finish(await modelAt(server, "local"), request())).parts).toEqual([{ type: "text", text: "hi" }])
  })

  test("Bedrock: bytes of another protocol are not taken for a length and waited for", async () => {
    await using server = await startModelServer({ script: script.inOrder([reply.raw("data: {}\n\n").stall()]) })
    const error = await failure(await modelAt(server, "bedrock"), request())
    expect(error).toMatchObject({ kind: "garbled", retry: false })
  })

  test("one that does not end is given up at its size", async () => {
    using endless = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () => {
        const line = new TextEncoder().encode(`: ${"x".repeat(1024 * 1024)}\n`)
        const body = new ReadableStream({ pull: (controller) => controller.enqueue(line) })
        return new Response(body, { headers: { "content-type": "text/event-stream" } })
      },
    })
    const providers = { local: { kind: "openai-compatible" as const, baseURL: `http://127.0.0.1:${endless.port}/v1` } }
    const error = await failure(await openModel("local/m", { env: {}, providers }), request())
    expect(error).toMatchObject({ kind: "bad-request", retry: false })
    expect(error.message).toContain("sent more than 128 MiB in one answer")
  })
})
