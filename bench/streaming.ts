// The program as other programs drive it: prompts in on standard input, its stream out on standard output.
import type { FileSink } from "bun"

interface Place {
  cwd: string
  home: string
  /** MEANWHILE_HOME. */
  data: string
  /** Beside those. */
  env: Readonly<Record<string, string>>
}

/** What Bun.spawn starts it with; may do everything. */
export function streaming(command: readonly string[], { cwd, home, data, env }: Place) {
  return {
    cmd: [
      ...command,
      ...["-p", "--input-format", "stream-json", "--output-format", "stream-json"],
      ...["--permission-mode", "bypassPermissions"],
    ],
    cwd,
    env: {
      PATH: process.env.PATH ?? "",
      HOME: home,
      MEANWHILE_HOME: data,
      MEANWHILE_MODEL: "anthropic/claude-sonnet-5-5",
      ...env,
    },
  }
}

/** Says it as the user. */
export function say({ stdin }: { stdin: FileSink }, text: string): void {
  stdin.write(`${JSON.stringify({ type: "user", message: { role: "user", content: text } })}\n`)
  stdin.flush()
}

/** A line of its stream, as far as it matters here. */
export interface Said {
  type: string
  message?: { content: { text?: string }[] }
}

export function textOf(line: Said): string {
  return line.message?.content.map((block) => block.text ?? "").join("") ?? ""
}
