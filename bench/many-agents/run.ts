// Runs the story of many-agents once and measures it from outside: at the model's server, at the program's standard
// output and in /proc; and the lag of its event loop from inside (MEANWHILE_LAG_FILE).
import { Database } from "bun:sqlite"
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { LagReport } from "../../src/runtime/lag.ts"
import { defaultVariables } from "../../src/runtime/self.ts"
import { linesOf } from "../lines.ts"
import { bun, median, percentile } from "../measure.ts"
import { type Said, say, streaming, textOf } from "../streaming.ts"
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
  /** From the end of an agent's last reply until its end, and with it its notice to its owner, is stored, in ms. */
  settled: number[]
  /** From the end of an agent's last reply to the request that tells its owner of it, in ms. */
  woken: number[]
  lag: LagReport
  /** Resident memory while all have an open stream: the median of looks at each of the user's prompts. */
  residentMb: number
  /** The most that it ever was: with what is thrown away on the way. */
  peakMb: number
  /** Processor time of the whole run, in ms: of the program, and of the server. */
  cpuMs: number
  serverCpuMs: number
  wallMs: number
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
  const env = {
    MEANWHILE_LAG_FILE: lagFile,
    // As the launcher sets them.
    ...defaultVariables,
    ...("env" in ready ? ready.env : {}),
  }
  const program = Bun.spawn({
    ...streaming(command, { cwd: folder, home, data: join(home, "data"), env }),
    stdio: ["pipe", "pipe", "inherit"],
  })
  // What the agents have read passes here as well, and this process shares the processors.
  const said = linesOf<Said>(program.stdout, /^\{"type":"(assistant|result)"/)
  let peakKb = 0
  const watching = setInterval(() => {
    peakKb = Math.max(peakKb, memoryKb(program.pid, "VmHWM"))
  }, 100)
  const resident: number[] = []
  const prompt = (text: string) => {
    say(program, text)
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
    const { arrivals, openAt, open } = report
    if (!(open >= agents)) throw new Error(`only ${open} streams were open at once, not ${agents}`)
    const ends = endsOf(join(home, "data"))
    if (ends.size !== agents) throw new Error(`only ${ends.size} agents completed, not ${agents}`)
    const first = arrivals.filter(({ part, step }) => part !== null && step === 0).map(({ at }) => at)
    const byPart = Map.groupBy(arrivals, ({ part }) => part)
    const wakes = new Map((byPart.get(null) ?? []).flatMap(({ told, at }) => told.map((part) => [part, at] as const)))
    byPart.delete(null)
    const lastReplies = [...byPart].map(([part, requests]) => ({ part: part!, at: requests.at(-1)!.endedAt! }))
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
      settled: lastReplies.map(({ part, at }) => ends.get(part)! - at),
      woken: lastReplies.map(({ part, at }) => wakes.get(part)! - at),
      lag: JSON.parse(readFileSync(lagFile, "utf8")),
      residentMb: median(resident) / 1024,
      peakMb: peakKb / 1024,
      cpuMs: Number(program.resourceUsage()?.cpuTime.total ?? 0) / 1000,
      serverCpuMs: report.cpuMs,
      wallMs: report.wallMs,
      bytes: said.bytes(),
    }
  } finally {
    clearInterval(watching)
    program.kill("SIGKILL")
    server.kill("SIGKILL")
    await Promise.all([program.exited, server.exited])
  }
}

/** When each agent's run settled, by its number; its notice is written in the same transaction. */
function endsOf(data: string): Map<number, number> {
  using db = new Database(join(data, "meanwhile.db"), { readonly: true })
  const rows = db
    .query<{ description: string; ended_at: number }, []>(
      "SELECT description, ended_at FROM task JOIN run ON run.task_id = task.id WHERE run.state = 'completed'",
    )
    .all()
  return new Map(rows.map(({ description, ended_at }) => [Number(description.replace("part ", "")), ended_at]))
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
  const { turnarounds, requests, answers, settled, woken, lag, ...rest } = measured
  const shares = [0.5, 0.9, 0.99, 1]
  const latencies = { turnarounds, requests, answers, settled, woken }
  for (const [name, values] of Object.entries(latencies))
    console.log(`${name}: p50 p90 p99 max, ms: ${shares.map((share) => percentile(values, share)).join(" ")}`)
  console.log(JSON.stringify({ ...rest, late: lag.late, busy: lag.busy }))
  console.log(lag.worst.map(({ ms, busy, at }) => `${ms} (${busy}) at ${at}`).join(" · "))
}
