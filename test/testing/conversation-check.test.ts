// The checker must catch what the real APIs refuse and what breaks a cached prefix, and let the rest pass. Requests are
// sent raw, because our own client would not send the bad ones.
import { expect, test } from "bun:test"
import { check, type Problem } from "../../testing/model-server/check.ts"
import { type ModelServer, type ProblemCode, reply, script, startModelServer } from "../../testing/model-server.ts"

type Json = Record<string, unknown>

const HEADERS = { "x-api-key": "k", "anthropic-version": "2023-06-01" }
const schema = { type: "object", properties: {} }
const claudeTools: Json[] = ["Read", "Bash"].map((name) => ({ name, description: name, input_schema: schema }))
const chatTools: Json[] = ["Read", "Bash"].map((name) => ({ type: "function", function: { name, parameters: schema } }))

const text = (value: string, more: Json = {}): Json => ({ type: "text", text: value, ...more })
const user = (...content: (string | Json)[]): Json => ({
  role: "user",
  content: content.map((each) => (typeof each === "string" ? text(each) : each)),
})
const claude = (...content: Json[]): Json => ({ role: "assistant", content })
const use = (id: string, name = "Read", input: unknown = {}): Json => ({ type: "tool_use", id, name, input })
const result = (id: string, content: unknown = "ok"): Json => ({ type: "tool_result", tool_use_id: id, content })
const chatCall = (id: string, name = "Read", args = "{}"): Json => ({
  id,
  type: "function",
  function: { name, arguments: args },
})
const chatResult = (id: string): Json => ({ role: "tool", tool_call_id: id, content: "ok" })

async function send(
  server: ModelServer,
  path: string,
  body: Json,
  headers: Record<string, string> = {},
): Promise<void> {
  const response = await fetch(server.url + path, {
    method: "POST",
    headers: { ...HEADERS, ...headers },
    body: JSON.stringify({ model: "m", stream: true, ...body }),
  })
  await response.text()
}

function anthropic(server: ModelServer, messages: Json[], more: Json = {}, headers: Record<string, string> = {}) {
  const body = { max_tokens: 100, system: [text("sys")], tools: claudeTools, messages, ...more }
  return send(server, "/v1/messages", body, headers)
}

function openai(server: ModelServer, messages: Json[], more: Json = {}) {
  const system = { role: "system", content: "sys" }
  return send(server, "/v1/chat/completions", { messages: [system, ...messages], tools: chatTools, ...more })
}

function answering() {
  return startModelServer({ script: () => reply.text("fine") })
}

function codes(problems: readonly Problem[]): ProblemCode[] {
  return [...new Set(problems.map((problem) => problem.code))]
}

const marked = { cache_control: { type: "ephemeral" } }

