// Both protocols, through the real client libraries over HTTP.
import { describe, expect, test } from "bun:test"
import { type AddressInfo, connect, createServer } from "node:net"
import type { ModelMessage } from "../../src/model/message.ts"
import { openModel } from "../../src/model/providers.ts"
import { Gate } from "../../testing/gate.ts"
import { reply, script, startModelServer } from "../../testing/model-server.ts"
import { events, failure, finish, modelAt, protocols, request, result, textOf, user } from "./asking.ts"

for (const protocol of protocols) {
  describe(protocol, () => {
    test("text streams in pieces and is whole at the end", async () => {
      await using server = await startModelServer({
        script: script.inOrder([reply.text("Hello, this is the answer.").chunk({ chars: 5 })]),
      })
      const all = await events(await modelAt(server, protocol), request())
      expect(textOf(all, "text")).toBe("Hello, this is the answer.")
      expect(all.filter((event) => event.type === "text").length).toBeGreaterThan(3)
      expect(all.at(-1)).toMatchObject({
        type: "finish",
        stop: "end",
        parts: [{ type: "text", text: "Hello, this is the answer." }],
      })
      server.check()
    })

    test("parallel calls keep their order, ids and inputs", async () => {
      const calls = reply.calls(
        [
          { name: "Read", input: { path: "a" } },
          { name: "Read", input: { path: "b" } },
        ],
        { text: "Looking." },
      )
      await using server = await startModelServer({ script: script.inOrder([calls]) })
      const all = await events(await modelAt(server, protocol), request())
      const last = all.at(-1)
      if (last?.type !== "finish") throw new Error("no finish")
      expect(last.stop).toBe("tool-calls")
      const made = last.parts.filter((part) => part.type === "tool-call")
      expect(made.map((part) => part.input)).toEqual([{ path: "a" }, { path: "b" }])
      expect(new Set(made.map((part) => part.callId)).size).toBe(2)
      const started = all.filter((event) => event.type === "tool-start")
      expect(started.map((event) => event.callId)).toEqual(made.map((part) => part.callId))
    })

    test("usage tells cached tokens apart", async () => {
      const usage = {
        input: 100,
        output: 20,
        cacheRead: 3000,
        cacheWrite: protocol === "anthropic" ? 400 : 0,
        reasoning: 7,
      }
      await using server = await startModelServer({ script: script.inOrder([reply.text("x").usage(usage)]) })
      const last = await finish(await modelAt(server, protocol), request())
      expect(last.usage).toEqual({
        inputTokens: 100,
        outputTokens: 20,
        cacheReadTokens: 3000,
        cacheWriteTokens: usage.cacheWrite,
        reasoningTokens: 7,
      })
    })

    test("what was sent comes again byte by byte at every further step", async () => {
      const steps = [
        reply.calls(
          [
            { name: "Read", input: { path: "a" } },
            { name: "Write", input: { path: "b" } },
          ],
          { reasoning: "I think.", text: "Both." },
        ),
        reply.calls([{ name: "Read", input: { z: 1, a: { y: 2, b: 3 } } }]),
        reply.text("done"),
        reply.text("done again"),
      ]
      await using server = await startModelServer({ script: script.inOrder(steps) })
      const model = await modelAt(server, protocol)
      let messages: ModelMessage[] = [user("go")]
      for (let step = 0; step < steps.length; step++) {
        const { parts } = await finish(model, request(messages, { cacheKey: "s1" }))
        // As rows hold them.
        const stored = JSON.parse(JSON.stringify(parts)) as typeof parts
        messages = [...messages, { role: "assistant", content: stored }]
        const calls = stored.filter((part) => part.type === "tool-call")
        if (calls.length === 0) messages.push(user("and now?"))
        else
          messages.push({
            role: "tool",
            content: calls.map(({ callId, name }, i) => ({
              type: "tool-result",
              callId,
              name,
              isError: i === 1,
              content: [{ type: "text", text: `result ${step}` }],
            })),
          })
      }
      server.check()
      expect(server.requests.length).toBe(steps.length)
      expect(server.conversations().size).toBe(1)
    })

    test("a call whose input is no JSON keeps what the model wrote, and goes back as an object, always the same", async () => {
      const broken = reply.parts([{ type: "call", name: "Write", json: '{"path": "a' }])
      await using server = await startModelServer({ script: script.inOrder([broken], reply.text("ok")) })
      const model = await modelAt(server, protocol)
      const { parts } = await finish(model, request())
      expect(parts).toMatchObject([{ type: "tool-call", name: "Write", input: '{"path": "a' }])
      const { callId } = parts[0] as { callId: string }
      const history = [
        user("hello"),
        { role: "assistant" as const, content: parts },
        result(callId, "Write", "not JSON"),
      ]
      await finish(model, request(history))
      await finish(
        model,
        request([...history, { role: "assistant", content: [{ type: "text", text: "ok" }] }, user("on")]),
      )
      const [, second, third] = server.requests.map(({ messages }) =>
        messages.flatMap(({ content }) => content).find((block) => block.type === "call"),
      )
      expect(second).toMatchObject({ input: { _invalid: '{"path": "a' } })
      expect(JSON.stringify(third?.wire)).toBe(JSON.stringify(second?.wire))
      expect(server.problems.filter(({ code }) => code === "call-input")).toEqual([])
    })

    test("blank texts are neither kept nor sent", async () => {
      await using server = await startModelServer({
        script: script.inOrder([
          reply.parts([
            { type: "text", text: "\n\n" },
            { type: "call", name: "Read", input: { path: "a" } },
          ]),
          reply.text("ok"),
        ]),
      })
      const model = await modelAt(server, protocol)
      const { parts } = await finish(model, request())
      expect(parts.map((part) => part.type)).toEqual(["tool-call"])
      const blank: ModelMessage = { role: "assistant", content: [{ type: "text", text: "" }] }
      await finish(
        model,
        request([
          user("a"),
          blank,
          {
            role: "user",
            content: [
              { type: "text", text: " " },
              { type: "text", text: "b" },
            ],
          },
        ]),
      )
      server.check()
    })

    test("images arrive, in prompts and in results", async () => {
      const data = "iVBORw0KGgo="
      const image = { type: "image" as const, mediaType: "image/png", data }
      await using server = await startModelServer({ script: script.inOrder([reply.text("seen")]) })
      const messages: ModelMessage[] = [
        { role: "user", content: [{ type: "text", text: "look" }, image] },
        { role: "assistant", content: [{ type: "tool-call", callId: "c1", name: "Read", input: { path: "i" } }] },
        {
          role: "tool",
          content: [
            {
              type: "tool-result",
              callId: "c1",
              name: "Read",
              isError: false,
              content: [{ type: "text", text: "here" }, image],
            },
          ],
        },
      ]
      await finish(await modelAt(server, protocol), request(messages))
      expect(JSON.stringify(server.requests[0]?.body).split(data).length).toBe(3)
      server.check()
    })

    test("stop reasons: cut at the limit, refused", async () => {
      await using server = await startModelServer({
        script: script.inOrder([reply.text("x").stop("length"), reply.text("x").stop("refused")]),
      })
      const model = await modelAt(server, protocol)
      expect((await finish(model, request())).stop).toBe("length")
      expect((await finish(model, request())).stop).toBe("refused")
    })

    test("one request is one request: nothing below retries", async () => {
      await using server = await startModelServer({ script: script.inOrder([reply.error(500)], reply.text("no")) })
      expect((await failure(await modelAt(server, protocol), request())).kind).toBe("server")
      expect(server.requests.length).toBe(1)
    })

    test("requests name the program, and send nothing that was not asked for", async () => {
      await using server = await startModelServer({ script: script.inOrder([reply.text("x")]) })
      await finish(await modelAt(server, protocol), request())
      expect(server.requests[0]?.headers.get("user-agent")).toMatch(/^meanwhile\/\d+\.\d+\.\d+$/)
      expect(server.requests[0]?.body).not.toHaveProperty("metadata")
      expect(server.requests[0]?.body).not.toHaveProperty("temperature")
    })

    test("an abort in the middle ends the loop with its reason and closes the connection", async () => {
      const gate = new Gate()
      await using server = await startModelServer({
        script: script.inOrder([
          reply.parts([
            { type: "text", text: "so" },
            { type: "gate", gate },
          ]),
        ]),
      })
      const stop = new AbortController()
      const reason = new Error("the user pressed Esc")
      const seen: string[] = []
      const model = await modelAt(server, protocol)
      const reading = (async () => {
        for await (const event of model.stream(request(), stop.signal)) {
          seen.push(event.type)
          if (event.type === "text") stop.abort(reason)
        }
      })()
      await expect(reading).rejects.toBe(reason)
      await server.requests[0]?.ended
      expect(server.requests[0]?.outcome).toBe("aborted")
      expect(seen.at(-1)).toBe("text")
    })

    test("an abort before the answer begins", async () => {
      await using server = await startModelServer({ script: script.inOrder([reply.text("x").stall("before-headers")]) })
      const stop = new AbortController()
      const reading = events(await modelAt(server, protocol), request(), stop.signal)
      await server.received(1)
      stop.abort(new Error("stopped"))
      await expect(reading).rejects.toThrow("stopped")
      await server.requests[0]?.ended
      expect(server.requests[0]?.outcome).toBe("aborted")
    })

    test("leaving the loop early closes the connection", async () => {
      const gate = new Gate()
      await using server = await startModelServer({
        script: script.inOrder([
          reply.parts([
            { type: "text", text: "so" },
            { type: "gate", gate },
          ]),
        ]),
      })
      const model = await modelAt(server, protocol)
      for await (const event of model.stream(request(), new AbortController().signal)) if (event.type === "text") break
      await server.requests[0]?.ended
      expect(server.requests[0]?.outcome).toBe("aborted")
    })

    test("the next request uses the same connection", async () => {
      await using server = await startModelServer({ script: script.inOrder([], reply.text("x")) })
      let connections = 0
      const counting = createServer((socket) => {
        connections++
        const upstream = connect(Number(new URL(server.url).port), "127.0.0.1")
        socket.pipe(upstream).pipe(socket)
        for (const end of [socket, upstream]) end.on("error", () => socket.destroy())
      })
      const listening = Promise.withResolvers<void>()
      counting.listen(0, "127.0.0.1", listening.resolve)
      await listening.promise
      const { port } = counting.address() as AddressInfo
      const baseURL = `http://127.0.0.1:${port}${protocol === "openai" ? "/v1" : ""}`
      const kind = protocol === "openai" ? "openai-compatible" : protocol
      const model = await openModel("near/m", {
        env: { KEY: "test-key" },
        providers: { near: { kind, baseURL, apiKeyEnv: "KEY" } },
      })
      for (let i = 0; i < 3; i++) await finish(model, request())
      expect(connections).toBe(1)
      counting.close()
    })
  })
}

