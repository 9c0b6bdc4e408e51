// Every way in which a request can fail, through the real client libraries, and what a person reads about it.
import { describe, expect, test } from "bun:test"
import { type Endpoint, retryAfter, toModelError } from "../../src/model/errors.ts"
import type { ModelError, ModelErrorKind } from "../../src/model/model.ts"
import { openModel } from "../../src/model/providers.ts"
import { type Reply, reply, script, startModelServer } from "../../testing/model-server.ts"
import {
  ADDRESSES,
  failure,
  KEYS,
  MODELS,
  modelAt,
  type ProtocolName,
  protocols,
  request,
  settingsAt,
} from "./asking.ts"

async function failing(protocol: ProtocolName, answer: Reply) {
  await using server = await startModelServer({ script: script.inOrder([answer]) })
  return await failure(await modelAt(server, protocol), request())
}

const NOW = Date.parse("2026-11-22T10:00:00Z")

describe("statuses", () => {
  const expected: [number, ModelErrorKind, boolean][] = [
    [400, "bad-request", false],
    [401, "auth", false],
    [403, "auth", false],
    [404, "not-found", false],
    [413, "too-long", false],
    [429, "rate-limit", true],
    [500, "server", true],
    [502, "server", true],
    [503, "overloaded", true],
    [529, "overloaded", true],
  ]
  for (const protocol of protocols)
    for (const [status, kind, retry] of expected)
      test(`${protocol} ${status} is ${kind}`, async () => {
        const error = await failing(protocol, reply.error(status, { message: "the server's words" }))
        expect(error.kind).toBe(kind)
        expect(error.retry).toBe(retry)
        expect(error.options.status).toBe(status)
        expect(error.message).toContain(`(${status}: the server's words)`)
      })
})

describe("what servers say", () => {
  const tooLong = [
    "prompt is too long: 215000 tokens > 200000 maximum",
    "input length and `max_tokens` exceed context limit: 190000 + 32000 > 200000",
    "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens.",
    "Your input exceeds the context window of this model. Please adjust your input and try again.",
    "the request exceeds the available context size, try increasing it",
    "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
    "Input is too long for requested model.",
  ]
  for (const message of tooLong)
    test(`too long: ${message.slice(0, 40)}`, async () => {
      expect((await failing("openai", reply.error(400, { message }))).kind).toBe("too-long")
    })

  test("a request that is larger than a minute's allowance is too long, not limited", async () => {
    const message = "Request too large for gpt-x on tokens per min (TPM): Limit 10000, Requested 20000."
    expect((await failing("openai", reply.error(429, { message }))).kind).toBe("too-long")
  })

  test("no credit left is not a rate limit", async () => {
    const message = "You exceeded your current quota, please check your plan and billing details."
    const error = await failing("openai", reply.error(429, { type: "insufficient_quota", message }))
    expect(error.kind).toBe("auth")
    expect(error.message).toStartWith("openai says that the account cannot pay for requests")
    const low = "Your credit balance is too low to access the Anthropic API."
    expect((await failing("anthropic", reply.error(400, { message: low }))).kind).toBe("auth")
  })

  test("errors in the middle of a stream count as their statuses do", async () => {
    const inStream = (error: string) =>
      reply.parts([
        { type: "text", text: "so far" },
        { type: "error", error, message: "sorry" },
      ])
    expect((await failing("anthropic", inStream("overloaded_error"))).kind).toBe("overloaded")
    expect((await failing("anthropic", inStream("api_error"))).kind).toBe("server")
    expect((await failing("openai", inStream("server_error"))).kind).toBe("server")
    const first = reply.parts([{ type: "error", error: "overloaded_error", message: "sorry" }])
    expect((await failing("anthropic", first)).kind).toBe("overloaded")
  })

  test("a message is one clean line of bearable length", async () => {
    const error = await failing("openai", reply.error(400, { message: `a\n\u001b[31mred\u0007 ${"x".repeat(5000)}` }))
    expect(error.message).toContain("(400: a red xxx")
    expect(error.message.length).toBeLessThan(600)
  })
})

