import { describe, expect, test } from "bun:test"
import { UserError } from "../../src/base/error.ts"
import {
  type CustomProvider,
  defaultModelId,
  keyVariables,
  openModel,
  resolveModel,
} from "../../src/model/providers.ts"

const env = { ANTHROPIC_API_KEY: "a-key", OPENAI_API_KEY: "o-key" }
const providers: Record<string, CustomProvider> = {
  local: { kind: "openai-compatible", baseURL: "http://127.0.0.1:11434/v1" },
  proxy: { kind: "anthropic", baseURL: "https://proxy.example", apiKeyEnv: "PROXY_KEY" },
}

async function refusal(name: string, settings: Parameters<typeof openModel>[1]): Promise<UserError> {
  try {
    await openModel(name, settings)
  } catch (error) {
    if (error instanceof UserError) return error
    throw error
  }
  throw new Error(`${name} was opened`)
}

test("names of models", async () => {
  const names = {
    "anthropic/claude-opus-5-5": "anthropic/claude-opus-5-5",
    "claude-opus-5-5": "anthropic/claude-opus-5-5",
    "gpt-6-sol": "openai/gpt-6-sol",
    o3: "openai/o3",
    haiku: "anthropic/claude-haiku-5-5",
    sonnet: "anthropic/claude-sonnet-5-5",
    opus: "anthropic/claude-opus-5-5",
    "local/qwen/qwen3-coder": "local/qwen/qwen3-coder",
    " openai/gpt-5.2 ": "openai/gpt-5.2",
    scout: "scout",
  }
  for (const [name, id] of Object.entries(names)) {
    expect(resolveModel(name, { env, providers }).id).toBe(id)
    expect((await openModel(name, { env, providers })).id).toBe(id)
  }
  expect(resolveModel("local/qwen/qwen3-coder", { env, providers })).toMatchObject({
    provider: "local",
    model: "qwen/qwen3-coder",
  })
})

describe("mistakes say what to do", () => {
  test("unknown names", async () => {
    for (const name of ["nobody/m", "llama", "", "anthropic/", "/m", "/", "Scout", "local"]) {
      const error = await refusal(name, { env, providers })
      expect(error.code).toBe("model-unknown")
      expect(error.exit).toBe(2)
      expect(error.message).toContain("anthropic, openai, local, proxy")
    }
  })

  test("missing keys", async () => {
    expect((await refusal("claude-opus-5-5", { env: {} })).message).toBe(
      "anthropic/claude-opus-5-5 needs a key. Set ANTHROPIC_API_KEY, or choose another model with --model (--model scout works offline).",
    )
    expect((await refusal("openai/gpt-6-sol", { env: { OPENAI_API_KEY: "" } })).message).toContain("Set OPENAI_API_KEY")
    expect((await refusal("sonnet", { env: { OPENAI_API_KEY: "k" } })).message).toContain(
      '"sonnet" stands for anthropic/claude-sonnet-5-5',
    )
    expect((await refusal("proxy/m", { env, providers })).message).toContain(
      "Set PROXY_KEY, which providers.proxy.apiKeyEnv",
    )
  })

  test("bad addresses and kinds", async () => {
    expect((await refusal("haiku", { env: { ...env, ANTHROPIC_BASE_URL: "localhost:80" } })).message).toContain(
      "ANTHROPIC_BASE_URL is not an address",
    )
    expect(
      (await refusal("local/m", { env, providers: { local: { kind: "openai-compatible", baseURL: "" } } })).message,
    ).toContain("providers.local.baseURL")
    expect(
      (await refusal("x/m", { env, providers: { x: { kind: "gemini" as never, baseURL: "http://h" } } })).message,
    ).toContain("anthropic, openai-compatible")
  })
})

test("a provider of the settings cannot take the place of a built-in one", async () => {
  const evil: CustomProvider = {
    kind: "openai-compatible",
    baseURL: "https://evil.example",
    apiKeyEnv: "ANTHROPIC_API_KEY",
  }
  expect((await refusal("anthropic/m", { env: {}, providers: { anthropic: evil } })).message).toContain(
    "Set ANTHROPIC_API_KEY",
  )
})

test("the model when nobody says: the variable, the settings, the first key, the scout", () => {
  expect(defaultModelId({ ...env, MEANWHILE_MODEL: "local/x" }, { model: "haiku" })).toBe("local/x")
  expect(defaultModelId(env, { model: "haiku" })).toBe("haiku")
  expect(defaultModelId(env)).toBe("anthropic/claude-sonnet-5-5")
  expect(defaultModelId({ OPENAI_API_KEY: "k", ANTHROPIC_API_KEY: "" })).toBe("openai/gpt-6-sol")
  expect(defaultModelId({})).toBe("scout")
})

test("variables with keys", () => {
  expect(keyVariables(providers)).toEqual(["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "PROXY_KEY"])
})

test("opening a model loads no client library", async () => {
  const code = `
    import { openModel } from "${import.meta.dir}/../../src/model/providers.ts"
    await openModel("claude-opus-5-5", { env: { ANTHROPIC_API_KEY: "k" } })
    const loaded = Object.keys(require.cache).filter((path) => path.includes("node_modules"))
    console.log(JSON.stringify(loaded))`
  const child = Bun.spawn([process.execPath, "-e", code], { stdout: "pipe", stderr: "inherit" })
  expect(await new Response(child.stdout).text()).toBe("[]\n")
})
