// A program in a real terminal (a pty): what it wrote, byte for byte, and keys to type.
import { eventually } from "../../testing/harness.ts"

export interface Terminal extends AsyncDisposable {
  /** All that was written so far. */
  readonly output: string
  readonly exited: Promise<number>
  type(keys: string): void
  /** Resolves when what was written behind the text of the last call has this one. */
  shows(text: string | RegExp): Promise<void>
}

export function inTerminal(
  argv: readonly string[],
  { env, cwd, columns = 100, rows = 20 }: { env: Record<string, string>; cwd: string; columns?: number; rows?: number },
): Terminal {
  const decoder = new TextDecoder()
  let output = ""
  let seen = 0
  const child = Bun.spawn([...argv], {
    cwd,
    env: { TERM: "xterm-256color", LANG: "C.UTF-8", PATH: process.env["PATH"] ?? "", ...env },
    terminal: {
      cols: columns,
      rows,
      data: (_terminal, bytes) => {
        output += decoder.decode(bytes, { stream: true })
      },
    },
  })
  return {
    get output() {
      return output
    },
    exited: child.exited,
    type: (keys) => void child.terminal!.write(keys),
    shows: async (text) => {
      const wanted = typeof text === "string" ? new RegExp(RegExp.escape(text)) : text
      const found = () => wanted.exec(output.slice(seen))
      await eventually(`the terminal shows ${text}`, () => found() !== null).catch((error) => {
        throw new Error(`${error.message}; it shows:\n${output.slice(seen)}`)
      })
      const match = found()!
      seen += match.index + match[0].length
    },
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL")
      await child.exited
      child.terminal?.close()
    },
  }
}
