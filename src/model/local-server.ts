// Which model server is likely to be at an address on this machine, and how a person starts it: a connection that is
// refused there means, nearly always, that it is not running.

export interface LocalServer {
  /** As a sentence's end: "with `ollama serve`". */
  start: string
  /** How a model that it does not have is got, for servers that have such a command. */
  get?: (model: string) => string
}

/** By the port that each takes unless told otherwise. */
const BY_PORT: Readonly<Record<string, LocalServer>> = {
  "11434": { start: "Start Ollama with `ollama serve`", get: (model) => `ollama pull ${model}` },
  "1234": { start: "Start LM Studio's server with `lms server start`", get: (model) => `lms get ${model}` },
  "8080": { start: "If it is llama.cpp, start it with `llama-server --jinja -m MODEL.gguf`" },
  "8000": { start: "If it is vLLM, start it with `vllm serve MODEL`" },
}

/** Undefined when the address is not on this machine. */
export function localServer({ hostname, port }: URL): LocalServer | undefined {
  if (!/^(localhost|127(\.\d+){3}|\[::1\]|0\.0\.0\.0|host\.docker\.internal)$/.test(hostname)) return undefined
  return BY_PORT[port] ?? { start: "Start the server that should be there" }
}
