// Compaction as a user's script has it: by itself in a small window, after a model's refusal, and asked for; nothing is
// done twice because of it.
import { describe, expect, test } from "bun:test"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type Workbench, workbench } from "../../testing/headless.ts"
import { type RecordedRequest, reply, script, startModelServer } from "../../testing/model-server.ts"

const STREAM = ["--output-format", "stream-json", "--verbose"]
const MODEL = "anthropic/claude-sonnet-5-5"

function settings(bench: Workbench, { window, ...more }: { window: number; [key: string]: unknown }): void {
  mkdirSync(bench.home, { recursive: true })
  const models = { [MODEL]: { contextWindow: window } }
  writeFileSync(join(bench.home, "settings.json"), JSON.stringify({ models, ...more }))
}

const LONG = Array.from({ length: 600 }, (_, i) => `line ${i} of a file that nobody wants to see again`).join("\n")
const look = (offset: number) => ({ name: "Read", input: { file_path: "long.txt", offset, limit: 300 } })

const isCompacted = (request: RecordedRequest) => request.prompt.includes("The conversation was compacted")

describe("by itself", () => {
  test("a long turn is compacted at a step boundary, and goes on", async () => {
    await using server = await startModelServer({ restarts: isCompacted })
    const steps = Array.from({ length: 12 }, (_, i) => (request: RecordedRequest) => {
      const words = JSON.stringify(request.body).length / 4
      return reply.calls([look(1 + i * 10)]).usage({ input: Math.round(words), output: 50 })
    })
    server.script = script.inOrder([...steps, reply.text("All read.")])
    await using bench = workbench(server)
    settings(bench, { window: 24_000 })
    writeFileSync(join(bench.cwd, "long.txt"), LONG)
    const { exit, lines } = await bench.run(["-p", "Read it all, and mind the colour GREEN.", ...STREAM])
    expect(exit).toBe(0)
    server.check()
    const boundaries = lines.filter(({ subtype }) => subtype === "compact_boundary")
    expect(boundaries.length).toBeGreaterThan(0)
    for (const { compact_metadata: told } of boundaries) {
      expect(told.trigger).toBe("auto")
      expect(told.post_tokens).toBeLessThan(told.pre_tokens)
    }
    const after = server.requests.filter(isCompacted)
    expect(after.length).toBeGreaterThan(0)
    // What the user asked is there word for word, and the requests stay within the window.
    for (const request of after) expect(request.prompt).toContain("Read it all, and mind the colour GREEN.")
    for (const request of server.requests) expect(JSON.stringify(request.body).length / 4).toBeLessThan(24_000)
    // System and tools are the same bytes as before.
    for (const request of after) {
      expect(request.body.system).toEqual(server.requests[0]!.body.system)
      expect(request.body.tools).toEqual(server.requests[0]!.body.tools)
    }
  })
})
