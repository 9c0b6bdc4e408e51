// The scripted model server seen through the real client libraries: both must understand what it streams.
import { describe, expect, test } from "bun:test"
import { connect } from "node:net"
import { Gate } from "../../testing/gate.ts"
import { awsEvent, type Reply, reply, type Script, script, startModelServer } from "../../testing/model-server.ts"
import { ask, chat, claude, converse, gemini, type Prompt, responses, thrownBy, told, tools, user } from "./clients.ts"

const sseGarbage = "data: {not json\n\n"
const asked = { model: "m", max_tokens: 9, stream: true, messages: [{ role: "user", content: "hi" }] }
const clients = [
  {
    protocol: "anthropic",
    client: claude,
    garbage: sseGarbage,
    raw: { path: "/v1/messages", body: asked },
  },
  {
    protocol: "openai",
    client: chat,
    garbage: sseGarbage,
    raw: { path: "/v1/chat/completions", body: asked },
  },
  {
    protocol: "openai-responses",
    client: responses,
    garbage: sseGarbage,
    raw: { path: "/v1/responses", body: { model: "m", stream: true, input: "hi" } },
  },
  {
    protocol: "google",
    client: gemini,
    garbage: sseGarbage,
    raw: {
      path: "/v1beta/models/m:streamGenerateContent?alt=sse",
      body: { contents: [{ role: "user", parts: [{ text: "hi" }] }] },
    },
  },
  {
    protocol: "bedrock",
    client: converse,
    garbage: awsEvent("contentBlockDelta", "{not json"),
    raw: { path: "/model/m/converse-stream", body: { messages: [{ role: "user", content: [{ text: "hi" }] }] } },
  },
] as const

/** Where signatures come with the reasoning, or with the call that it led to. */
const SIGNED: readonly string[] = ["anthropic", "openai-responses", "google", "bedrock"]

function serve(...steps: (Reply | Script)[]) {
  return startModelServer({ script: script.inOrder(steps) })
}

const question: Prompt = [{ role: "system", content: "You are a test." }, user("What is in the folder?")]

