// What the checker finds in requests of the protocols that have rules of their own: OpenAI's Responses, Google and
// Bedrock. Requests are sent raw, because the client libraries would not send the bad ones.
import { describe, expect, test } from "bun:test"
import { type ModelServer, type ProblemCode, type Reply, reply, startModelServer } from "../../testing/model-server.ts"

type Json = Record<string, unknown>
type Case = [name: string, expected: ProblemCode[], history: Json[], more?: Json]

const schema = { type: "object", properties: {} }

async function send(server: ModelServer, path: string, body: Json): Promise<void> {
  const headers = { authorization: "Bearer k", "x-goog-api-key": "k" }
  const response = await fetch(server.url + path, { method: "POST", headers, body: JSON.stringify(body) })
  await response.arrayBuffer()
}

function codes(server: ModelServer): ProblemCode[] {
  return [...new Set(server.problems.map((problem) => problem.code))]
}

/** What is found when a history comes after its first message was answered so. */
async function found(answer: Reply, ask: (server: ModelServer, history: Json[]) => Promise<void>, history: Json[]) {
  await using server = await startModelServer({ script: () => answer })
  await ask(server, history.slice(0, 1))
  await ask(server, history)
  expect(server.requests[1]?.conversation).toBe("c1")
  return codes(server)
}