const badAnthropic: [string, ProblemCode[], Json[], Json?][] = [
  ["no messages", ["no-messages"], []],
  ["an assistant message first", ["first-not-user"], [claude(text("hi")), user("a")]],
  ["two user messages in a row", ["roles-alternate"], [user("a"), user("b")]],
  ["an assistant message last", ["trailing-assistant"], [user("a"), claude(text("b"))]],
  ["a message without blocks", ["empty-content"], [{ role: "user", content: [] }]],
  ["an empty string as content", ["empty-content"], [{ role: "user", content: "" }]],
  ["a text block of white space", ["empty-content"], [user("a", " \n")]],
  [
    "an assistant message of nothing but reasoning",
    ["empty-content"],
    [user("a"), claude({ type: "thinking", thinking: "hm", signature: "s" }), user("b")],
  ],
  [
    "a prefill that ends in white space",
    ["trailing-assistant", "trailing-whitespace"],
    [user("a"), claude(text("b\n"))],
  ],
  ["a call without a result", ["call-unanswered"], [user("a"), claude(use("t1")), user("b")]],
  [
    "the last of two calls without a result",
    ["call-unanswered"],
    [user("a"), claude(use("t1"), use("t2")), user(result("t1"))],
  ],
  [
    "a result two messages later",
    ["call-unanswered", "result-unexpected"],
    [user("a"), claude(use("t1")), user("wait"), claude(text("b")), user(result("t1"))],
  ],
  ["a call answered twice", ["result-unexpected"], [user("a"), claude(use("t1")), user(result("t1"), result("t1"))]],
  [
    "a result for a call that nobody made",
    ["result-unexpected"],
    [user("a"), claude(use("t1")), user(result("t1"), result("t9"))],
  ],
  ["a result in the first message", ["result-unexpected"], [user(result("t1"))]],
  [
    "results in another order",
    ["result-order"],
    [user("a"), claude(use("t1"), use("t2")), user(result("t2"), result("t1"))],
  ],
  ["text before a result", ["result-place"], [user("a"), claude(use("t1")), user("first", result("t1"))]],
  [
    "a call id used twice",
    ["call-id"],
    [user("a"), claude(use("t1")), user(result("t1")), claude(use("t1")), user(result("t1"))],
  ],
  ["a call id with other characters", ["call-id"], [user("a"), claude(use("t:1")), user(result("t:1"))]],
  [
    "a call of a tool that is not declared",
    ["call-undeclared"],
    [user("a"), claude(use("t1", "Write")), user(result("t1"))],
  ],
  ["an input that is no object", ["call-input"], [user("a"), claude(use("t1", "Read", "x")), user(result("t1"))]],
  ["a call in a user message", ["malformed"], [user("a", use("t1"))]],
  ["a block of an unknown type", ["malformed"], [user("a", { type: "hologram" })]],
  [
    "a thinking block without its signature",
    ["reasoning-unsigned"],
    [user("a"), claude({ type: "thinking", thinking: "hm" }, text("b")), user("c")],
  ],
  ["five cache marks", ["cache-marks"], [user(...["a", "b", "c", "d", "e"].map((each) => text(each, marked)))]],
  [
    "a mark too many inside a tool result",
    ["cache-marks"],
    [
      user(...["a", "b", "c", "d"].map((each) => text(each, marked))),
      claude(use("t1")),
      user(result("t1", [text("x", marked)])),
    ],
  ],
  [
    "a mark on a thinking block",
    ["cache-marks"],
    [user("a"), claude({ type: "thinking", thinking: "hm", signature: "s", ...marked }, text("b")), user("c")],
  ],
  ["an empty system text", ["empty-content"], [user("a")], { system: [text("")] }],
  ["no max_tokens", ["malformed"], [user("a")], { max_tokens: undefined }],
  ["a tool declared twice", ["tool-declaration"], [user("a")], { tools: [...claudeTools, claudeTools[0]] }],
  ["a tool with a bad name", ["tool-declaration"], [user("a")], { tools: [{ name: "a b", input_schema: schema }] }],
  ["a tool without an object schema", ["tool-declaration"], [user("a")], { tools: [{ name: "a", input_schema: {} }] }],
]

test.each(badAnthropic)("anthropic: %s is a problem", async (_name, expected, messages, more = {}) => {
  await using server = await answering()
  await anthropic(server, messages, more)
  expect(codes(server.problems)).toEqual(expected)
  expect(() => server.check()).toThrow(expected[0])
})

const badOpenai: [string, ProblemCode[], Json[]][] = [
  ["a tool message first", ["first-not-user", "result-unexpected"], [chatResult("t1"), { role: "user", content: "a" }]],
  ["an assistant message last", ["trailing-assistant"], [user("a"), { role: "assistant", content: "b" }]],
  [
    "two assistant messages in a row",
    ["roles-alternate"],
    [user("a"), { role: "assistant", content: "b" }, { role: "assistant", content: "c" }, user("d")],
  ],
  ["a system message in the middle", ["roles-alternate"], [user("a"), { role: "system", content: "b" }]],
  ["an empty user message", ["empty-content"], [{ role: "user", content: "" }]],
  ["an empty assistant message", ["empty-content"], [user("a"), { role: "assistant", content: "" }, user("b")]],
  [
    "a call without a result",
    ["call-unanswered"],
    [
      user("a"),
      { role: "assistant", content: null, tool_calls: [chatCall("t1"), chatCall("t2")] },
      chatResult("t1"),
      user("b"),
    ],
  ],
  [
    "a user message between call and result",
    ["call-unanswered", "result-unexpected"],
    [user("a"), { role: "assistant", content: null, tool_calls: [chatCall("t1")] }, user("b"), chatResult("t1")],
  ],
  [
    "results in another order",
    ["result-order"],
    [
      user("a"),
      { role: "assistant", content: null, tool_calls: [chatCall("t1"), chatCall("t2")] },
      chatResult("t2"),
      chatResult("t1"),
    ],
  ],
  [
    "a call answered twice",
    ["result-unexpected"],
    [user("a"), { role: "assistant", content: null, tool_calls: [chatCall("t1")] }, chatResult("t1"), chatResult("t1")],
  ],
  [
    "arguments that are no JSON",
    ["call-input"],
    [user("a"), { role: "assistant", content: null, tool_calls: [chatCall("t1", "Read", '{"a')] }, chatResult("t1")],
  ],
  [
    "a call of a tool that is not declared",
    ["call-undeclared"],
    [user("a"), { role: "assistant", content: null, tool_calls: [chatCall("t1", "Write")] }, chatResult("t1")],
  ],
]