describe.each(clients)("$protocol", ({ protocol, client, garbage, raw }) => {
  test("streams text, which arrives whole with characters of all sizes", async () => {
    const text = "Grüße, 你好, 👩‍👩‍👧 — ".repeat(20)
    await using server = await serve(reply.text(text).chunk({ chars: 3 }))
    const got = await ask(client(server), question)
    expect(got).toMatchObject({ text, textBlocks: 1, finish: "stop", errors: [], thrown: undefined })
    server.check()
  })

  test("streams reasoning, text and parallel tool calls with their arguments in pieces", async () => {
    await using server = await serve(
      reply.parts([
        { type: "reasoning", text: "Two things at once." },
        { type: "text", text: "I look." },
        { type: "call", name: "Read", input: { file_path: "/a/b.ts", note: 'quote " and \n' } },
        { type: "call", name: "Bash", input: { command: "ls" }, id: "chosen_1" },
        { type: "call", name: "Bash", input: {} },
      ]),
    )
    const got = await ask(client(server), question)
    expect(got).toMatchObject({ reasoning: "Two things at once.", text: "I look.", finish: "tool-calls", errors: [] })
    expect(got.calls.map(({ name, input }) => [name, JSON.parse(input)])).toEqual([
      ["Read", { file_path: "/a/b.ts", note: 'quote " and \n' }],
      ["Bash", { command: "ls" }],
      ["Bash", {}],
    ])
    expect(got.calls[1]?.id).toBe("chosen_1")
    expect(new Set(got.calls.map((call) => call.id)).size).toBe(3)
    // Google sends the arguments whole.
    if (protocol === "google") expect(got.calls[0]?.deltas).toBe(1)
    else expect(got.calls[0]?.deltas).toBeGreaterThan(2)
    expect(got.signatures).toEqual(SIGNED.includes(protocol) ? ["sig-r1-1"] : [])
  })

  test("reports the usage that the script gives, with cache figures and reasoning", async () => {
    const usage = { input: 10, output: 50, cacheRead: 700, cacheWrite: 0, reasoning: 20 }
    await using server = await serve(reply.text("hi").usage(usage))
    const got = await ask(client(server), question)
    expect(got.usage?.input).toMatchObject({ total: 710, noCache: 10, cacheRead: 700 })
    // Bedrock does not tell how much was reasoning.
    expect(got.usage?.output).toMatchObject({ total: 50, reasoning: protocol === "bedrock" ? undefined : 20 })
    expect(server.requests[0]?.usage).toEqual(usage)
  })

  test("reckons usage from the bytes, and a prefix that it saw before as read from the cache", async () => {
    await using server = await serve(reply.text("An answer."), reply.text("Another."))
    const cache = {
      anthropic: { cacheControl: { type: "ephemeral" as const } },
      bedrock: { cachePoint: { type: "default" as const } },
    }
    const marked = (message: Prompt[number]): Prompt[number] => ({ ...message, providerOptions: cache })
    const said: Prompt[number] = { role: "assistant", content: [{ type: "text", text: "An answer." }] }
    await ask(client(server), [...question.slice(0, -1), marked(question.at(-1)!)])
    await ask(client(server), [...question, said, marked(user("Go on."))])
    const [first, second] = server.requests.map((request) => request.usage!)
    const all = first!.input + first!.cacheWrite
    expect(all).toBeGreaterThan(20)
    expect(first!.cacheRead).toBe(0)
    expect(second!.cacheRead).toBe(all)
    expect(second!.input + second!.cacheWrite).toBeGreaterThan(0)
    expect(second!.output).toBe(2)
    server.check()
  })

  test.each([
    [400, undefined],
    [401, undefined],
    [404, undefined],
    [413, undefined],
    [429, 7],
    [500, undefined],
    [529, undefined],
  ])("answers status %d in the provider's shape", async (status, retryAfter) => {
    const error = reply.error(status, { message: "scripted trouble", ...(retryAfter && { retryAfter }) })
    await using server = await serve(error)
    const thrown = await thrownBy(ask(client(server), question))
    expect(thrown).toMatchObject({ statusCode: status, message: "scripted trouble" })
    expect((thrown.responseHeaders as Record<string, string>)["retry-after"]).toBe(
      retryAfter ? "7" : (undefined as never),
    )
    expect(server.requests[0]?.outcome).toBe("failed")
  })

  test("gives an error in mid-stream after the text that came before", async () => {
    await using server = await serve(
      reply.parts([
        { type: "text", text: "so far" },
        { type: "error", error: "overloaded_error", message: "Overloaded" },
      ]),
    )
    const got = await ask(client(server), question)
    expect(got.text).toBe("so far")
    expect(told(got.errors)).toContain("Overloaded")
    expect(server.requests[0]?.outcome).toBe("failed")
  })

  test("cuts the connection before the headers, before the body and in the middle of it", async () => {
    const long = "word ".repeat(200)
    await using server = await serve(
      reply.text(long).cut("before-headers"),
      reply.text(long).cut({ afterBytes: 0 }),
      reply.text(long).cut({ afterBytes: 3000 }),
      reply.text(long),
    )
    const before = await thrownBy(ask(client(server), question))
    expect(before.isRetryable).toBe(true)
    expect(server.requests).toHaveLength(1)
    const seen = async () => {
      try {
        return await ask(client(server), question)
      } catch (error) {
        return { thrown: error, text: "", finish: undefined }
      }
    }
    const empty = await seen()
    expect(empty).toMatchObject({ text: "", finish: undefined })
    expect(empty.thrown).toBeDefined()
    const partial = await seen()
    expect(partial.thrown).toBeDefined()
    expect(partial.text.length).toBeGreaterThan(100)
    expect(partial.text.length).toBeLessThan(long.length)
    expect(long).toStartWith(partial.text)
    expect(partial.finish).toBeUndefined()
    expect((await ask(client(server), question)).text).toBe(long)
    expect(server.requests.map((request) => request.outcome)).toEqual(["failed", "failed", "failed", "completed"])
    server.check()
  })

  test("cuts after exactly so many bytes of the body", async () => {
    await using server = await serve(reply.text("ä".repeat(500)).cut({ afterBytes: 1001 }))
    const sent = await overTcp(server.url, `POST ${raw.path}`, JSON.stringify(raw.body))
    expect(sent.body.length).toBe(1001)
    expect(sent.ended).toBe(false)
  })

  test("sends garbage: between events, as the whole body, and a body that just ends", async () => {
    await using server = await serve(
      reply.parts([
        { type: "text", text: "good" },
        { type: "raw", text: garbage },
        { type: "text", text: " again" },
      ]),
      reply.raw("<html>proxy says no</html>", { status: 502, headers: { "content-type": "text/html" } }),
      reply.parts([{ type: "text", text: "half" }, { type: "truncate" }]),
    )
    const mixed = await ask(client(server), question)
    expect(mixed.text).toBe("good again")
    expect(mixed.errors).toHaveLength(1)
    expect(await thrownBy(ask(client(server), question))).toMatchObject({ statusCode: 502 })
    const half = await ask(client(server), question)
    expect(half.text).toBe("half")
    expect(half.finish).not.toBe("stop")
    expect(half.thrown).toBeUndefined()
  })

  test("holds a reply before its start and between its parts until the test opens the gate", async () => {
    const [start, middle] = [new Gate(), new Gate()]
    const held = reply.parts([
      { type: "text", text: "one" },
      { type: "gate", gate: middle },
      { type: "text", text: " two" },
    ])
    await using server = await serve(held.gate(start))
    const streaming = client(server).doStream({ prompt: question, tools })
    const request = await server.received(1)
    await start.reached()
    expect(request.outcome).toBe("open")
    start.open()
    const reader = (await streaming).stream.getReader()
    const texts: string[] = []
    const until = async (done: () => boolean) => {
      while (!done()) {
        const { value, done: over } = await reader.read()
        if (over) return
        if (value.type === "text-delta") texts.push(value.delta)
      }
    }
    await until(() => texts.join("") === "one")
    await middle.reached()
    expect(server.openRequests).toBe(1)
    middle.open()
    await until(() => false)
    expect(texts.join("")).toBe("one two")
    await request.ended
    expect(request.outcome).toBe("completed")
    expect(request.endedAt).toBeGreaterThanOrEqual(request.at)
  })

  test.each(["before-headers", "after-headers", "before-end"] as const)(
    "notices that the client goes away while it stalls %s",
    async (place) => {
      await using server = await serve(reply.text("so far").stall(place))
      const abort = new AbortController()
      const asking = ask(client(server), question, { abortSignal: abort.signal }).catch((error) => ({ thrown: error }))
      const request = await server.received(1)
      expect(request.aborted).toBe(false)
      abort.abort()
      await request.ended
      expect(request.aborted).toBe(true)
      expect((await asking).thrown).toBeDefined()
      expect(server.openRequests).toBe(0)
    },
  )

  test("reports the stop reasons length and refused", async () => {
    await using server = await serve(reply.text("cut sh").stop("length"), reply.text("no").stop("refused"))
    expect((await ask(client(server), question)).finish).toBe("length")
    expect((await ask(client(server), question)).finish).toBe("content-filter")
  })

  test("streams arguments that are no JSON as they are", async () => {
    await using server = await serve(reply.calls([{ name: "Read", json: '{"file_path": "/a' }]))
    expect((await ask(client(server), question)).calls[0]?.input).toBe('{"file_path": "/a')
  })

  test("records the neutral request", async () => {
    await using server = await serve(
      reply.calls([{ name: "Read", input: { file_path: "/x" }, id: "call_1" }], { text: "Reading." }),
      reply.text("Done."),
    )
    await ask(client(server), question)
    await ask(client(server), [
      ...question,
      {
        role: "assistant",
        content: [
          { type: "text", text: "Reading." },
          {
            type: "tool-call",
            toolCallId: "call_1",
            toolName: "Read",
            input: { file_path: "/x" },
            providerOptions: { google: { thoughtSignature: "sig-r1-call" } },
          },
        ],
      },
      {
        role: "tool",
        content: [
          { type: "tool-result", toolCallId: "call_1", toolName: "Read", output: { type: "text", value: "the file" } },
        ],
      },
    ])
    const [first, second] = server.requests
    expect(first).toMatchObject({ protocol, system: "You are a test.", prompt: "What is in the folder?", n: 1 })
    expect(first?.news).toBe("What is in the folder?")
    expect(first?.tools.map((tool) => tool.name)).toEqual(["Read", "Bash"])
    expect(first?.bytes).toBeGreaterThan(200)
    expect(first?.headers.get("user-agent")).toContain("ai-sdk")
    expect(second?.results).toEqual([{ callId: "call_1", text: "the file", isError: false }])
    expect(second?.conversation).toBe(first!.conversation)
    expect(second?.parent).toBe(first!)
    server.check()
  })
})

