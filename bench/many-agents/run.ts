// Runs the story of many-agents once and measures it from outside: at the model's server, at the program's standard
// output and in /proc; and the lag of its event loop from inside (MEANWHILE_LAG_FILE).
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { LagReport } from "../../src/runtime/lag.ts"
import { bun, median, percentile } from "../measure.ts"
import { BEGIN, FILES, PING, type Told } from "./story.ts"

const PINGS = 10
const PING_EVERY_MS = 500

export interface Measured {
  /** While all have been at work: from the end of an agent's reply to its next request, its call in between, in ms. */
  turnarounds: number[]
  /** From the first agent's first request until each has read its 60 KB and has an open stream, in ms. */
  beginning: number
  /** From the user's prompt on standard input to its request at the server, in ms. */
  requests: number[]
  /** From the user's prompt to the line of its answer, in ms. */
  answers: number[]
  lag: LagReport
  /** Resident memory while all have an open stream: the median of looks at each of the user's prompts. */
  residentMb: number
  /** The most that it ever was: with what is thrown away on the way. */
  peakMb: number
  /** Processor time of the whole run, in ms. */
  cpuMs: number
  /** Bytes that the program wrote to its standard output. */
  bytes: number
}

export async function manyAgents(command: readonly string[], folder: string, agents: number): Promise<Measured> {
  const home = mkdtempSync(join(folder, "home-"))
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(folder, name), text)
  const server = Bun.spawn([bun, join(import.meta.dir, "server.ts"), String(agents)], {
    stdio: ["pipe", "pipe", "inherit"],
  })
  const told = linesOf<Told>(server.stdout)
  const ready = await told.next((line) => line.type === "ready")
  const lagFile = join(home, "lag.json")
  const program = Bun.spawn(
    [
      ...command,
      ...["-p", "--input-format", "stream-json", "--output-format", "stream-json"],
      ...["--permission-mode", "bypassPermissions"],
    ],
    {
      cwd: folder,
      env: {
        PATH: process.env.PATH ?? "",
        HOME: home,
        MEANWHILE_HOME: join(home, "data"),
        MEANWHILE_MODEL: "anthropic/claude-sonnet-5-5",
        MEANWHILE_LAG_FILE: lagFile,
        ...("env" in ready ? ready.env : {}),
      },
      stdio: ["pipe", "pipe", "inherit"],
    },
  )
  const said = linesOf<Said>(program.stdout)
  let peakKb = 0
  const watching = setInterval(() => {
    peakKb = Math.max(peakKb, memoryKb(program.pid, "VmHWM"))
  }, 100)
  const resident: number[] = []
  const prompt = (text: string) => {
    program.stdin.write(`${JSON.stringify({ type: "user", message: { role: "user", content: text } })}\n`)
    program.stdin.flush()
    return Date.now()
  }
  try {
    prompt(BEGIN)
    await told.next((line) => line.type === "all-open")
    const pings: { name: string; at: number; answeredAt: number }[] = []
    for (let n = 0; n < PINGS; n++) {
      const at = prompt(`${PING} ${n}`)
      await said.next((line) => line.type === "assistant" && textOf(line) === `Pong ${n}`)
      pings.push({ name: `${PING} ${n}`, at, answeredAt: Date.now() })
      resident.push(memoryKb(program.pid, "VmRSS"))
      await Bun.sleep(PING_EVERY_MS)
    }
    await said.next((line) => line.type === "result")
    program.stdin.end()
    if ((await program.exited) !== 0) throw new Error(`the program ended with ${program.exitCode}`)
    server.stdin.end()
    const report = await told.next((line) => line.type === "report")
    if (report.type !== "report") throw new Error("no report")
    const { arrivals, openAt } = report
    const first = arrivals.filter(({ part, step }) => part !== null && step === 0).map(({ at }) => at)
    const byPart = Map.groupBy(arrivals, ({ part }) => part)
    byPart.delete(null)
    return {
      turnarounds: [...byPart.values()].flatMap((requests) =>
        requests.slice(1).flatMap((request, n) => {
          const before = requests[n]!.endedAt ?? 0
          return before < openAt ? [] : [request.at - before]
        }),
      ),
      beginning: openAt - Math.min(...first),
      requests: pings.map(({ name, at }) => arrivals.find(({ ping }) => ping === name)!.at - at),
      answers: pings.map(({ at, answeredAt }) => answeredAt - at),
      lag: JSON.parse(readFileSync(lagFile, "utf8")),
      residentMb: median(resident) / 1024,
      peakMb: peakKb / 1024,
      cpuMs: Number(program.resourceUsage()?.cpuTime.total ?? 0) / 1000,
      bytes: said.bytes(),
    }
  } finally {
    clearInterval(watching)
    program.kill("SIGKILL")
    server.kill("SIGKILL")
    await Promise.all([program.exited, server.exited])
  }
}

interface Said {
  type: string
  message?: { content: { type: string; text?: string }[] }
}

function textOf(line: Said): string {
  return line.message?.content.map((block) => block.text ?? "").join("") ?? ""
}

/** Lines of JSON as they come; `next` takes the first that fits and all before it. */
function linesOf<T>(stream: ReadableStream<Uint8Array>) {
  let count = 0
  const lines = (async function* () {
    const decoder = new TextDecoder()
    let rest = ""
    for await (const chunk of stream) {
      count += chunk.length
      const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n")
      rest = parts.pop() ?? ""
      for (const part of parts) if (part) yield JSON.parse(part) as T
    }
  })()
  return {
    bytes: () => count,
    next: async (fits: (line: T) => boolean): Promise<T> => {
      for (;;) {
        const { done, value } = await lines.next()
        if (done) throw new Error("the output ended before the line that was waited for")
        if (fits(value)) return value
      }
    },
  }
}

/** Source: proc(5). */
function memoryKb(pid: number, what: "VmHWM" | "VmRSS"): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8")
    return Number(new RegExp(`${what}:\\s*(\\d+)`).exec(status)?.[1] ?? 0)
  } catch {
    return 0 // it has ended
  }
}

if (import.meta.main) {
  const [agents = "200", ...command] = process.argv.slice(2)
  const measured = await manyAgents(command, mkdtempSync("/tmp/many-agents-"), Number(agents))
  const { turnarounds, requests, answers, lag, ...rest } = measured
  const shares = [0.5, 0.9, 0.99, 1]
  const shown = (values: number[]) => shares.map((share) => percentile(values, share)).join(" ")
  console.log(
    `p50 p90 p99 max, ms: turnaround ${shown(turnarounds)} · request ${shown(requests)} · answer ${shown(answers)}`,
  )
  console.log(JSON.stringify({ ...rest, late: lag.late, busy: lag.busy }))
  console.log(lag.worst.map(({ ms, busy, at }) => `${ms} (${busy}) at ${at}`).join(" · "))
}