describe("openai-responses", () => {
  const user = (text: string): Json => ({ role: "user", content: [{ type: "input_text", text }] })
  const said = (text: string): Json => ({ role: "assistant", content: text })
  const call = (id: string, name = "Read", args = "{}"): Json => ({
    type: "function_call",
    call_id: id,
    name,
    arguments: args,
  })
  const output = (id: string, of: unknown = "ok"): Json => ({ type: "function_call_output", call_id: id, output: of })
  const thought = (more: Json = {}): Json => ({
    type: "reasoning",
    id: "rs_r1_1",
    encrypted_content: "sig-r1-1",
    summary: [{ type: "summary_text", text: "Hm." }],
    ...more,
  })
  const ask = (server: ModelServer, input: Json[], more: Json = {}) =>
    send(server, "/v1/responses", {
      model: "m",
      stream: true,
      store: false,
      include: ["reasoning.encrypted_content"],
      instructions: "sys",
      tools: ["Read", "Bash"].map((name) => ({ type: "function", name, parameters: schema })),
      input,
      ...more,
    })

  test.each<Case>([
    ["a call without an output", ["call-unanswered"], [user("a"), call("t1"), call("t2"), output("t1"), user("b")]],
    ["an output that nobody asked for", ["result-unexpected"], [user("a"), call("t1"), output("t1"), output("t9")]],
    ["an output before all calls", ["first-not-user", "result-unexpected"], [output("t1"), user("a")]],
    [
      "a user message between call and output",
      ["call-unanswered", "result-unexpected"],
      [user("a"), call("t1"), user("b"), output("t1")],
    ],
    ["outputs in another order", ["result-order"], [user("a"), call("t1"), call("t2"), output("t2"), output("t1")]],
    ["an assistant message last", ["trailing-assistant"], [user("a"), said("b ")]],
    ["a call id of more than 64 characters", ["call-id"], [user("a"), call("t".repeat(65)), output("t".repeat(65))]],
    ["arguments that are no JSON", ["call-input"], [user("a"), call("t1", "Read", '{"a'), output("t1")]],
    ["a call of an undeclared tool", ["call-undeclared"], [user("a"), call("t1", "Write"), output("t1")]],
    ["an empty user text", ["empty-content"], [user(" ")]],
    ["a system message in the middle", ["roles-alternate"], [user("a"), { role: "developer", content: "b" }]],
    [
      "an item that there is not",
      ["malformed"],
      [user("a"), { type: "item_reference", id: "rs_1" }, said("b"), user("c")],
    ],
    ["reasoning that leads to nothing", ["empty-content", "reasoning-place"], [user("a"), thought(), user("b")]],
    ["reasoning after what it led to", ["reasoning-place"], [user("a"), said("b"), thought(), user("c")]],
    [
      "reasoning that is neither stored nor sent",
      ["reasoning-unsigned"],
      [user("a"), thought({ encrypted_content: null }), said("b"), user("c")],
    ],
    ["a tool without a schema", ["tool-declaration"], [user("a")], { tools: [{ type: "function", name: "a" }] }],
  ])("%s is a problem", async (_name, expected, input, more = {}) => {
    await using server = await startModelServer({ script: () => reply.text("fine") })
    await ask(server, input, more)
    expect(codes(server)).toEqual(expected)
  })

  test("what is allowed is no problem: content as text or parts, images in outputs, texts and calls in a row", async () => {
    await using server = await startModelServer({ script: () => reply.text("fine") })
    const image = { type: "input_image", image_url: "data:image/png;base64,iVBOR" }
    await ask(server, [
      { type: "message", role: "user", content: "a" },
      thought(),
      said("One, \n"),
      { role: "assistant", content: [{ type: "output_text", text: "two." }] },
      call("t1"),
      thought({ id: undefined }),
      call("t2"),
      output("t1", [{ type: "input_text", text: "seen" }, image]),
      output("t2"),
      { role: "user", content: [{ type: "input_text", text: "b" }, image] },
      user("c"),
    ])
    await ask(server, [user("only")], { tools: [{ type: "web_search" }] })
    await ask(server, [user("a"), thought({ encrypted_content: null }), said("b"), user("c")], { store: true })
    await send(server, "/v1/responses", { model: "m", stream: true, input: "a text alone" })
    server.check()
    const [request] = server.requests
    expect(request?.results).toEqual([
      { callId: "t1", text: "seen\n[image]", isError: false },
      { callId: "t2", text: "ok", isError: false },
    ])
    expect(request).toMatchObject({ system: "sys", prompt: "a", news: "b\nc" })
    expect(server.requests[3]?.prompt).toBe("a text alone")
  })

  test("reasoning has to come back unchanged, and before the call that it led to", async () => {
    const answer = reply.calls(
      [
        { name: "Read", id: "t1" },
        { name: "Bash", id: "t2" },
      ],
      { reasoning: "Hm.", text: "Look." },
    )
    const ends: [string, ProblemCode[], Json[]][] = [
      ["as it was", [], [thought(), said("Look."), call("t1"), call("t2", "Bash")]],
      ["without its id", [], [thought({ id: undefined }), said("Look."), call("t1"), call("t2", "Bash")]],
      [
        "forged",
        ["reasoning-changed"],
        [thought({ encrypted_content: "x" }), said("Look."), call("t1"), call("t2", "Bash")],
      ],
      [
        "not the final one",
        ["reasoning-changed"],
        [thought({ encrypted_content: "unfinished" }), said("Look."), call("t1"), call("t2", "Bash")],
      ],
      [
        "of another item",
        ["reasoning-changed"],
        [thought({ id: "rs_r9_9" }), said("Look."), call("t1"), call("t2", "Bash")],
      ],
      [
        "with another summary",
        ["reasoning-changed"],
        [thought({ summary: [] }), said("Look."), call("t1"), call("t2", "Bash")],
      ],
      ["left out", ["reasoning-changed"], [said("Look."), call("t1"), call("t2", "Bash")]],
      ["after the text", ["reasoning-changed"], [said("Look."), thought(), call("t1"), call("t2", "Bash")]],
      ["between the calls", ["reasoning-changed"], [said("Look."), call("t1"), thought(), call("t2", "Bash")]],
    ]
    for (const [how, expected, back] of ends) {
      const history = [user("a"), ...back, output("t1"), output("t2")]
      expect([how, await found(answer, ask, history)]).toEqual([how, expected])
    }
  })

  test("who does not ask for encrypted reasoning owes none", async () => {
    await using server = await startModelServer({
      script: () => reply.calls([{ name: "Read", id: "t1" }], { reasoning: "Hm." }),
    })
    await ask(server, [user("a")], { include: [] })
    await ask(server, [user("a"), call("t1"), output("t1")], { include: [] })
    server.check()
  })

  test("a changed prefix is told with its place", async () => {
    expect(await found(reply.text("An answer"), ask, [user("a"), said("An answer"), user("b")])).toEqual([])
    expect(await found(reply.text("An answer"), ask, [user("a"), said("An ans"), said("wer"), user("b")])).toEqual([])
    await using server = await startModelServer({ script: () => reply.text("An answer") })
    await ask(server, [user("a")])
    await ask(server, [user("A!"), said("An answer"), user("b")])
    expect(codes(server)).toEqual(["prefix-changed"])
    expect(server.problems[0]?.message).toContain("messages[0].content[0]")
  })
})

