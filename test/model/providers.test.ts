import { describe, expect, test } from "bun:test"
import { UserError } from "../../src/base/error.ts"
import { PROVIDER_KINDS } from "../../src/base/settings-file.ts"
import {
  type CustomProvider,
  defaultModelId,
  keySource,
  keyVariables,
  openModel,
  type Protocol,
  resolveModel,
} from "../../src/model/providers.ts"

const env = {
  ANTHROPIC_API_KEY: "a-key",
  OPENAI_API_KEY: "o-key",
  GEMINI_API_KEY: "g-key",
  OPENROUTER_API_KEY: "r-key",
  AWS_BEARER_TOKEN_BEDROCK: "b-key",
  AWS_REGION: "us-east-1",
}
const aliases = { fast: "local/qwen", cheap: "gpt-6-luna" }
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

test("the user's aliases go before the built-in ones, and need no key of Anthropic's", () => {
  const own = { aliases: { sonnet: "gpt-6-sol" }, env: { OPENAI_API_KEY: "k" } }
  expect(resolveModel("sonnet", own).id).toBe("openai/gpt-6-sol")
  expect(() => resolveModel("opus", own)).toThrow('"modelAliases": {"opus": "PROVIDER/MODEL"}')
})

test("names of models", async () => {
  const names = {
    "anthropic/claude-opus-5-5": "anthropic/claude-opus-5-5",
    "claude-opus-5-5": "anthropic/claude-opus-5-5",
    "gpt-6-sol": "openai/gpt-6-sol",
    o3: "openai/o3",
    "gemini-3.8-flash": "google/gemini-3.8-flash",
    "us.anthropic.claude-sonnet-5-5": "bedrock/us.anthropic.claude-sonnet-5-5",
    "anthropic.claude-opus-5-5": "bedrock/anthropic.claude-opus-5-5",
    "meta.llama3-70b-instruct-v1:0": "bedrock/meta.llama3-70b-instruct-v1:0",
    "openrouter/qwen/qwen3-coder": "openrouter/qwen/qwen3-coder",
    fast: "local/qwen",
    cheap: "openai/gpt-6-luna",
    haiku: "anthropic/claude-haiku-5-5",
    sonnet: "anthropic/claude-sonnet-5-5",
    opus: "anthropic/claude-opus-5-5",
    "local/qwen/qwen3-coder": "local/qwen/qwen3-coder",
    " openai/gpt-5.2 ": "openai/gpt-5.2",
    scout: "scout",
  }
  for (const [name, id] of Object.entries(names)) {
    expect(resolveModel(name, { env, providers, aliases }).id).toBe(id)
    expect((await openModel(name, { env, providers, aliases })).id).toBe(id)
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
      expect(error.message).toContain("anthropic, openai, google, bedrock, openrouter, local, proxy")
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

  test("AWS: what is missing, and how to get it from a profile", async () => {
    const model = "bedrock/us.anthropic.claude-sonnet-5-5"
    const keys = { AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "s" }
    expect((await refusal(model, { env: { AWS_PROFILE: "work", AWS_REGION: "us-east-1" } })).message).toBe(
      `${model} needs AWS credentials. Set AWS_BEARER_TOKEN_BEDROCK, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Profiles and single sign-on are not read here: eval "$(aws configure export-credentials --format env --profile work)" sets these variables from them.`,
    )
    expect((await refusal(model, { env: { AWS_ACCESS_KEY_ID: "a" } })).message).toContain("needs AWS credentials")
    for (const env of [keys, { AWS_BEARER_TOKEN_BEDROCK: "b" }])
      expect((await refusal(model, { env })).message).toBe(
        `${model} needs a region. Set AWS_REGION, for example AWS_REGION=us-east-1.`,
      )
    expect((await openModel(model, { env: { ...keys, AWS_DEFAULT_REGION: "eu-west-1" } })).id).toBe(model)
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
    ).toContain("anthropic, openai, openai-compatible, google, bedrock")
  })
})

test("a provider of the settings cannot take the place of a built-in one", async () => {
  const evil: CustomProvider = {
    kind: "openai-compatible",
    baseURL: "https://evil.example",
    apiKeyEnv: "ANTHROPIC_API_KEY",
  }
  expect((await refusal("anthropic/m", { env: {}, providers: { anthropic: evil } })).message).toContain(
    'providers.anthropic in settings.json is not used: "anthropic" is built in.',
  )
})

test("the model when nobody says: the variable, the settings, the first key, the scout", () => {
  expect(defaultModelId({ ...env, MEANWHILE_MODEL: "local/x" }, { model: "haiku" })).toBe("local/x")
  expect(defaultModelId(env, { model: "haiku" })).toBe("haiku")
  expect(defaultModelId(env)).toBe("anthropic/claude-sonnet-5-5")
  expect(defaultModelId({ OPENAI_API_KEY: "k", ANTHROPIC_API_KEY: "" })).toBe("openai/gpt-6-sol")
  expect(defaultModelId({ GOOGLE_GENERATIVE_AI_API_KEY: "k" })).toBe("google/gemini-3.8-flash")
  expect(defaultModelId({ OPENROUTER_API_KEY: "k" })).toBe("openrouter/openrouter/auto")
  // Keys for other things of Amazon's are no wish to use its models.
  expect(defaultModelId({ AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "s", AWS_REGION: "us-east-1" })).toBe("scout")
  expect(defaultModelId({})).toBe("scout")
})

test("variables with keys", () => {
  expect(keyVariables(providers)).toEqual([
    "ANTHROPIC_API_KEY",
    "OPENAI_API_KEY",
    "GEMINI_API_KEY",
    "GOOGLE_GENERATIVE_AI_API_KEY",
    "AWS_BEARER_TOKEN_BEDROCK",
    "OPENROUTER_API_KEY",
    "PROXY_KEY",
  ])
  const sources = {
    "anthropic/m": "ANTHROPIC_API_KEY",
    "google/m": "GOOGLE_GENERATIVE_AI_API_KEY",
    "bedrock/m": "AWS_ACCESS_KEY_ID",
    "proxy/m": "PROXY_KEY",
    "local/m": "none",
    scout: "none",
  }
  for (const [id, source] of Object.entries(sources))
    expect(keySource(id, { env: { GOOGLE_GENERATIVE_AI_API_KEY: "k" }, providers })).toBe(source)
})

test("the settings know the same protocols", () => {
  const kinds: readonly Protocol[] = PROVIDER_KINDS
  for (const kind of kinds)
    expect(resolveModel("x/m", { env: {}, providers: { x: { kind, baseURL: "http://h" } } }).id).toBe("x/m")
})

test("opening a model loads no client library", async () => {
  const code = `
    import { openModel } from "${import.meta.dir}/../../src/model/providers.ts"
    const env = { ANTHROPIC_API_KEY: "k", OPENAI_API_KEY: "k", GEMINI_API_KEY: "k", OPENROUTER_API_KEY: "k", AWS_BEARER_TOKEN_BEDROCK: "k", AWS_REGION: "r" }
    for (const name of ["claude-opus-5-5", "gpt-6-sol", "gemini-3.8-flash", "us.anthropic.claude-opus-5-5", "openrouter/m"])
      await openModel(name, { env })
    const loaded = Object.keys(require.cache).filter((path) => path.includes("node_modules"))
    console.log(JSON.stringify(loaded))`
  const child = Bun.spawn([process.execPath, "-e", code], { stdout: "pipe", stderr: "inherit" })
  expect(await new Response(child.stdout).text()).toBe("[]\n")
})
