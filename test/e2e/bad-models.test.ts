// Models and their servers at their worst: what the user reads and can do about it, and that the session is whole and
// goes on with -c when the trouble is over.
import { describe, expect, test } from "bun:test"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { type Workbench, workbench } from "../../testing/headless.ts"
import { type ModelServer, type Reply, reply, script, startModelServer } from "../../testing/model-server.ts"
import { ACTS, expectClear, flaws, inTurn, PATIENCE_MS } from "./clear.ts"

/** A server that says nothing of when to come back would be asked for half a minute. */
const AT_ONCE = { "retry-after-ms": "1" }

interface Trouble {
  name: string
  answer: Reply
  says: RegExp
  /** Silence is given up after a second. */
  impatient?: true
}

function story(name: string, act: (server: ModelServer) => Promise<void>): void {
  const run = async () => {
    await using server = await startModelServer()
    await act(server)
  }
  test.concurrent(name, () => inTurn(run), PATIENCE_MS)
}

/** The trouble is over: the same session goes on, and the request is one that a model would take. */
async function goesOn(bench: Workbench, server: ModelServer, env?: Record<string, string>): Promise<void> {
  server.script = script.inOrder([reply.text("Here again.")])
  const again = await bench.run(["-p", "Go on", "-c"], env && { env })
  expect([again.exit, again.stdout, again.stderr]).toEqual([0, "Here again.\n", ""])
  expect(server.requests.at(-1)!.prompt).toContain("First of all")
  server.check()
}

