// What only one of the protocols has, and conversations that the real client libraries lead, which the checker must
// find nothing in, whatever shape each library gives them.
import { describe, expect, test } from "bun:test"
import { awsEvent, type Reply, reply, type Script, script, startModelServer } from "../../testing/model-server.ts"
import {
  ask,
  type Client,
  chat,
  claude,
  converse,
  gemini,
  type Prompt,
  responses,
  results,
  thrownBy,
  told,
  user,
} from "./clients.ts"

function serve(...steps: (Reply | Script)[]) {
  return startModelServer({ script: script.inOrder(steps) })
}

const begin: Prompt = [{ role: "system", content: "You are a test." }, user("What is in the folder?")]

/** Of one text, the objects in its server-sent events. */
function eventsIn(body: string) {
  return [...body.matchAll(/^data: (\{.*)$/gm)].map(([, json]) => JSON.parse(json!))
}

async function posted(url: string, body: unknown): Promise<Response> {
  const headers = { authorization: "Bearer k", "x-goog-api-key": "k", "content-type": "application/json" }
  return await fetch(url, { method: "POST", headers, body: JSON.stringify(body) })
}

describe.each([
  { protocol: "anthropic", client: claude },
  { protocol: "openai", client: chat },
  { protocol: "openai-responses", client: responses },
  { protocol: "google", client: gemini },
  { protocol: "bedrock", client: converse },
] as const)("$protocol", ({ protocol, client: clientOf }) => {
  test("a conversation of thoughts, parallel calls and texts comes back as it was given, turn after turn", async () => {
    await using server = await serve(
      reply.parts([
        { type: "reasoning", text: "First this, " },
        { type: "reasoning", text: "then that." },
        { type: "text", text: "I look. " },
        { type: "call", name: "Read", input: { b: 1, a: { z: [1, 2], y: "Grüße" } } },
        { type: "call", name: "Bash", input: {} },
      ]),
      reply.parts([
        { type: "reasoning", text: "" },
        { type: "call", name: "Read", input: { path: "x" } },
      ]),
      reply.parts([
        { type: "reasoning", text: "Done." },
        { type: "text", text: "It is a folder.\n" },
      ]),
      reply.text("A folder, as I said."),
      reply.text("Bye."),
    )
    const history: Prompt = [...begin]
    const step = async (client: Client, ...next: Prompt) => {
      history.push(...next)
      const got = await ask(client, history)
      expect(got).toMatchObject({ errors: [], thrown: undefined })
      history.push(got.said)
      return got
    }
    const client = clientOf(server)
    const first = await step(client)
    expect(first.reasoning).toBe("First this, then that.")
    const second = await step(client, results(...first.calls))
    expect(second.signatures).toEqual(protocol === "openai" ? [] : ["sig-r2-1"])
    // A note right after results: some libraries put both into one message, some do not.
    await step(client, results(...second.calls), user("By the way: hurry."))
    await step(client, user("What?"))
    await step(client, user("Thanks."), user("Bye."))
    server.check()
    expect(server.requests.map((request) => request.protocol)).toEqual(Array(5).fill(protocol))
    expect(server.requests.map((request) => request.conversation)).toEqual(Array(5).fill("c1"))
    expect(server.requests.map((request) => request.parent?.n)).toEqual([undefined, 1, 2, 3, 4])
    expect(server.requests[1]?.results.map((result) => result.text)).toEqual(first.calls.map(({ id }) => `of ${id}`))
    expect(server.requests[2]?.news).toBe("By the way: hurry.")
  })

  test.each(['{"bad', "[1, 2]", "null", "42", '"text"', ""])(
    "a call whose arguments are %j may come back wrapped",
    async (json) => {
      await using server = await serve(reply.calls([{ name: "Read", json }]), reply.text("I see."), reply.text("Yes."))
      const client = clientOf(server)
      const first = await ask(client, begin)
      expect(first.calls).toHaveLength(1)
      const next = [...begin, first.said, results(...first.calls)]
      const second = await ask(client, next)
      await ask(client, [...next, second.said, user("Really?")])
      server.check()
      expect(server.requests.map((request) => request.parent?.n)).toEqual([undefined, 1, 2])
    },
  )

  test("a step that the client left unfinished may be dropped or kept as far as it came", async () => {
    await using server = await serve(
      reply.text("never finished").cut({ afterBytes: 1200 }),
      reply.text("never finished").cut({ afterBytes: 1200 }),
      reply.text("ok"),
    )
    const client = clientOf(server)
    await ask(client, begin).catch(() => undefined)
    await ask(client, begin).catch(() => undefined)
    const partial: Prompt[number] = { role: "assistant", content: [{ type: "text", text: "never" }] }
    expect((await ask(client, [...begin, partial, user("Go on.")])).text).toBe("ok")
    server.check()
    expect(server.requests[1]?.repeats?.n).toBe(1)
  })
})

describe("openai-responses", () => {
  const body = { model: "gpt-test", stream: true, store: false, input: "hi" }

  test("numbers its events, and tells of each item when it begins and when it is done", async () => {
    await using server = await serve(
      reply.calls([{ name: "Read", input: { a: 1 } }, { name: "Bash" }], { reasoning: "Hm.", text: "Look." }),
    )
    const streamed = await posted(`${server.url}/v1/responses`, body)
    expect(streamed.headers.get("x-request-id")).toBe("req_r1")
    const events = eventsIn(await streamed.text())
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, i) => i))
    const about = (type: string) => events.filter((event) => event.type === type)
    const added = about("response.output_item.added").map(({ output_index, item }) => [
      output_index,
      item.type,
      item.id,
    ])
    expect(added.map(([index, type]) => [index, type])).toEqual([
      [0, "reasoning"],
      [1, "message"],
      [2, "function_call"],
      [3, "function_call"],
    ])
    expect(new Set(added.map(([, , id]) => id)).size).toBe(4)
    expect(
      about("response.output_item.done").map(({ output_index, item }) => [output_index, item.type, item.id]),
    ).toEqual(added)
    expect(about("response.function_call_arguments.done").map((event) => event.arguments)).toEqual(['{"a":1}', "{}"])
    const completed = events.at(-1)!
    expect(completed.type).toBe("response.completed")
    expect(completed.response.output).toEqual(about("response.output_item.done").map((event) => event.item))
  })

  test("tells the parts of a summary apart", async () => {
    await using server = await serve(
      reply.parts([
        { type: "reasoning", text: "First this." },
        { type: "reasoning", text: "Then that." },
        { type: "text", text: "Done." },
      ]),
    )
    const got = await ask(responses(server), begin)
    const thoughts = got.said.content.filter((part) => part.type === "reasoning")
    expect(thoughts.map((part) => part.text)).toEqual(["First this.", "Then that."])
    expect(new Set(thoughts.map((part) => part.providerOptions?.openai?.itemId)).size).toBe(1)
    expect(server.requests[0]?.said?.reasoning).toHaveLength(1)
  })

  test("gives encrypted reasoning only to who asks for it, and only when the item is done", async () => {
    await using server = await startModelServer({
      script: () => reply.parts([{ type: "reasoning", text: "", signature: "secret" }]),
    })
    const encrypted = async (include: string[]) => {
      const answered = await posted(`${server.url}/v1/responses`, { ...body, include })
      const items = eventsIn(await answered.text()).filter((event) => event.item?.type === "reasoning")
      return items.map((event) => [event.type, event.item.encrypted_content, event.item.summary])
    }
    expect(await encrypted([])).toEqual([
      ["response.output_item.added", null, []],
      ["response.output_item.done", null, []],
    ])
    expect(await encrypted(["reasoning.encrypted_content"])).toEqual([
      ["response.output_item.added", "unfinished", []],
      ["response.output_item.done", "secret", []],
    ])
  })

  test("an error before the first output is thrown, one after it is in the stream, in both forms", async () => {
    for (const form of ["event", "failed"] as const) {
      const error = { type: "error", error: "rate_limit_error", message: "Slow down", form } as const
      await using server = await serve(reply.parts([error]), reply.parts([{ type: "text", text: "so far" }, error]))
      const thrown = await thrownBy(ask(responses(server), begin))
      expect(thrown).toMatchObject({ message: "Slow down", statusCode: 429, isRetryable: true })
      expect(String(thrown.responseBody)).toContain(form === "event" ? '"type":"error"' : '"type":"response.failed"')
      const got = await ask(responses(server), begin)
      expect(got).toMatchObject({ text: "so far", finish: "error" })
      expect(told(got.errors)).toContain("Slow down")
    }
  })

  test("pings and written caches are told as OpenAI does", async () => {
    await using server = await serve(
      reply
        .parts([{ type: "text", text: "a" }, { type: "ping" }, { type: "text", text: "b" }])
        .usage({ cacheWrite: 30 }),
    )
    const got = await ask(responses(server), begin)
    expect(got).toMatchObject({ text: "ab", textBlocks: 1, errors: [] })
    expect(got.usage?.input).toMatchObject({ cacheWrite: 30 })
  })

  test("marks for its cache may move", async () => {
    await using server = await serve(reply.text("One."), reply.text("Two."))
    const mark = { prompt_cache_breakpoint: { mode: "explicit" } }
    const image = { type: "input_image", image_url: "data:image/png;base64,iVBOR" }
    const text = { type: "input_text", text: "a" }
    const send = async (...input: unknown[]) =>
      await (await posted(`${server.url}/v1/responses`, { ...body, input })).text()
    await send({
      role: "user",
      content: [
        { ...text, ...mark },
        { ...image, ...mark },
      ],
    })
    await send(
      { role: "user", content: [text, image] },
      { role: "assistant", content: "One." },
      { role: "user", content: [{ ...text, ...mark }] },
    )
    server.check()
    expect(server.requests[1]?.parent?.n).toBe(1)
  })

  test("is told apart from the chat protocol at the same address", async () => {
    await using server = await serve(reply.text("one"), reply.text("two"))
    await ask(chat(server), begin)
    await ask(responses(server), begin)
    expect(server.requests.map((request) => request.protocol)).toEqual(["openai", "openai-responses"])
  })

  test("refuses requests without a key, and ones that lean on what was stored", async () => {
    await using server = await startModelServer({ script: () => reply.text("fine") })
    const bare = await fetch(`${server.url}/v1/responses`, { method: "POST", body: JSON.stringify(body) })
    expect(bare.status).toBe(401)
    const leaning = await posted(`${server.url}/v1/responses`, { ...body, previous_response_id: "resp_1" })
    expect(leaning.status).toBe(400)
    expect(server.problems.map((problem) => problem.code)).toEqual(["malformed", "malformed"])
  })
})

