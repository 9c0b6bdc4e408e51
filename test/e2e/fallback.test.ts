// A model that does not answer is replaced by the next of the chain, and every row says which one answered; one that
// says nothing is asked again.
import { expect, test } from "bun:test"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { workbench } from "../../testing/headless.ts"
import { reply, script, startModelServer } from "../../testing/model-server.ts"

test("the stream, the usage and the totals name the model that answered", async () => {
  await using server = await startModelServer({
    check: "off",
    script: ({ protocol }) =>
      protocol === "anthropic"
        ? reply.error(404, { message: "model: gone" })
        : reply.text("From the other.").usage({ input: 1000, output: 10 }),
  })
  await using bench = workbench(server)
  mkdirSync(bench.home, { recursive: true })
  writeFileSync(join(bench.home, "settings.json"), JSON.stringify({ modelFallback: ["gpt-6-sol"] }))
  const env = server.env("openai-responses")
  const { exit, lines } = await bench.run(["-p", "Hi", "--output-format", "stream-json"], { env })
  expect(exit).toBe(0)
  const retry = lines.find((line) => line.subtype === "retry")
  expect(retry).toMatchObject({ model: "openai/gpt-6-sol", wait_ms: 0 })
  expect(retry?.reason).toContain("does not know the model")
  const said = lines.find((line) => line.type === "assistant")
  expect(said?.message).toMatchObject({ model: "openai/gpt-6-sol", usage: { input_tokens: 1000, output_tokens: 10 } })
  const result = lines.at(-1)
  expect(result).toMatchObject({ result: "From the other.", usage: { input_tokens: 1000, output_tokens: 10 } })
  expect(result?.modelUsage["openai/gpt-6-sol"]).toMatchObject({ inputTokens: 1000 })
  expect(result?.total_cost_usd).toBeGreaterThan(0)
})

test("silence is given up after the time in the settings", async () => {
  await using server = await startModelServer({
    script: script.inOrder([reply.text("x").stall("before-headers"), reply.text("Awake.")]),
  })
  await using bench = workbench(server)
  mkdirSync(bench.home, { recursive: true })
  writeFileSync(join(bench.home, "settings.json"), JSON.stringify({ idleTimeoutSeconds: 0.3 }))
  const { exit, lines } = await bench.run(["-p", "Hi", "--output-format", "stream-json"])
  expect(exit).toBe(0)
  expect(lines.find((line) => line.subtype === "retry")?.reason).toContain("sent nothing for")
  expect(lines.at(-1)).toMatchObject({ result: "Awake." })
})