test("its environment variables lead the client libraries to it", async () => {
  await using server = await serve()
  expect(server.env("anthropic")).toEqual({ ANTHROPIC_API_KEY: "test-key", ANTHROPIC_BASE_URL: server.url })
  expect(server.env("openai")).toEqual({ OPENAI_API_KEY: "test-key", OPENAI_BASE_URL: `${server.url}/v1` })
  expect(server.env("openai-responses")).toEqual(server.env("openai"))
  expect(server.env("google")).toEqual({ GEMINI_API_KEY: "test-key", GOOGLE_GEMINI_BASE_URL: server.url })
  expect(server.env("bedrock")).toEqual({
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "test-key",
    AWS_SECRET_ACCESS_KEY: "test-secret",
    AWS_ENDPOINT_URL_BEDROCK_RUNTIME: server.url,
  })
})

test("a request that the script does not expect is answered with 500 and recorded with what it asked", async () => {
  await using server = await serve(reply.text("only one"))
  await ask(claude(server), question)
  const thrown = await thrownBy(ask(claude(server), [user("And now?")]))
  expect(thrown).toMatchObject({ statusCode: 500 })
  expect(String(thrown.message)).toContain("And now?")
  expect(server.problems.map((problem) => problem.code)).toEqual(["unexpected-request"])
  expect(() => server.check()).toThrow("asked for number 2")
})