test.each(badOpenai)("openai: %s is a problem", async (_name, expected, messages) => {
  await using server = await answering()
  await openai(server, messages)
  expect(codes(server.problems)).toEqual(expected)
})

test("conversations as they should be pass, with calls, marks, images and growing last messages", async () => {
  const image = { type: "image", source: { type: "base64", media_type: "image/png", data: "iVBOR" } }
  await using server = await startModelServer({
    script: script.inOrder([
      reply.calls(
        [
          { name: "Read", id: "t1" },
          { name: "Bash", id: "t2", input: { command: "ls" } },
        ],
        { text: "Look: " },
      ),
      reply.text("fine "),
      reply.text("end"),
    ]),
  })
  const first = user("a", image)
  const said = claude(text("Look: "), use("t1"), use("t2", "Bash", { command: "ls" }))
  const results = [result("t1", [text("x"), image]), result("t2", "")]
  await anthropic(server, [user("a", { ...image, ...marked })])
  await anthropic(server, [first, said, user(...results, text("by the way", marked))], {
    tools: [claudeTools[0]!, { ...claudeTools[1], ...marked }],
  })
  await anthropic(server, [first, said, user(...results, "by the way", "and this"), claude(text("fine")), user("b")])
  server.check()
  expect(server.requests.map((request) => request.conversation)).toEqual(["c1", "c1", "c1"])
})

test("an earlier text may end in white space, because signed thoughts are bound to it as it was said", async () => {
  await using server = await startModelServer({ script: () => reply.text("Look:\n") })
  await anthropic(server, [user("a")])
  await anthropic(server, [user("a"), claude(text("Look:\n")), user("b")])
  server.check()
})

const changes: [string, string, (body: { system: string; tools: Json[]; messages: Json[] }) => void][] = [
  [
    "the system prompt",
    "system[0], character 27",
    (body) => {
      body.system = "sys tuesday"
    },
  ],
  [
    "a tool's description",
    "tools[1]",
    (body) => {
      body.tools[1] = { ...body.tools[1], description: "other" }
    },
  ],
  [
    "the order of tools",
    "tools[0]",
    (body) => {
      body.tools.reverse()
    },
  ],
  [
    "a tool that was added",
    "tools",
    (body) => {
      body.tools.push({ name: "New", input_schema: schema })
    },
  ],
  [
    "the first user message",
    "messages[0].content[0]",
    (body) => {
      body.messages[0] = user("A")
    },
  ],
  [
    "a block put before an earlier one",
    "messages[0].content[0]",
    (body) => {
      body.messages[0] = user("note", "a")
    },
  ],
  [
    "what the model said",
    "messages[1].content[0], character 27",
    (body) => {
      body.messages[1] = claude(text("Looking"), use("t1"))
    },
  ],
  [
    "the input of a call",
    "messages[1].content[1]",
    (body) => {
      body.messages[1] = claude(text("Look"), use("t1", "Read", { x: 1 }))
    },
  ],
  [
    "an earlier tool result",
    "messages[2].content[0]",
    (body) => {
      body.messages[2] = user(result("t1", "shortened"))
    },
  ],
  [
    "a message that was split off",
    "messages[3]",
    (body) => {
      body.messages.splice(3, 2, claude(text("Other")), user("c"))
    },
  ],
]

