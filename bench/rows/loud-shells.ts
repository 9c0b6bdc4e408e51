// 100 background commands write 1 MB a second each, for ten seconds: what the prompt, the memory and the processor have
// to do with it, beside the same commands without us. That every byte has arrived is checked.
import { Database } from "bun:sqlite"
import { mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { LagReport, Shares } from "../../src/runtime/lag.ts"
import { reply, startModelServer } from "../../testing/model-server.ts"
import { linesOf } from "../lines.ts"
import { bun, type MeasureRows, type Row } from "../measure.ts"
import { type Said, say, streaming, textOf } from "../streaming.ts"

const SHELLS = 100
const SECONDS = 10
const PIECE_BYTES = 500_000
const BYTES = 2 * PIECE_BYTES * SECONDS
const PINGS = 8
/** Two programs a second for each are all that a writer starts: what is measured is its output. */
const WRITER = `for ((n = 0; n < ${2 * SECONDS}; n++)); do cat piece.txt; sleep 0.5; done`

interface Loud {
  lag: LagReport
  /** From the first writer's start to the last one's end. */
  spanMs: number
}

interface Ours extends Loud {
  /** Of the program alone, without its commands. */
  peakMb: number
  cpuMs: number
  /** From the user's prompt to the line of its answer. */
  answers: number[]
}

export const rows: MeasureRows = async ({ executable, folder: parent }) => {
  const folder = mkdtempSync(join(parent, "loud-"))
  writeFileSync(join(folder, "piece.txt"), `${"x".repeat(99)}\n`.repeat(PIECE_BYTES / 100))
  const floor = await withoutUs(folder)
  const ours = await withUs(executable, folder)
  const row = (name: string, figures: Omit<Row, "name">): Row => ({
    name: `${SHELLS} shells at 1 MB/s, ${name}`,
    ...figures,
  })
  return [
    row("event loop late, p99 / idle beside the same writers", {
      unit: "ms",
      floor: floor.lag.late.p99,
      median: ours.lag.late.p99,
      budget: { above: 20 },
      note: [
        `  late ${shares(ours.lag.late)}, of which its own work ${shares(ours.lag.busy)}`,
        `  idle beside the same writers: late ${shares(floor.lag.late)}`,
        `  ${SHELLS} × ${BYTES / 1e6} MB are complete, on the rows and in the files`,
      ].join("\n"),
    }),
    row("event loop late, most / idle beside the same writers", {
      unit: "ms",
      floor: floor.lag.late.max,
      median: ours.lag.late.max,
      budget: { above: 50 },
    }),
    row("from the first start to the last end / to plain files", {
      unit: "ms",
      floor: floor.spanMs,
      median: ours.spanMs,
      budget: { times: 1.15 },
    }),
    row(`the user's prompt to its answer, worst of ${PINGS}`, {
      unit: "ms",
      floor: 0,
      median: Math.max(...ours.answers),
      budget: { most: 100 },
    }),
    row("peak memory of the program", { unit: "MB", floor: 0, median: ours.peakMb, budget: { most: 160 } }),
    row("its processor time for all of it", { unit: "ms", floor: 0, median: ours.cpuMs, budget: { most: 4000 } }),
  ]
}

function shares({ p50, p99, max }: Shares): string {
  return `p50 ${p50}, p99 ${p99}, most ${max} ms`
}

async function withoutUs(folder: string): Promise<Loud> {
  const lagFile = join(folder, "idle.json")
  const idle = Bun.spawn([bun, join(import.meta.dir, "../loud-shells/idle.ts"), lagFile], {
    stdio: ["pipe", "ignore", "inherit"],
  })
  const started = performance.now()
  const writers = Array.from({ length: SHELLS }, (_, n) =>
    Bun.spawn(["bash", "-c", WRITER], {
      cwd: folder,
      stdio: ["ignore", Bun.file(join(folder, `plain-${n}`)), "inherit"],
    }),
  )
  await Promise.all(writers.map((writer) => writer.exited))
  const spanMs = performance.now() - started
  idle.stdin.end()
  await idle.exited
  return { lag: JSON.parse(readFileSync(lagFile, "utf8")), spanMs }
}

async function withUs(executable: string, folder: string): Promise<Ours> {
  const home = mkdtempSync(join(folder, "home-"))
  const data = join(home, "data")
  mkdirSync(data)
  writeFileSync(join(data, "settings.json"), JSON.stringify({ maxBackgroundShells: SHELLS }))
  await using server = await startModelServer({ check: "off", keep: "summary" })
  server.script = (request) => {
    const ping = /Ping \d+/.exec(request.news.slice(-40))?.[0]
    if (ping) return reply.text(ping.replace("Ping", "Pong"))
    if (request.n > 1) return reply.text("Noted.")
    const start = (n: number) => ({
      name: "Bash",
      input: { command: WRITER, description: `writer ${n}`, run_in_background: true },
    })
    return reply.calls(Array.from({ length: SHELLS }, (_, n) => start(n)))
  }
  const lagFile = join(home, "lag.json")
  const env = { MEANWHILE_LAG_FILE: lagFile, ...server.env("anthropic") }
  const program = Bun.spawn({
    ...streaming([executable], { cwd: folder, home, data, env }),
    stdio: ["pipe", "pipe", "inherit"],
  })
  const said = linesOf<Said>(program.stdout, /^\{"type":"(assistant|result)"/)
  let seen = { peakMb: 0, cpuMs: 0 }
  const watching = setInterval(() => {
    seen = figuresOf(program.pid) ?? seen
  }, 100)
  const prompt = (text: string) => {
    say(program, text)
    return performance.now()
  }
  try {
    prompt("Begin")
    await server.received(2, 60_000)
    const answers: number[] = []
    for (let n = 0; n < PINGS; n++) {
      const at = prompt(`Ping ${n}`)
      await said.next((line) => textOf(line) === `Pong ${n}`)
      answers.push(performance.now() - at)
      await Bun.sleep(500)
    }
    await said.next((line) => line.type === "result")
    program.stdin.end()
    if ((await program.exited) !== 0) throw new Error(`the program ended with ${program.exitCode}`)
    return { lag: JSON.parse(readFileSync(lagFile, "utf8")), spanMs: checkedSpan(data), answers, ...seen }
  } finally {
    clearInterval(watching)
    program.kill("SIGKILL")
    await program.exited
  }
}

/** Throws unless all commands have completed, and all that they wrote is there, on the rows and in the files. */
function checkedSpan(data: string): number {
  using db = new Database(join(data, "meanwhile.db"), { readonly: true })
  const runs = db
    .query<{ state: string; bytes: number; spool: string; started_at: number; ended_at: number }, []>(
      "SELECT * FROM run",
    )
    .all()
  const whole = runs.filter(
    ({ state, bytes, spool }) => state === "completed" && bytes === BYTES && statSync(spool).size === BYTES,
  )
  if (whole.length !== SHELLS) throw new Error(`only ${whole.length} of ${SHELLS} commands and outputs are complete`)
  return Math.max(...runs.map(({ ended_at }) => ended_at)) - Math.min(...runs.map(({ started_at }) => started_at))
}

const TICKS_PER_SECOND = 100

/** Of a process alone, without its children: VmHWM of proc/PID/status, user and system time of proc/PID/stat, proc(5). */
function figuresOf(pid: number): { peakMb: number; cpuMs: number } | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8")
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    const ticks = Number(fields[11]) + Number(fields[12])
    const peakKb = Number(/VmHWM:\s*(\d+)/.exec(status)?.[1])
    return peakKb > 0 ? { peakMb: peakKb / 1024, cpuMs: (1000 * ticks) / TICKS_PER_SECOND } : undefined
  } catch {
    return undefined // it has ended
  }
}