test("a script that throws, or returns nothing, or is missing, is a recorded problem", async () => {
  await using server = await startModelServer()
  const codes = () => server.problems.map((problem) => problem.code)
  await thrownBy(ask(chat(server), question))
  expect(codes()).toEqual(["unexpected-request"])
  server.script = () => {
    throw new Error("my mistake")
  }
  await thrownBy(ask(chat(server), question))
  server.script = () => undefined as never
  await thrownBy(ask(chat(server), question))
  expect(codes()).toEqual(["unexpected-request", "script-threw", "unexpected-request"])
})

test("requests that are none are refused and recorded, and the server goes on", async () => {
  await using server = await startModelServer({ script: () => reply.text("fine"), maxBytes: 2000 })
  const headers = { "x-api-key": "k", "anthropic-version": "2023-06-01" }
  const post = async (path: string, body: string, with_: Record<string, string> = headers) =>
    (await fetch(server.url + path, { method: "POST", headers: with_, body })).status
  expect(await post("/v1/messages", "rubbish")).toBe(400)
  expect(await post("/v1/messages", "[]")).toBe(400)
  expect(await post("/v1/messages", '{"stream":true}')).toBe(400)
  expect(await post("/v1/messages", '{"messages":[{"role":"user","content":"hi"}]}')).toBe(400)
  expect(await post("/v1/messages", '{"stream":true,"messages":[null]}')).toBe(400)
  expect(await post("/v1/messages", '{"stream":true,"messages":[{"role":"tool","content":"x"}]}')).toBe(400)
  expect(await post("/v1/messages", "{}", {})).toBe(401)
  expect(await post("/v1/messages", "{}", { "x-api-key": "k" })).toBe(400)
  expect(await post("/v1/messages", JSON.stringify({ pad: "x".repeat(3000) }))).toBe(413)
  expect(await post("/v2/else", "{}")).toBe(404)
  expect((await fetch(`${server.url}/v1/messages`)).status).toBe(404)
  expect(server.requests).toHaveLength(0)
  expect(server.problems.length).toBe(10)
  expect(server.openRequests).toBe(0)
  expect((await ask(claude(server), question, { tools: [] })).text).toBe("fine")
})