test.each(changes)("a changed prefix is told with its place: %s", async (_name, place, change) => {
  await using server = await startModelServer({
    script: script.inOrder([
      reply.calls([{ name: "Read", id: "t1" }], { text: "Look" }),
      reply.text("Seen"),
      reply.text("x"),
    ]),
  })
  const history = [
    user("a"),
    claude(text("Look"), use("t1")),
    user(result("t1", "the file")),
    claude(text("Seen")),
    user("b"),
  ]
  const body = { system: "sys monday", tools: [...claudeTools], messages: [...history] }
  const sent = ({ system, ...rest }: typeof body) =>
    anthropic(server, rest.messages, { ...rest, system: [text(system)] })
  await sent({ ...body, messages: history.slice(0, 1) })
  await sent({ ...body, messages: history.slice(0, 3) })
  expect(server.problems).toEqual([])
  change(body)
  await sent(body)
  expect(codes(server.problems)).toEqual(["prefix-changed"])
  expect(server.problems[0]?.message).toContain(place)
  expect(server.requests[2]?.conversation).toBe("c1")
})

test("an answer that comes back changed in the very next request is told with what was said", async () => {
  const said: [Json[], ProblemCode[]][] = [
    [[text("Look"), use("t1", "Read", { a: 1 })], []],
    [[text("Looking"), use("t1", "Read", { a: 1 })], ["prefix-changed"]],
    [[text("Look"), use("t1", "Read", { a: 2 })], ["prefix-changed"]],
    [[text("Look"), use("t2", "Read", { a: 1 })], ["prefix-changed"]],
    [[use("t1", "Read", { a: 1 })], ["prefix-changed"]],
  ]
  for (const [back, expected] of said) {
    await using server = await startModelServer({
      script: () => reply.calls([{ name: "Read", id: "t1", input: { a: 1 } }], { text: "Look" }),
    })
    await anthropic(server, [user("a")])
    await anthropic(server, [user("a"), claude(...back), user(result(String(back.at(-1)!.id)))])
    expect(codes(server.problems)).toEqual(expected)
    if (expected.length > 0) expect(server.problems[0]?.message).toContain("request 1 came back changed")
  }
})

test("arguments that were garbled may come back as anything", async () => {
  await using server = await startModelServer({ script: () => reply.calls([{ name: "Read", id: "t1", json: "{bad" }]) })
  await anthropic(server, [user("a")])
  await anthropic(server, [user("a"), claude(use("t1", "Read", { _invalid: "{bad" })), user(result("t1"))])
  server.check()
  expect(server.requests[1]?.conversation).toBe("c1")
})

test("a prefix that changed is caught in the chat protocol too", async () => {
  await using server = await startModelServer({ script: () => reply.text("An answer") })
  await openai(server, [user("a")])
  await openai(server, [user("A!"), { role: "assistant", content: "An answer" }, user("b")])
  expect(codes(server.problems)).toEqual(["prefix-changed"])
  expect(server.problems[0]?.message).toContain("messages[0].content[0]")
})

test("only cache marks may move, and they decide what is read from the cache", async () => {
  await using server = await startModelServer({ script: () => reply.text("An answer") })
  const long = "word ".repeat(400)
  await anthropic(server, [user(text(long, marked))])
  await anthropic(server, [user(long), claude(text("An answer")), user(text("b", marked))])
  await anthropic(server, [user(long), claude(text("An answer")), user("other")])
  server.check()
  const [first, second, third] = server.requests.map((request) => request.usage)
  expect(first?.cacheWrite).toBeGreaterThan(500)
  expect(second?.cacheRead).toBe(first!.cacheWrite)
  expect(third).toMatchObject({ cacheRead: 0, cacheWrite: 0 })
})