describe("what is told at once", () => {
  const troubles: Trouble[] = [
    { name: "a wrong key (401)", answer: reply.error(401), says: /refused the API key.*Check ANTHROPIC_API_KEY/ },
    {
      name: "no right to a model (403)",
      answer: reply.error(403),
      says: /does not let this API key use.*ANTHROPIC_API_KEY/,
    },
    { name: "no credit (402)", answer: reply.error(402), says: /cannot pay.*Add credit/ },
    {
      name: "an unknown model (404)",
      answer: reply.error(404, { message: "model: claude-sonnet-5-5" }),
      says: /does not know the model claude-sonnet-5-5.*--model/,
    },
    {
      name: "a wrong path (404)",
      answer: reply.raw("Not found", { status: 404 }),
      says: /no such API at .*ANTHROPIC_BASE_URL/,
    },
    {
      name: "a conversation that is too long (400)",
      answer: reply.error(400, { message: "prompt is too long: 210000 tokens > 200000 maximum" }),
      says: /too long for anthropic\/claude-sonnet-5-5.*(\/compact|new session)/,
    },
    { name: "a request that is too large (413)", answer: reply.error(413), says: /too long.*(\/compact|new session)/ },
    {
      name: "a bad request (400)",
      answer: reply.error(400, { message: "messages: no" }),
      says: /refused the request.*messages: no/,
    },
    { name: "content that is refused", answer: reply.text("").stop("refused"), says: /refused to answer.*other words/ },
    {
      name: "overloaded for long (529)",
      answer: reply.error(529, { headers: AT_ONCE }),
      says: /overloaded.*Gave up after 6 tries/,
    },
    {
      name: "a broken server (500)",
      answer: reply.error(500, { headers: AT_ONCE }),
      says: /failed to answer.*Gave up after 6 tries/,
    },
    {
      name: "limited for long (429)",
      answer: reply.error(429, { headers: AT_ONCE }),
      says: /limits the requests.*Gave up after 40 tries/,
    },
    {
      name: "a web page (200)",
      answer: reply.raw("<html><script>x</script>", { headers: { "content-type": "text/html" } }),
      says: /is a web page, not the API of a model. Check ANTHROPIC_BASE_URL/,
    },
    {
      name: "JSON instead of a stream (200)",
      answer: reply.raw('{"error": {"message": "no \\u001b[31mroute\\u009b"}}', {
        headers: { "content-type": "application/json" },
      }),
      says: /did not answer with a stream \(no .*route.*\). Check ANTHROPIC_BASE_URL/,
    },
    {
      name: "an error made of escapes",
      answer: reply.error(400, { message: `no ${ACTS}\n    at evil (file.js:1:1)` }),
      says: /refused the request to claude-sonnet-5-5 \(400: no red/,
    },
    {
      name: "an error page of a megabyte",
      answer: reply.raw(`<h1>${"x".repeat(1_000_000)}`, { status: 400, headers: { "content-type": "text/html" } }),
      says: /refused the request/,
    },
    {
      name: "a redirect",
      answer: reply.raw("", { status: 302, headers: { location: "http://127.0.0.1:1/" } }),
      says: /sends requests elsewhere \(http:\/\/127\.0\.0\.1:1\/\).*Set ANTHROPIC_BASE_URL/,
    },
  ]
  for (const { name, answer, says } of troubles) {
    story(name, async (server) => {
      await using bench = workbench(server)
      server.script = () => answer
      const failed = await bench.run(["-p", "First of all"])
      expectClear(failed, { exit: 1, says })
      expect([failed.stdout, failed.stderr]).toEqual([
        "",
        expect.stringMatching(/go on with: meanwhile -p --resume [0-9a-f]{8}/),
      ])
      await goesOn(bench, server)
    })
  }

  test("the result line of a stream says the same", async () => {
    await using server = await startModelServer({ script: () => reply.error(401, { message: `bad ${ACTS}` }) })
    await using bench = workbench(server)
    const { exit, stdout, lines } = await bench.run(["-p", "Hi", "--output-format", "stream-json"])
    expect([exit, flaws(stdout)]).toEqual([1, []])
    expect(lines.at(-1)).toMatchObject({
      subtype: "error_during_execution",
      is_error: true,
      error: expect.stringContaining("Check ANTHROPIC_API_KEY"),
    })
  })
})

describe("what may pass is tried again, and said; Ctrl+C ends it, and the session goes on", () => {
  const troubles: Trouble[] = [
    { name: "an answer without content", answer: reply.raw(""), says: /ended in the middle|cut/ },
    {
      name: "half an event",
      answer: reply.raw('event: message_start\ndata: {"type":"mess'),
      says: /middle of an answer|cannot be read/,
    },
    {
      name: "events that are not JSON",
      answer: reply.raw("data: rubbish\n\ndata: more\n\n"),
      says: /cannot be read \(an event is not of this protocol\).*ANTHROPIC_BASE_URL/,
    },
    {
      name: "bytes that are no text",
      answer: reply.raw(new Uint8Array([0xff, 0xfe, 0, 10, 10])),
      says: /middle of an answer|cannot be read/,
    },
    {
      name: "another content type",
      answer: reply.raw("hello", { headers: { "content-type": "text/plain" } }),
      says: /middle of an answer|cannot be read/,
    },
    {
      name: "an answer that is cut",
      answer: reply.text("Once upon a time there was").cut({ afterBytes: 300 }),
      says: /cut|ended in the middle/,
    },
    {
      name: "an answer that never ends",
      answer: reply.text("Once").stall(),
      impatient: true,
      says: /sent nothing for 1 s.*idleTimeoutSeconds/,
    },
    {
      name: "no answer at all",
      answer: reply.text("").stall("before-headers"),
      impatient: true,
      says: /sent nothing for 1 s/,
    },
    {
      name: "an error in the middle",
      answer: reply.parts([
        { type: "text", text: "Once" },
        { type: "error", error: "overloaded_error", message: `busy ${ACTS}` },
      ]),
      says: /overloaded/,
    },
    {
      name: "another protocol's events",
      answer: reply.raw('data: {"choices":[{"delta":{"content":"hi"}}]}\n\ndata: [DONE]\n\n'),
      says: /cannot be read|middle/,
    },
  ]
  const tried = async (bench: Workbench, says: RegExp, env?: Record<string, string>) => {
    const running = bench.start(["-p", "First of all", "--output-format", "stream-json"], env && { env })
    const retry = await running.line((line) => line.subtype === "retry")
    expect(retry.reason).toMatch(says)
    running.kill("SIGINT")
    const { exit, stdout, stderr } = await running.finished
    expect([exit, flaws(stdout), flaws(stderr), flaws(retry.reason)]).toEqual([130, [], [], []])
  }
  for (const { name, answer, says, impatient } of troubles) {
    story(name, async (server) => {
      await using bench = workbench(server)
      if (impatient) put(bench, { idleTimeoutSeconds: 1 })
      server.script = () => answer
      await tried(bench, says)
      if (impatient) put(bench, {})
      await goesOn(bench, server)
    })
  }

  const unreachable: [string, Record<string, string>, RegExp][] = [
    [
      "a host that there is not",
      { ANTHROPIC_BASE_URL: "http://nonexistent.invalid" },
      /Cannot reach anthropic at http:\/\/nonexistent\.invalid.*ANTHROPIC_BASE_URL/,
    ],
    [
      "a proxy that does not answer",
      { HTTP_PROXY: "http://127.0.0.1:1", ANTHROPIC_BASE_URL: "http://nonexistent.invalid" },
      /Cannot reach.*proxy in HTTP_PROXY/,
    ],
  ]
  for (const [name, env, says] of unreachable) {
    story(name, async (server) => {
      await using bench = workbench(server)
      await tried(bench, says, env)
      await goesOn(bench, server)
    })
  }
})

describe("the way to the server", () => {
  const told = (name: string, env: Record<string, string>, says: RegExp, exit = 1) =>
    story(name, async (server) => {
      await using bench = workbench(server)
      expectClear(await bench.run(["-p", "First of all"], { env }), { exit, says })
      if (exit === 1) await goesOn(bench, server)
    })
  told(
    "a server that does not run",
    { ANTHROPIC_BASE_URL: "http://127.0.0.1:1" },
    /Nothing answers at http:\/\/127\.0\.0\.1:1.*Start the server/,
  )
  told("an address that is none", { ANTHROPIC_BASE_URL: `nowhere${ACTS}` }, /ANTHROPIC_BASE_URL is not an address/)
  told("no key", { ANTHROPIC_API_KEY: "" }, /needs a key. Set ANTHROPIC_API_KEY/)
  told("a key that is no header", { ANTHROPIC_API_KEY: "a\nb" }, /ANTHROPIC_API_KEY is not a key.*Set it again/)
  told("a model that nobody has", { MEANWHILE_MODEL: ACTS }, /no model "\\x1b/, 2)

  test(
    "a certificate that nobody vouches for: NODE_EXTRA_CA_CERTS is named, and makes it work",
    async () => {
      const at = join(import.meta.dir, "../model/fixtures")
      const certificate = join(at, "self-signed.crt")
      using server = Bun.serve({
        port: 0,
        hostname: "127.0.0.1",
        tls: { cert: readFileSync(certificate), key: readFileSync(join(at, "self-signed.key")) },
        fetch: () =>
          new Response(
            'data: {"choices":[{"index":0,"delta":{"content":"Safe."},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
            {
              headers: { "content-type": "text/event-stream" },
            },
          ),
      })
      await using bench = workbench()
      put(bench, { providers: { own: { kind: "openai-compatible", baseURL: `https://127.0.0.1:${server.port}/v1` } } })
      const args = ["-p", "Hi", "--model", "own/m"]
      expectClear(await bench.run(args), { exit: 1, says: /does not trust the certificate.*NODE_EXTRA_CA_CERTS/ })
      const trusted = await bench.run(["-p", "Again", "-c"], { env: { NODE_EXTRA_CA_CERTS: certificate } })
      expect([trusted.exit, trusted.stdout]).toEqual([0, "Safe.\n"])
      const missing = await bench.run(args, { env: { NODE_EXTRA_CA_CERTS: "/nonexistent.pem" } })
      expectClear(missing, { exit: 1, says: /NODE_EXTRA_CA_CERTS/ })
    },
    PATIENCE_MS,
  )

  test(
    "a line without end is not held",
    async () => {
      const piece = new Uint8Array(1024 * 1024).fill("x".charCodeAt(0))
      const endless = () => new ReadableStream({ pull: (controller) => controller.enqueue(piece) })
      using server = Bun.serve({
        port: 0,
        hostname: "127.0.0.1",
        fetch: () => new Response(endless(), { headers: { "content-type": "text/event-stream" } }),
      })
      await using bench = workbench()
      const env = { ANTHROPIC_API_KEY: "test-key", ANTHROPIC_BASE_URL: `http://127.0.0.1:${server.port}` }
      const failed = await bench.run(["-p", "Hi", "--model", "anthropic/m"], { env })
      expectClear(failed, { exit: 1, says: /sent more than 128 MiB in one answer.*ANTHROPIC_BASE_URL/ })
      server.stop(true)
    },
    PATIENCE_MS,
  )

  test(
    "a proxy that refuses to connect",
    async () => {
      const proxy = createServer((_, response) => response.writeHead(403).end("no"))
      proxy.on("connect", (_, socket) => socket.end("HTTP/1.1 403 Forbidden\r\n\r\n"))
      await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve))
      await using bench = workbench()
      const env = {
        ANTHROPIC_API_KEY: "test-key",
        ANTHROPIC_BASE_URL: "https://nonexistent.invalid",
        HTTPS_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
      }
      const running = bench.start(["-p", "Hi", "--output-format", "stream-json"], { env })
      const seen = await Promise.race([
        running.line((line) => line.subtype === "retry"),
        running.line((line) => line.type === "result"),
      ])
      expect(seen.reason ?? seen.error).toMatch(/proxy in HTTPS_PROXY/)
      running.kill("SIGINT")
      await running.finished
      proxy.close()
    },
    PATIENCE_MS,
  )
})

function put(bench: Workbench, settings: object): void {
  mkdirSync(bench.home, { recursive: true, mode: 0o700 })
  writeFileSync(join(bench.home, "settings.json"), JSON.stringify(settings))
}