describe("google", () => {
  const user = (...parts: (string | Json)[]): Json => ({
    role: "user",
    parts: parts.map((part) => (typeof part === "string" ? { text: part } : part)),
  })
  const model = (...parts: Json[]): Json => ({ role: "model", parts })
  const call = (id: string, name = "Read", more: Json = {}): Json => ({ functionCall: { id, name, args: {} }, ...more })
  const answer = (id: string, name = "Read", response: Json = { content: "ok" }): Json => ({
    functionResponse: { id, name, response },
  })
  const ask = (server: ModelServer, contents: Json[]) =>
    send(server, "/v1beta/models/m:streamGenerateContent?alt=sse", {
      systemInstruction: { parts: [{ text: "sys" }] },
      tools: [{ functionDeclarations: ["Read", "Bash"].map((name) => ({ name, parametersJsonSchema: schema })) }],
      contents,
    })

  test.each<Case>([
    ["no contents", ["no-messages"], []],
    ["a model's content first", ["first-not-user"], [model({ text: "a" }), user("b")]],
    ["a model's content last", ["trailing-assistant"], [user("a"), model({ text: "b " })]],
    [
      "two contents of the model in a row",
      ["roles-alternate"],
      [user("a"), model({ text: "b" }), model({ text: "c" }), user("d")],
    ],
    ["fewer responses than calls", ["call-unanswered"], [user("a"), model(call("t1"), call("t2")), user(answer("t1"))]],
    [
      "more responses than calls",
      ["result-unexpected"],
      [user("a"), model(call("t1")), user(answer("t1"), answer("t1"))],
    ],
    [
      "responses in two contents",
      ["call-unanswered", "result-unexpected"],
      [user("a"), model(call("t1"), call("t2")), user(answer("t1")), user(answer("t2"))],
    ],
    [
      "responses in another order",
      ["result-order"],
      [user("a"), model(call("t1"), call("t2")), user(answer("t2"), answer("t1"))],
    ],
    ["a response by another tool", ["result-unexpected"], [user("a"), model(call("t1")), user(answer("t1", "Bash"))]],
    [
      "a response later on",
      ["call-unanswered", "result-unexpected"],
      [user("a"), model(call("t1")), user("b"), user(answer("t1"))],
    ],
    ["an empty text", ["empty-content"], [user("")]],
    ["a content without parts", ["empty-content"], [user()]],
    [
      "arguments that are no object",
      ["call-input"],
      [user("a"), model({ functionCall: { id: "t1", name: "Read", args: "x" } }), user(answer("t1"))],
    ],
    [
      "a call of an undeclared tool",
      ["call-undeclared"],
      [user("a"), model(call("t1", "Write")), user(answer("t1", "Write"))],
    ],
    ["a part that there is not", ["malformed"], [user("a", { hologram: {} })]],
  ])("%s is a problem", async (_name, expected, contents) => {
    await using server = await startModelServer({ script: () => reply.text("fine") })
    await ask(server, contents)
    expect(codes(server)).toEqual(expected)
  })

  test("what is allowed is no problem: users' contents in a row, images between responses, empty signed texts", async () => {
    await using server = await startModelServer({ script: () => reply.text("fine") })
    const image = { inlineData: { mimeType: "image/png", data: "iVBOR" } }
    await ask(server, [
      user("a"),
      user("b", image),
      model(
        { text: "Hm.", thought: true },
        { text: "Look. " },
        call("t1", "Read", { thoughtSignature: "s" }),
        call("t2", "Bash"),
      ),
      user(answer("t1"), image, { text: "an image" }, answer("t2", "Bash", { error: "no such file" })),
      user("go on"),
      model({ text: "Done.\n" }, { text: "", thoughtSignature: "s2" }),
      user({ functionResponse: undefined, text: "c" }),
    ])
    await ask(server, [
      user("a"),
      model(call("t1")),
      user({ functionResponse: { id: "t1", name: "Read", response: { content: "seen" }, parts: [image] } }),
    ])
    server.check()
    expect(server.requests[1]?.results).toEqual([{ callId: "t1", text: "seen\n[image]", isError: false }])
    expect(server.requests[0]).toMatchObject({ system: "sys", prompt: "a", news: "c" })
  })

  test("the signature of a thought has to come back with the call that carried it", async () => {
    const calls = reply.calls(
      [
        { name: "Read", id: "t1" },
        { name: "Bash", id: "t2" },
      ],
      { reasoning: "Hm." },
    )
    const [first, second] = [call("t1", "Read", { thoughtSignature: "sig-r1-1" }), call("t2", "Bash")]
    const ends: [string, ProblemCode[], Json[]][] = [
      ["as it was", [], [{ text: "Hm.", thought: true }, first, second]],
      ["without the thought", [], [first, second]],
      ["left out", ["reasoning-changed"], [call("t1"), second]],
      ["forged", ["reasoning-changed"], [call("t1", "Read", { thoughtSignature: "x" }), second]],
      [
        "replaced",
        ["reasoning-changed"],
        [call("t1", "Read", { thoughtSignature: "skip_thought_signature_validator" }), second],
      ],
      ["on the other call", ["reasoning-changed"], [call("t1"), call("t2", "Bash", { thoughtSignature: "sig-r1-1" })]],
      ["with one more", ["reasoning-changed"], [first, call("t2", "Bash", { thoughtSignature: "x" })]],
    ]
    for (const [how, expected, back] of ends) {
      const history = [user("a"), model(...back), user(answer("t1"), answer("t2", "Bash"))]
      expect([how, await found(calls, ask, history)]).toEqual([how, expected])
    }
  })

  test("the signature of a text may be left out, not forged", async () => {
    const text = reply.parts([
      { type: "reasoning", text: "Hm.", signature: "s" },
      { type: "text", text: "Done." },
    ])
    const back = (...parts: Json[]) => found(text, ask, [user("a"), model(...parts), user("b")])
    expect(await back({ text: "Done." })).toEqual([])
    expect(await back({ text: "Done.", thoughtSignature: "s" })).toEqual([])
    expect(await back({ text: "Do" }, { text: "ne." }, { text: "", thoughtSignature: "s" })).toEqual([])
    expect(await back({ text: "Done.", thoughtSignature: "x" })).toEqual(["reasoning-changed"])
  })
})

