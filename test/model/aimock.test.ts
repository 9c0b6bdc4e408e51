// The providers against an independent imitation of their APIs, so that a misreading of a protocol which our scripted
// server and our code might share is found.
import { describe, expect, test } from "bun:test"
import { type Fixture, LLMock } from "@copilotkit/aimock"
import type { ModelMessage } from "../../src/model/message.ts"
import type { ModelEvent } from "../../src/model/model.ts"
import { events, failure, finish, modelAt, protocols, request, result, textOf, user } from "./asking.ts"

type Mock = AsyncDisposable & { url: string; requests(): ReturnType<LLMock["getRequests"]> }

/** First match wins. */
async function mockOf(...fixtures: Fixture[]): Promise<Mock> {
  const mock = new LLMock({ port: 0, host: "127.0.0.1" })
  mock.addFixtures(fixtures)
  const url = await mock.start()
  return { url, requests: () => mock.getRequests(), [Symbol.asyncDispose]: () => mock.stop() }
}

const any = {}
const calls = ["a", "b"].map((path) => ({ name: "Read", arguments: JSON.stringify({ path }), id: `call_${path}` }))

/** It gives OpenAI's models thoughts without a text whenever they are asked for. */
function said(last: ModelEvent | undefined): string[] {
  if (last?.type !== "finish") throw new Error("no finish")
  return last.parts.flatMap((part) => (part.type === "text" ? part.text : []))
}

for (const protocol of protocols)
  describe(protocol, () => {
    test("text streams in pieces", async () => {
      await using mock = await mockOf({ match: any, response: { content: "Hello, this is the answer." }, chunkSize: 5 })
      const all = await events(await modelAt(mock, protocol), request())
      expect(textOf(all, "text")).toBe("Hello, this is the answer.")
      expect(all.filter(({ type }) => type === "text").length).toBeGreaterThan(3)
      const last = all.at(-1)
      expect(last).toMatchObject({ type: "finish", stop: "end" })
      expect(said(last)).toEqual(["Hello, this is the answer."])
    })

    test("parallel calls, and a second step with their results", async () => {
      await using mock = await mockOf(
        { match: { hasToolResult: false }, response: { content: "Looking.", toolCalls: calls } },
        { match: { hasToolResult: true }, response: { content: "Both read." } },
      )
      const model = await modelAt(mock, protocol)
      const first = await finish(model, request())
      expect(first.stop).toBe("tool-calls")
      const made = first.parts.filter((part) => part.type === "tool-call")
      expect(made.map(({ name, input }) => [name, input])).toEqual([
        ["Read", { path: "a" }],
        ["Read", { path: "b" }],
      ])
      const text = [{ type: "text" as const, text: "read" }]
      const content = made.map(({ callId, name }) => ({
        type: "tool-result" as const,
        callId,
        name,
        isError: false,
        content: text,
      }))
      const history: ModelMessage[] = [
        user("hello"),
        { role: "assistant", content: first.parts },
        { role: "tool", content },
      ]
      expect(said(await finish(model, request(history)))).toEqual(["Both read."])
      // What it took our second request for: every call answered, in order.
      const taken = mock.requests().at(-1)?.body as { messages: { role: string; tool_call_id?: string }[] }
      const roles = taken.messages.map(({ role }) => role)
      expect(roles.filter((role, i) => role === "tool" || role !== roles[i - 1])).toEqual([
        "system",
        "user",
        "assistant",
        "tool",
        "tool",
      ])
    })

    test("thoughts are told, and taken back before the calls that they led to", async () => {
      await using mock = await mockOf(
        { match: { hasToolResult: false }, response: { reasoning: "First a.", toolCalls: calls.slice(0, 1) } },
        { match: { hasToolResult: true }, response: { content: "Done." } },
      )
      const model = await modelAt(mock, protocol)
      const all = await events(model, request())
      expect(textOf(all, "reasoning")).toBe("First a.")
      const last = all.at(-1)
      if (last?.type !== "finish") throw new Error("no finish")
      expect(last.parts.map(({ type }) => type)).toEqual(["reasoning", "tool-call"])
      const { callId } = last.parts[1] as { callId: string }
      const history: ModelMessage[] = [
        user("hello"),
        { role: "assistant", content: last.parts },
        result(callId, "Read", "x"),
      ]
      expect(said(await finish(model, request(history)))).toEqual(["Done."])
    })

    test("an abort in the middle ends the loop with its reason", async () => {
      await using mock = await mockOf({
        match: any,
        response: { content: "word ".repeat(200) },
        chunkSize: 5,
        streamingProfile: { ttft: 1, tps: 50 },
      })
      const stop = new AbortController()
      const reason = new Error("the user pressed Esc")
      const reading = (async () => {
        const model = await modelAt(mock, protocol)
        for await (const event of model.stream(request(), stop.signal)) if (event.type === "text") stop.abort(reason)
      })()
      await expect(reading).rejects.toBe(reason)
    })

    const kinds = {
      400: "bad-request",
      401: "auth",
      404: "not-found",
      429: "rate-limit",
      500: "server",
      503: "overloaded",
    }
    for (const [status, kind] of Object.entries(kinds))
      test(`an error ${status}`, async () => {
        const response = { error: { message: "the server's words" }, status: Number(status) }
        await using mock = await mockOf({ match: any, response })
        const error = await failure(await modelAt(mock, protocol), request())
        expect(error).toMatchObject({ kind, options: { status: Number(status) } })
        expect(error.message).toContain("the server's words")
      })

    test("an answer that ends too soon is cut", async () => {
      const response = { content: "a long answer that goes on and on" }
      await using mock = await mockOf({ match: any, response, chunkSize: 4, truncateAfterChunks: 3 })
      expect((await failure(await modelAt(mock, protocol), request())).kind).toBe("cut")
    })
  })