test("received and receivedWhere find requests that came before, wait for later ones, and tell what came instead", async () => {
  await using server = await startModelServer({ script: () => reply.text("ok") })
  const later = server.receivedWhere((request) => request.prompt === "second")
  const first = server.received(1)
  await ask(chat(server), [user("first")])
  expect((await first).prompt).toBe("first")
  await ask(chat(server), [user("second")])
  expect((await later).n).toBe(2)
  expect((await server.receivedWhere((request) => request.prompt === "first")).n).toBe(1)
  expect((await thrownBy(server.received(3, 20))).message).toContain("second")
})

test("closing breaks streams that are open, and nobody is left waiting", async () => {
  const server = await startModelServer({ script: () => reply.text("so far").stall() })
  const asking = ask(claude(server), question)
  const request = await server.received(1)
  await server[Symbol.asyncDispose]()
  expect((await asking.catch((error) => ({ thrown: error }))).thrown).toBeDefined()
  await request.ended
  expect(request.outcome).toBe("aborted")
})

test("the pace of streaming is kept: each delta is its own write, after its own pause", async () => {
  const slept: number[] = []
  const clock = {
    now: () => 42,
    monotonic: () => 42,
    sleep: async (ms: number) => {
      slept.push(ms)
    },
  }
  await using server = await startModelServer({
    clock,
    script: () => reply.text("0123456789").chunk({ chars: 2, everyMs: 30 }).delay(500),
  })
  expect((await ask(chat(server), question)).text).toBe("0123456789")
  expect(slept).toEqual([500, 30, 30, 30, 30, 30])
  expect(server.requests[0]).toMatchObject({ at: 42, endedAt: 42 })
})

test("240 streams can be open at once, and are counted", async () => {
  const gate = new Gate()
  await using server = await startModelServer({
    script: () =>
      reply.parts([
        { type: "text", text: "a" },
        { type: "gate", gate },
      ]),
    keep: "summary",
    check: "off",
  })
  const body = JSON.stringify({ model: "m", stream: true, messages: [{ role: "user", content: "hi" }] })
  const open = Array.from({ length: 240 }, async () => {
    const response = await fetch(`${server.url}/v1/chat/completions`, { method: "POST", body })
    return await response.text()
  })
  await server.received(240)
  expect(server.openRequests).toBe(240)
  gate.open()
  for (const text of await Promise.all(open)) expect(text).toEndWith("data: [DONE]\n\n")
  expect(server.maxConcurrent).toBe(240)
  await Promise.all(server.requests.map((request) => request.ended))
  expect(server.openRequests).toBe(0)
  expect(server.requests[0]?.body).toEqual({})
})

/** What is on the wire, without a client library that may throw bytes away when the connection dies. */
async function overTcp(url: string, line: string, body: string): Promise<{ body: Buffer; ended: boolean }> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1")
  const keys = "x-api-key: k\r\nanthropic-version: 2023-06-01\r\nauthorization: Bearer k\r\nx-goog-api-key: k"
  const headers = `host: x\r\n${keys}\r\ncontent-length: ${Buffer.byteLength(body)}`
  socket.write(`${line} HTTP/1.1\r\n${headers}\r\n\r\n${body}`)
  const chunks: Buffer[] = []
  socket.on("data", (chunk) => chunks.push(chunk))
  await new Promise((resolve) => socket.on("close", resolve).on("error", resolve))
  const all = Buffer.concat(chunks)
  let rest = all.subarray(all.indexOf("\r\n\r\n") + 4)
  const parts: Buffer[] = []
  while (rest.length > 0) {
    const size = Number.parseInt(rest.subarray(0, rest.indexOf("\r\n")).toString(), 16)
    if (size === 0) return { body: Buffer.concat(parts), ended: true }
    const from = rest.indexOf("\r\n") + 2
    parts.push(rest.subarray(from, from + size))
    rest = rest.subarray(from + size + 2)
  }
  return { body: Buffer.concat(parts), ended: false }
}