for (const protocol of protocols) {
  describe(`${protocol}: broken connections`, () => {
    test("before the headers", async () => {
      const error = await failing(protocol, reply.text("x").cut("before-headers"))
      expect(error.kind).toBe("network")
      expect(error.message).toContain("Cannot reach")
    })

    const cut = {
      "after the headers": reply.text("hello").cut("after-headers"),
      "in the middle": reply.parts([{ type: "text", text: "hel" }, { type: "cut" }]),
    }
    for (const [where, answer] of Object.entries(cut))
      test(where, async () => {
        expect((await failing(protocol, answer)).kind).toBe("cut")
      })

    test("an answer without its end is cut, also in the middle of a call", async () => {
      const text = reply.parts([{ type: "text", text: "hello" }, { type: "truncate" }])
      const call = reply.parts([{ type: "call", name: "Read", input: { path: "a" } }, { type: "truncate" }])
      for (const answer of [text, call]) expect((await failing(protocol, answer)).kind).toBe("cut")
    })

    test("garbage", async () => {
      const between = reply.parts([
        { type: "text", text: "hello" },
        { type: "raw", text: "data: {not json\n\n" },
      ])
      const first = reply.raw("data: {not json\n\ndata: {}\n\n")
      const other = reply.raw('data: {"hello": "world"}\n\n')
      // What Google's library does not know, it passes over; Bedrock's sees a piece of a longer event.
      const kinds = protocol === "google" ? ["garbled", "garbled", "cut"] : ["garbled", "garbled", "garbled"]
      if (protocol === "bedrock") kinds[0] = "cut"
      for (const [i, answer] of [between, first, other].entries())
        expect((await failing(protocol, answer)).kind).toBe(kinds[i] as ModelErrorKind)
    })

    test("a web page instead of an API", async () => {
      const page = reply.raw("<html>Log in to the hotel's network</html>", {
        headers: { "content-type": "text/html; charset=utf-8" },
      })
      const error = await failing(protocol, page)
      expect(error.kind).toBe("not-found")
      expect(error.message).toMatch(/^http:\/\/127\.0\.0\.1:\d+.* is a web page, not the API of a model\. Check /)
      expect(error.message).toEndWith(` Check ${ADDRESSES[protocol]}.`)
    })

    test("an error page that is not JSON", async () => {
      const error = await failing(
        protocol,
        reply.raw("<html>502 Bad Gateway</html>", { status: 502, headers: { "content-type": "text/html" } }),
      )
      expect(error.kind).toBe("server")
      expect(error.message).toContain("502")
    })

    test("a redirect is not followed, since it would take the key along", async () => {
      await using elsewhere = await startModelServer({ script: script.inOrder([], reply.text("caught")) })
      const error = await failing(
        protocol,
        reply.raw("", { status: 307, headers: { location: `${elsewhere.url}/v1/messages` } }),
      )
      expect(error.kind).toBe("not-found")
      expect(elsewhere.requests.length).toBe(0)
    })

    test("nobody there", async () => {
      const server = await startModelServer()
      const model = await modelAt(server, protocol)
      await server[Symbol.asyncDispose]()
      const error = await failure(model, request())
      expect(error.kind).toBe("network")
      expect(error.message).toMatch(
        /^Nothing answers at http:\/\/127\.0\.0\.1:\d+.* \(connection refused\)\. Start the server that should be there, or check /,
      )
      expect(error.message).toEndWith(` or check ${ADDRESSES[protocol]}.`)
    })
  })
}