test("reasoning comes back to Anthropic as it was signed", async () => {
  const thought = reply.parts([
    { type: "reasoning", text: "First a.", signature: "sig-1" },
    { type: "call", name: "Read", input: { path: "a" } },
  ])
  await using server = await startModelServer({ script: script.inOrder([thought, reply.text("ok")]) })
  const model = await modelAt(server)
  const all = await events(model, request())
  expect(textOf(all, "reasoning")).toBe("First a.")
  const last = all.at(-1)
  if (last?.type !== "finish") throw new Error("no finish")
  expect(last.parts[0]).toEqual({
    type: "reasoning",
    text: "First a.",
    provider: { anthropic: { signature: "sig-1" } },
  })
  const { callId } = last.parts[1] as { callId: string }
  await finish(model, request([user("hello"), { role: "assistant", content: last.parts }, result(callId, "Read", "x")]))
  const back = server.requests[1]?.messages
    .flatMap(({ content }) => content)
    .find((block) => block.type === "reasoning")
  expect(back).toMatchObject({ text: "First a.", signature: "sig-1" })
  server.check()
})

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

test("OpenAI: what only it wants is sent to it and to nobody else", async () => {
  await using server = await startModelServer({ script: script.inOrder([], reply.text("ok")) })
  const asked = request(undefined, { maxOutputTokens: 99, cacheKey: "session-1" })
  await finish(await modelAt(server, "openai"), asked)
  const local = await openModel("local/gpt-6-sol", {
    env: {},
    providers: { local: { kind: "openai-compatible", baseURL: `${server.url}/v1/` } },
  })
  await finish(local, asked)
  const [own, other] = server.requests
  expect(own?.body).toMatchObject({
    max_completion_tokens: 99,
    prompt_cache_key: "session-1",
    reasoning_effort: "none",
  })
  expect(own?.body).not.toHaveProperty("max_tokens")
  expect(other?.body).toMatchObject({ max_tokens: 99 })
  for (const only of ["max_completion_tokens", "prompt_cache_key", "reasoning_effort"])
    expect(other?.body).not.toHaveProperty(only)
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