describe("google", () => {
  const url = (base: string, rest = ":streamGenerateContent?alt=sse") => `${base}/v1beta/models/gemini-test${rest}`
  const contents = [{ role: "user", parts: [{ text: "hi" }] }]

  test("signs the first of parallel calls, also when it told no thoughts, and a text at its end", async () => {
    await using server = await serve(
      reply.calls([{ name: "Read" }, { name: "Bash" }]),
      reply.parts([
        { type: "reasoning", text: "Hm.", signature: "kept" },
        { type: "text", text: "Done." },
      ]),
    )
    const partsOf = async () => {
      const events = eventsIn(await (await posted(url(server.url), { contents })).text())
      return events.flatMap((event) => event.candidates[0].content.parts)
    }
    const call = (name: string, id: string) => ({ functionCall: { name, args: {}, id } })
    expect(await partsOf()).toEqual([
      { ...call("Read", "fc_r1_1"), thoughtSignature: "sig-r1-call" },
      call("Bash", "fc_r1_2"),
      { text: "" },
    ])
    expect(await partsOf()).toEqual([
      { text: "Hm.", thought: true },
      { text: "Done." },
      { text: "", thoughtSignature: "kept" },
    ])
  })

  test("takes the model from the path, and the key from a header or the query", async () => {
    await using server = await startModelServer({ script: () => reply.text("fine") })
    const send = async (to: string) => (await fetch(to, { method: "POST", body: JSON.stringify({ contents }) })).status
    expect(await send(`${url(server.url)}&key=k`)).toBe(200)
    expect(server.requests[0]?.model).toBe("gemini-test")
    expect(await send(url(server.url))).toBe(403)
    expect(await send(url(server.url, ":streamGenerateContent?key=k"))).toBe(400)
    expect(await send(url(server.url, ":generateContent?key=k"))).toBe(404)
    expect(server.problems.map((problem) => problem.code)).toEqual(["malformed", "malformed", "unexpected-request"])
  })

  test("tells the wait after too many requests in the body too, as Google does", async () => {
    await using server = await serve(reply.error(429, { retryAfter: 7 }))
    const thrown = await thrownBy(ask(gemini(server), begin))
    expect(JSON.parse(String(thrown.responseBody)).error).toEqual({
      code: 429,
      message: "scripted error 429",
      status: "RESOURCE_EXHAUSTED",
      details: [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "7s" }],
    })
  })

  test("an error in mid-stream has the status of its word", async () => {
    const error = (word: string) => reply.parts([{ type: "error", error: word, message: "trouble" }])
    await using server = await serve(error("overloaded_error"), error("RESOURCE_EXHAUSTED"), error("odd"))
    const codes: unknown[] = []
    for (let i = 0; i < 3; i++) {
      const events = eventsIn(await (await posted(url(server.url), { contents })).text())
      codes.push([events[0]?.error.code, events[0]?.error.status])
    }
    expect(codes).toEqual([
      [503, "UNAVAILABLE"],
      [429, "RESOURCE_EXHAUSTED"],
      [500, "odd"],
    ])
  })

  test("a history whose calls have no ids is answered in their order", async () => {
    await using server = await startModelServer({ script: () => reply.text("fine") })
    const parts = [{ functionCall: { name: "Read", args: {} } }, { functionCall: { name: "Bash", args: {} } }]
    const answers = ["Read", "Bash"].map((name) => ({ functionResponse: { name, response: { content: name } } }))
    const tools = [
      { functionDeclarations: ["Read", "Bash"].map((name) => ({ name, parametersJsonSchema: { type: "object" } })) },
    ]
    const history = [...contents, { role: "model", parts }, { role: "user", parts: answers }]
    await (await posted(url(server.url), { contents: history, tools })).text()
    server.check()
    expect(server.requests[0]?.results.map((result) => result.text)).toEqual(["Read", "Bash"])
  })
})