describe("each provider's own words", () => {
  const cases: [ProtocolName, Reply, Partial<ModelError>, string][] = [
    [
      "google",
      reply.raw(
        JSON.stringify({
          error: {
            code: 400,
            message: "API key not valid. Please pass a valid API key.",
            status: "INVALID_ARGUMENT",
            details: [{ reason: "API_KEY_INVALID" }],
          },
        }),
        { status: 400 },
      ),
      { kind: "auth" },
      "google refused the API key (400: API key not valid. Please pass a valid API key.). Check GEMINI_API_KEY, or",
    ],
    [
      "google",
      googleLimit("GenerateRequestsPerMinutePerProjectPerModel", "34.07s"),
      { kind: "rate-limit", retry: true },
      "Try again in 35 s",
    ],
    [
      "google",
      googleLimit("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "34s"),
      { kind: "rate-limit", retry: false },
      "Try again tomorrow",
    ],
    [
      "google",
      reply.error(404, { message: "models/gemini-x is not found for API version v1beta" }),
      { kind: "not-found" },
      "does not know the model",
    ],
    [
      "bedrock",
      aws(400, "ValidationException", "The provided model identifier is invalid."),
      { kind: "not-found" },
      "does not know the model",
    ],
    [
      "bedrock",
      aws(
        400,
        "ValidationException",
        "Invocation of model ID anthropic.claude-x with on-demand throughput isn\u2019t supported.",
      ),
      { kind: "not-found" },
      "Put the region's group before its name: us.",
    ],
    [
      "bedrock",
      aws(400, "ValidationException", "Input is too long for requested model."),
      { kind: "too-long" },
      "/compact",
    ],
    [
      "bedrock",
      aws(
        403,
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided.",
      ),
      { kind: "auth" },
      "AWS_REGION, and that this machine's clock is right",
    ],
    [
      "bedrock",
      aws(403, "ExpiredTokenException", "The security token included in the request is expired"),
      { kind: "auth" },
      "The AWS credentials have expired",
    ],
    [
      "bedrock",
      aws(403, "UnrecognizedClientException", "The security token included in the request is invalid."),
      { kind: "auth" },
      "AWS does not know these credentials",
    ],
    [
      "bedrock",
      aws(403, "AccessDeniedException", "You don't have access to the model with the specified model ID."),
      { kind: "auth" },
      "does not let this API key use",
    ],
    [
      "bedrock",
      aws(424, "ModelErrorException", "The model failed."),
      { kind: "server", retry: true },
      "failed to answer",
    ],
    [
      "bedrock",
      aws(429, "ThrottlingException", "Too many tokens per day, please wait before trying again."),
      { kind: "rate-limit", retry: false },
      "Try again tomorrow",
    ],
    [
      "bedrock",
      aws(429, "ThrottlingException", "Too many requests, please wait before trying again."),
      { kind: "rate-limit", retry: true },
      "limits the requests",
    ],
    [
      "openai",
      reply.raw('{"error":{"message":"Invalid URL (POST /responses)","type":"invalid_request_error","code":null}}', {
        status: 404,
      }),
      { kind: "not-found" },
      "There is no such API at http",
    ],
    [
      "openai",
      reply.error(404, { type: "model_not_found", message: "The model `gpt-9` does not exist" }),
      { kind: "not-found" },
      "does not know the model",
    ],
    ["local", reply.raw("404 page not found", { status: 404 }), { kind: "not-found" }, "There is no such API at http"],
    [
      "local",
      reply.raw('{"detail":"Not Found"}', { status: 404 }),
      { kind: "not-found" },
      "Check providers.local.baseURL",
    ],
    [
      "local",
      reply.error(404, { message: 'model "qwen" not found, try pulling it first' }),
      { kind: "not-found" },
      "does not know the model",
    ],
    [
      "local",
      reply.error(400, { message: "qwen is not a valid model ID" }),
      { kind: "not-found" },
      "does not know the model",
    ],
    ["local", reply.error(402, { message: "This request requires more credits" }), { kind: "auth" }, "cannot pay"],
  ]
  for (const [protocol, answer, expected, words] of cases)
    test(`${protocol}: ${words}`, async () => {
      const error = await failing(protocol, answer)
      expect({ kind: error.kind, retry: error.retry, message: error.message }).toMatchObject(expected)
      expect(error.message).toContain(words)
    })

  function aws(status: number, type: string, message: string): Reply {
    return reply.error(status, { type, message })
  }

  /** As the API says it, of every limit: also of those that end within a minute. */
  function googleLimit(quotaId: string, retryDelay: string): Reply {
    const message = "You exceeded your current quota, please check your plan and billing details."
    const details = [
      { "@type": "type.googleapis.com/google.rpc.QuotaFailure", violations: [{ quotaId }] },
      { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay },
    ]
    return reply.raw(JSON.stringify({ error: { code: 429, message, status: "RESOURCE_EXHAUSTED", details } }), {
      status: 429,
    })
  }
})

test("an answer that is cut tells what it cost as far as that is known", async () => {
  const answer = reply
    .parts([{ type: "text", text: "x".repeat(400) }, { type: "cut" }])
    .usage({ input: 50, cacheRead: 1000, cacheWrite: 10 })
  const error = await failing("anthropic", answer)
  expect(error.options.usage).toEqual({
    inputTokens: 50,
    outputTokens: 100,
    cacheReadTokens: 1000,
    cacheWriteTokens: 10,
    reasoningTokens: 0,
  })
  expect((await failing("openai", answer)).options.usage).toBeUndefined()
})

test("Retry-After in seconds arrives", async () => {
  expect((await failing("anthropic", reply.error(429, { retryAfter: 7 }))).options.afterMs).toBe(7000)
  expect((await failing("openai", reply.error(503, { headers: { "retry-after-ms": "1500" } }))).options.afterMs).toBe(
    1500,
  )
})

test("Retry-After as it may be written", () => {
  expect(retryAfter({ "retry-after": "0.5" }, NOW)).toBe(500)
  expect(retryAfter({ "retry-after": "Sun, 22 Nov 2026 10:00:30 GMT" }, NOW)).toBe(30_000)
  expect(
    retryAfter({ "retry-after": "Sun, 22 Nov 2026 10:00:30 GMT", date: "Sun, 22 Nov 2026 10:00:20 GMT" }, NOW),
  ).toBe(10_000)
  expect(retryAfter({ "retry-after": "Sun, 22 Nov 2026 09:00:00 GMT" }, NOW)).toBe(0)
  expect(retryAfter({ "retry-after": "3", "retry-after-ms": "2500" }, NOW)).toBe(2500)
  for (const value of ["", "soon", "-5", "NaN"]) expect(retryAfter({ "retry-after": value }, NOW)).toBeUndefined()
  expect(retryAfter(undefined, NOW)).toBeUndefined()
})

test("a key never appears in a message, whoever repeats it", async () => {
  const key = "very-secret-0123456789"
  const said = `Incorrect API key provided: ${key}, or sk-proj-abcdefghijkl, sent as Bearer ${key}x`
  for (const protocol of protocols) {
    const refusal = reply.error(401, { message: said, type: "invalid_api_key" })
    await using server = await startModelServer({ script: script.inOrder([], refusal) })
    const settings = settingsAt(server, protocol)
    const model = await openModel(MODELS[protocol], { ...settings, env: { ...settings.env, [KEYS[protocol]]: key } })
    const error = await failure(model, request())
    expect(error.message).toContain("Incorrect API key provided: ***, or ***, sent as Bearer ***")
    expect(error.message).toEndWith(`Check ${KEYS[protocol]}, or choose another model with --model.`)
    expect(Bun.inspect(error)).not.toContain(key)
  }
})

test("an address is shown without what may be secret in it", async () => {
  const server = await startModelServer()
  const baseURL = `${server.url.replace("http://", "http://user:pass-word@")}/v1?token=abcdef`
  await server[Symbol.asyncDispose]()
  const model = await openModel("local/m", { env: {}, providers: { local: { kind: "openai-compatible", baseURL } } })
  const { message } = await failure(model, request())
  for (const secret of ["pass-word", "abcdef"]) expect(message).not.toContain(secret)
})

test("anything at all becomes a ModelError with a sentence", () => {
  const at: Endpoint = { provider: "p", model: "m", address: "http://h", addressSetting: "X", secrets: [] }
  const rubbish = [
    undefined,
    null,
    3,
    "text",
    {},
    [],
    new Error(""),
    { statusCode: "x" },
    { message: { a: 1 } },
    Object.create(null),
  ]
  for (const error of rubbish)
    for (const phase of ["request", "stream"] as const)
      expect(toModelError(error, at, { phase, now: NOW }).message).toMatch(/^p .*\.$/)
})