describe("bedrock", () => {
  const point = { cachePoint: { type: "default" } }
  const user = (...content: (string | Json)[]): Json => ({
    role: "user",
    content: content.map((block) => (typeof block === "string" ? { text: block } : block)),
  })
  const said = (...content: Json[]): Json => ({ role: "assistant", content })
  const call = (id: string, name = "Read", input: unknown = {}): Json => ({ toolUse: { toolUseId: id, name, input } })
  const answer = (id: string, more: Json = {}): Json => ({
    toolResult: { toolUseId: id, content: [{ text: "ok" }], ...more },
  })
  const thought = (more: Json = {}): Json => ({
    reasoningContent: { reasoningText: { text: "Hm.", signature: "sig-r1-1", ...more } },
  })
  const thinking = { additionalModelRequestFields: { thinking: { type: "adaptive" } } }
  const ask = (server: ModelServer, messages: Json[], more: Json = {}) =>
    send(server, "/model/m/converse-stream", {
      system: [{ text: "sys" }],
      toolConfig: { tools: ["Read", "Bash"].map((name) => ({ toolSpec: { name, inputSchema: { json: schema } } })) },
      messages,
      ...more,
    })

  test.each<Case>([
    ["an assistant's message first", ["first-not-user"], [said({ text: "a" }), user("b")]],
    ["two user messages in a row", ["roles-alternate"], [user("a"), user("b")]],
    [
      "a prefill that ends in white space",
      ["trailing-assistant", "trailing-whitespace"],
      [user("a"), said({ text: "b " })],
    ],
    ["a blank text", ["empty-content"], [user(" ")]],
    ["a message without blocks", ["empty-content"], [user()]],
    ["a call without a result", ["call-unanswered"], [user("a"), said(call("t1"), call("t2")), user(answer("t1"))]],
    ["more results than calls", ["result-unexpected"], [user("a"), said(call("t1")), user(answer("t1"), answer("t2"))]],
    [
      "results in another order",
      ["result-order"],
      [user("a"), said(call("t1"), call("t2")), user(answer("t2"), answer("t1"))],
    ],
    ["a text before a result", ["result-place"], [user("a"), said(call("t1")), user("b", answer("t1"))]],
    [
      "a call id of more than 64 characters",
      ["call-id"],
      [user("a"), said(call("t".repeat(65))), user(answer("t".repeat(65)))],
    ],
    [
      "calls without tools",
      ["call-undeclared"],
      [user("a"), said(call("t1")), user(answer("t1"))],
      { toolConfig: undefined },
    ],
    ["an input that is no object", ["call-input"], [user("a"), said(call("t1", "Read", "x")), user(answer("t1"))]],
    [
      "thoughts without a signature",
      ["reasoning-unsigned"],
      [user("a"), said(thought({ signature: undefined }), { text: "b" }), user("c")],
    ],
    [
      "five cache points",
      ["cache-marks"],
      [user("a", point, "b", point, "c", point, "d", point)],
      { system: [{ text: "sys" }, point] },
    ],
    ["a cache point after thoughts", ["cache-marks"], [user("a"), said(thought(), point, { text: "b" }), user("c")]],
    ["a cache point after nothing", ["malformed"], [user(point, "a")]],
    ["an unknown block", ["malformed"], [user("a", { hologram: {} })]],
    [
      "a failed result that says nothing",
      ["empty-content"],
      [user("a"), said(call("t1")), user(answer("t1", { content: [], status: "error" }))],
    ],
  ])("%s is a problem", async (_name, expected, messages, more = {}) => {
    await using server = await startModelServer({ script: () => reply.text("fine") })
    await ask(server, messages, more)
    expect(codes(server)).toEqual(expected)
  })

  test("what is allowed is no problem: four points, images, results in JSON, thoughts, earlier texts with white space", async () => {
    await using server = await startModelServer({ script: () => reply.text("fine") })
    const image = { image: { format: "png", source: { bytes: "iVBOR" } } }
    const tools = [{ toolSpec: { name: "Read", inputSchema: { json: schema } } }, point]
    await ask(
      server,
      [
        user("a", image),
        said(thought(), { reasoningContent: { redactedContent: "x" } }, { text: "Look. \n" }),
        user("b"),
        said({ text: "See:\n" }, call("t1")),
        user(answer("t1", { content: [{ json: { a: 1 } }, image], status: "error" }), point, "c", point),
      ],
      { toolConfig: { tools }, system: [{ text: "sys" }, point] },
    )
    server.check()
    expect(server.requests[0]?.results).toEqual([{ callId: "t1", text: '{"a":1}\n[image]', isError: true }])
    expect(server.requests[0]).toMatchObject({ system: "sys", prompt: "a", news: "c" })
  })

  test("thoughts have to come back as they were signed, and before calls when thinking is on", async () => {
    const answered = reply.calls([{ name: "Read", id: "t1" }], { reasoning: "Hm." })
    const ends: [string, ProblemCode[], Json[], Json?][] = [
      ["as they were", [], [thought(), call("t1")], thinking],
      ["left out", ["reasoning-changed"], [call("t1")], thinking],
      ["left out, thinking being off", [], [call("t1")]],
      ["with another text", ["reasoning-changed"], [thought({ text: "Hm" }), call("t1")], thinking],
      ["forged", ["reasoning-changed"], [thought({ signature: "x" }), call("t1")]],
    ]
    for (const [how, expected, back, more] of ends) {
      const history = [user("a"), said(...back), user(answer("t1"))]
      const seen = await found(answered, (server, messages) => ask(server, messages, more), history)
      expect([how, seen]).toEqual([how, expected])
    }
  })

  test("a last user message may grow, where results and a note are one message", async () => {
    await using server = await startModelServer({ script: () => reply.calls([{ name: "Read", id: "t1" }]) })
    await ask(server, [user("a")])
    await ask(server, [user("a"), said(call("t1")), user(answer("t1"), point)])
    await ask(server, [user("a"), said(call("t1")), user(answer("t1"), "hurry", point)])
    expect(server.problems).toEqual([])
  })
})
