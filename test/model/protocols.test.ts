// Every provider, through the real client libraries over HTTP. What is special to one is in dialects.test.ts.
import { describe, expect, test } from "bun:test"
import { type AddressInfo, connect, createServer } from "node:net"
import type { ModelMessage, ToolCallPart } from "../../src/model/message.ts"
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
        // Google and Chat Completions tell no writes, and Bedrock no thoughts.
        cacheWrite: protocol === "google" || protocol === "local" ? 0 : 400,
        reasoning: protocol === "bedrock" ? 0 : 7,
      }
      await using server = await startModelServer({ script: script.inOrder([reply.text("x").usage(usage)]) })
      const last = await finish(await modelAt(server, protocol), request())
      expect(last.usage).toEqual({
        inputTokens: 100,
        outputTokens: 20,
        cacheReadTokens: 3000,
        cacheWriteTokens: usage.cacheWrite,
        reasoningTokens: usage.reasoning,
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

    test("thoughts come back as the provider gave them, at every further step", async () => {
      const thinks = reply.parts([
        { type: "reasoning", text: "First a.", signature: "sig-1" },
        { type: "call", name: "Read", input: { path: "a" } },
        { type: "call", name: "Read", input: { path: "b" } },
      ])
      await using server = await startModelServer({ script: script.inOrder([thinks, thinks], reply.text("ok")) })
      const model = await modelAt(server, protocol)
      let messages: ModelMessage[] = [user("hello")]
      for (let step = 0; step < 3; step++) {
        const all = await events(model, request(messages))
        const last = all.at(-1)
        if (last?.type !== "finish") throw new Error("no finish")
        if (step < 2) expect(textOf(all, "reasoning")).toBe("First a.")
        const stored = JSON.parse(JSON.stringify(last.parts)) as typeof last.parts
        expect(JSON.stringify(stored).split('"sig-1"').length - 1).toBe(step < 2 && protocol !== "local" ? 1 : 0)
        const calls = stored.filter((part) => part.type === "tool-call")
        messages = [...messages, { role: "assistant", content: stored }, results(calls)]
      }
      // The server refuses what is changed, left out or moved.
      server.check()
      expect(JSON.stringify(server.requests[2]?.body).split("First a.").length - 1).toBe(2)
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
      const model = await modelAt({ url: `http://127.0.0.1:${port}` }, protocol)
      for (let i = 0; i < 3; i++) await finish(model, request())
      expect(connections).toBe(1)
      counting.close()
    })
  })
}

function results(calls: readonly ToolCallPart[]): ModelMessage {
  const text = [{ type: "text" as const, text: "x" }]
  const content = calls.map(({ callId, name }) => ({
    type: "tool-result" as const,
    callId,
    name,
    isError: false,
    content: text,
  }))
  return { role: "tool", content }
}
