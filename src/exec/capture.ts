// Runs a short program for ourselves (git, pdftotext) and gives back what it printed: no shell, no terminal, no input,
// and an end, whatever the program does.
import { spawn } from "node:child_process"

export interface CaptureSpec {
  /** Absolute path; see exec/find-program.ts. */
  program: string
  args: readonly string[]
  cwd: string
  /** The whole environment of the program. */
  env: Record<string, string>
  timeoutMs: number
  /** Of standard output; with more the program is ended. */
  maxBytes: number
  signal?: AbortSignal
}

export interface Captured {
  /** `cut`: it printed more than was wanted. `timeout`, `cut`: it was killed, and the output is what there was. */
  end: "exited" | "timeout" | "cut"
  /** Exit code; null when a signal ended it. */
  code: number | null
  stdout: Buffer
  /** The first few KB. */
  stderr: string
}

const ERROR_BYTES = 8192

/** Rejects when the program cannot be started, and with the signal's reason. Its process group is gone afterwards. */
export function capture({ program, args, cwd, env, timeoutMs, maxBytes, signal }: CaptureSpec): Promise<Captured> {
  const { promise, resolve, reject } = Promise.withResolvers<Captured>()
  if (signal?.aborted) return Promise.reject(signal.reason)
  // A group of its own, so that what it starts ends with it.
  const child = spawn(program, args, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] })
  const chunks: Buffer[] = []
  let bytes = 0
  let stderr = ""
  let end: Captured["end"] = "exited"
  const kill = () => {
    killGroup(child.pid)
    // A process that left the group may hold the pipes open.
    child.stdout.destroy()
    child.stderr.destroy()
  }
  const timer = setTimeout(() => {
    end = "timeout"
    kill()
  }, timeoutMs)
  signal?.addEventListener("abort", kill, { once: true })
  child.stdout.on("data", (chunk: Buffer) => {
    if (end !== "exited") return
    chunks.push(chunk.subarray(0, maxBytes - bytes))
    bytes += chunk.length
    if (bytes <= maxBytes) return
    end = "cut"
    kill()
  })
  child.stderr.on("data", (chunk: Buffer) => {
    if (stderr.length < ERROR_BYTES) stderr += chunk.toString("utf8").slice(0, ERROR_BYTES)
  })
  const release = () => {
    clearTimeout(timer)
    signal?.removeEventListener("abort", kill)
  }
  child.on("error", (error) => {
    release()
    reject(error)
  })
  child.on("close", (code) => {
    release()
    if (signal?.aborted) return reject(signal.reason)
    return resolve({ end, code, stdout: Buffer.concat(chunks), stderr })
  })
  return promise
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, "SIGKILL")
  } catch (error) {
    // It has ended already.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error
  }
}