test("a compaction may begin a new prefix when the test says so, and is a problem when it does not", async () => {
  const compacted = [user("summary"), claude(text("An answer")), user("b")]
  for (const allowed of [true, false]) {
    await using server = await startModelServer({
      script: () => reply.text("An answer"),
      restarts: (request) => allowed && request.prompt === "summary",
    })
    await anthropic(server, [user("a")])
    await anthropic(server, compacted)
    expect(codes(server.problems)).toEqual(allowed ? [] : ["prefix-changed"])
    expect(server.requests[1]?.conversation).toBe("c1")
  }
})

test("forks and side questions on the same prefix are no problem", async () => {
  await using server = await startModelServer({ script: (request) => reply.text(`answer ${request.n}`) })
  const begun = [user("a"), claude(text("answer 1"))]
  await anthropic(server, [user("a")])
  await anthropic(server, [...begun, user("b", "now summarise")])
  await anthropic(server, [...begun, user("b")])
  await anthropic(server, [...begun, user("b"), claude(text("answer 3")), user("c")])
  server.check()
  expect(server.requests.map((request) => request.parent?.n)).toEqual([undefined, 1, 1, 3])
})

test("agents with the same prompt are told apart, and each keeps its own history", async () => {
  await using server = await startModelServer({
    script: (request) => (request.results.length > 0 ? reply.text("done") : reply.calls([{ name: "Read" }])),
  })
  const begin = () => anthropic(server, [user("same")])
  await Promise.all([begin(), begin(), begin()])
  const goOn = (n: number) => {
    const id = server.requests[n - 1]!.said!.calls[0]!.id
    return anthropic(server, [user("same"), claude(use(id)), user(result(id, `file ${n}`))])
  }
  await goOn(3)
  await goOn(1)
  await goOn(2)
  server.check()
  expect(server.requests.map((request) => request.conversation)).toEqual(["c1", "c2", "c3", "c3", "c1", "c2"])
  expect([...server.conversations().values()].map((requests) => requests.length)).toEqual([2, 2, 2])
})

test("a repeat of a broken request is the same conversation; an interrupted reply may be dropped or kept in part", async () => {
  await using server = await startModelServer({
    script: script.inOrder([
      reply.error(529),
      reply.text("never finished").cut({ afterBytes: 500 }),
      reply.text("never finished").cut({ afterBytes: 500 }),
      reply.text("ok"),
    ]),
  })
  const cut = (messages: Json[]) => anthropic(server, messages).catch(() => undefined)
  await anthropic(server, [user("a")])
  await cut([user("a")])
  await cut([user("a", "more")])
  await cut([user("a", "more"), claude(text("never f")), user("again")])
  server.check()
  expect(new Set(server.requests.map((request) => request.conversation)).size).toBe(1)
  expect(server.requests[1]?.repeats?.n).toBe(1)
})

test("reasoning has to come back as it was signed, and has to come back when thinking is on", async () => {
  const thinking = { thinking: { type: "enabled", budget_tokens: 1024 } }
  const block = { type: "thinking", thinking: "hm", signature: "sig" }
  const ends: [ProblemCode[], Json[]][] = [
    [[], [block, use("t1")]],
    [["reasoning-changed"], [{ ...block, signature: "forged" }, use("t1")]],
    [["reasoning-changed"], [{ ...block, thinking: "other" }, use("t1")]],
    [["reasoning-changed"], [use("t1")]],
  ]
  for (const [expected, said] of ends) {
    await using server = await startModelServer({
      script: () =>
        reply.parts([
          { type: "reasoning", text: "hm", signature: "sig" },
          { type: "call", name: "Read", id: "t1" },
        ]),
    })
    await anthropic(server, [user("a")], thinking)
    await anthropic(server, [user("a"), claude(...said), user(result("t1"))], thinking)
    expect(codes(server.problems)).toEqual(expected)
  }
})

test("a history from elsewhere is accepted as a new conversation", async () => {
  await using server = await answering()
  await anthropic(server, [user("a"), claude(text("said by another server")), user("b")])
  server.check()
})

test("with checking off nothing is reported", async () => {
  await using server = await startModelServer({ script: () => reply.text("fine"), check: "off" })
  await anthropic(server, [claude(text("x"))])
  server.check()
})

test("check looks at one recorded request by itself", async () => {
  await using server = await answering()
  await anthropic(server, [user("a")])
  expect(check(server.requests[0]!)).toEqual([])
})