describe("bedrock", () => {
  const model = "/model/eu.anthropic.claude-test-v1%3A0/converse-stream"
  const body = { messages: [{ role: "user", content: [{ text: "hi" }] }] }

  test("frames each event with its lengths and checksums", () => {
    const event = Buffer.from(awsEvent("a", "{}"))
    expect(event.readUInt32BE(0)).toBe(event.length)
    expect(event.readUInt32BE(8)).toBe(Bun.hash.crc32(event.subarray(0, 8)))
    expect(event.readUInt32BE(event.length - 4)).toBe(Bun.hash.crc32(event.subarray(0, -4)))
    expect(event.subarray(12, 12 + event.readUInt32BE(4)).toString("latin1")).toBe(
      "\x0b:event-type\x07\x00\x01a\x0d:content-type\x07\x00\x10application/json\x0d:message-type\x07\x00\x05event",
    )
    expect(event.subarray(12 + event.readUInt32BE(4), -4).toString()).toBe("{}")
  })

  test("starts only calls, and numbers its blocks", async () => {
    await using server = await serve(
      reply.calls(
        [
          { name: "Read", json: "{}" },
          { name: "Bash", json: "{}" },
        ],
        { reasoning: "Hm.", text: "Look." },
      ),
    )
    const streamed = Buffer.from(await (await posted(server.url + model, body)).arrayBuffer()).toString("latin1")
    const told = [...streamed.matchAll(/contentBlock(Start|Stop)[^{]*\{"contentBlockIndex":(\d)/g)]
    expect(told.map(([, what, index]) => `${what} ${index}`)).toEqual([
      "Stop 0",
      "Stop 1",
      "Start 2",
      "Stop 2",
      "Start 3",
      "Stop 3",
    ])
    expect(streamed.indexOf("messageStop")).toBeLessThan(streamed.indexOf('"usage"'))
  })

  test("exceptions in mid-stream come by their names, and unknown words as one that there is", async () => {
    const names = [
      ["throttlingException", 429],
      ["modelStreamErrorException", 424],
      ["overloaded_error", 503],
      ["rate_limit_error", 429],
      ["odd", 424],
    ] as const
    for (const [error, status] of names) {
      await using server = await serve(
        reply.parts([
          { type: "text", text: "so far" },
          { type: "error", error, message: "trouble" },
        ]),
      )
      const got = await ask(converse(server), begin)
      expect(got).toMatchObject({ text: "so far", finish: "error" })
      expect(got.errors[0]).toMatchObject({ statusCode: status })
      expect(told(got.errors)).toContain("trouble")
    }
  })

  test("errors have their name in a header, and their message in the body", async () => {
    await using server = await serve(
      reply.error(429, { retryAfter: 3 }),
      reply.error(403, { type: "ExpiredTokenException" }),
    )
    const limited = await posted(server.url + model, body)
    expect(limited.headers.get("x-amzn-errortype")).toStartWith("ThrottlingException:")
    expect(limited.headers.get("retry-after")).toBe("3")
    expect(await limited.json()).toEqual({ message: "scripted error 429" })
    const expired = await posted(server.url + model, body)
    expect(expired.headers.get("x-amzn-errortype")).toStartWith("ExpiredTokenException:")
  })

  test("takes the model from the path, and wants a key or a signature for this service", async () => {
    await using server = await startModelServer({ script: () => reply.text("fine") })
    const send = async (authorization?: string) => {
      const headers = authorization === undefined ? undefined : { authorization }
      const sent = await fetch(server.url + model, {
        method: "POST",
        body: JSON.stringify(body),
        ...(headers && { headers }),
      })
      return [sent.status, sent.headers.get("x-amzn-errortype")?.split(":")[0]]
    }
    const scope = (service: string) =>
      `AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=ab12`
    expect(await send("Bearer k")).toEqual([200, undefined])
    expect(server.requests[0]?.model).toBe("eu.anthropic.claude-test-v1:0")
    expect(await send(scope("bedrock"))).toEqual([200, undefined])
    expect(await send(scope("s3"))).toEqual([403, "IncompleteSignatureException"])
    expect(await send()).toEqual([403, "MissingAuthenticationTokenException"])
    expect(server.problems).toHaveLength(2)
  })

  test("an event that is not whole, or whose checksum is wrong, is an error of the stream", async () => {
    const broken = awsEvent("contentBlockDelta", { contentBlockIndex: 0, delta: { text: "b" } })
    broken[20]! ^= 1
    await using server = await serve(
      reply.parts([
        { type: "text", text: "a" },
        { type: "raw", text: broken },
      ]),
      reply.parts([
        { type: "text", text: "a" },
        { type: "raw", text: awsEvent("metadata", {}).subarray(0, 30) },
        { type: "truncate" },
      ]),
    )
    expect(String((await ask(converse(server), begin)).thrown)).toContain("checksum")
    expect(String((await ask(converse(server), begin)).thrown)).toContain("Incomplete")
  })

  test("cache points are no content, may move, and decide what is read from the cache", async () => {
    await using server = await serve(reply.text("One."), reply.text("Two."))
    const point = { cachePoint: { type: "default" } }
    const long = { text: "word ".repeat(400) }
    const said = { role: "assistant", content: [{ text: "One." }] }
    const toolConfig = { tools: [{ toolSpec: { name: "Read", inputSchema: { json: { type: "object" } } } }, point] }
    const system = [{ text: "sys" }, point]
    const send = async (messages: unknown[], more: object) =>
      await (await posted(server.url + model, { messages, ...more })).arrayBuffer()
    await send([{ role: "user", content: [long, point] }], { toolConfig, system })
    const next = { role: "user", content: [{ text: "b" }, point] }
    await send([{ role: "user", content: [long] }, said, next], {
      toolConfig: { tools: toolConfig.tools.slice(0, 1) },
      system,
    })
    server.check()
    const [first, second] = server.requests.map((request) => request.usage!)
    expect(first!.cacheWrite).toBeGreaterThan(500)
    expect(second!.cacheRead).toBe(first!.cacheWrite)
    expect(server.requests[1]?.parent?.n).toBe(1)
  })
})

test("no protocol falls over rubbish", async () => {
  await using server = await startModelServer({ script: () => reply.text("fine") })
  const paths = [
    "/v1/responses",
    "/v1beta/models/m:streamGenerateContent?alt=sse",
    "/v1beta/models/%E0%A4:streamGenerateContent?alt=sse",
    "/model/m/converse-stream",
  ]
  const rubbish = [
    {},
    { input: [null], contents: [null], messages: [null] },
    { input: [{ role: "robot", content: "x" }], contents: [{ role: "robot" }], messages: [{ role: "robot" }] },
    {
      input: [{ type: "reasoning" }],
      contents: [{ parts: 1 }],
      messages: [{ role: "user", content: [{ toolUse: 1 }] }],
    },
    { input: 7, contents: {}, messages: "x", tools: 1, toolConfig: 1 },
  ]
  for (const path of paths)
    for (const body of rubbish) expect((await posted(server.url + path, { ...body, stream: true })).status).toBe(400)
  expect(server.requests).toHaveLength(0)
  expect(server.problems.every((problem) => problem.code === "malformed")).toBe(true)
  expect(server.problems).toHaveLength(paths.length * rubbish.length)
  expect((await ask(gemini(server), begin)).text).toBe("fine")
})
