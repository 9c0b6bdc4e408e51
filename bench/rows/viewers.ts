// A session that one process drives, seen and steered from another one: how soon what a person does there has an effect,
// and how soon the answer that streams in is seen there. The viewer is this process, the host is the program.
import { mkdtempSync } from "node:fs"
import { join } from "node:path"
import { systemClock } from "../../src/base/clock.ts"
import { randomIds } from "../../src/base/ids.ts"
import { createViewer, type Viewer } from "../../src/session/viewer.ts"
import { openStore } from "../../src/store/open.ts"
import type { Store } from "../../src/store/store.ts"
import { Gate } from "../../testing/gate.ts"
import { type ModelServer, reply, startModelServer } from "../../testing/model-server.ts"
import { type MeasureRows, percentile, type Row } from "../measure.ts"
import { say, streaming } from "../streaming.ts"

const TRIES = 120
/** Between two tries, so that each finds the host asleep. */
const PAUSE_MS = 20

export const rows: MeasureRows = async ({ executable, folder: parent }) => {
  const folder = mkdtempSync(join(parent, "viewers-"))
  const data = join(folder, "data")
  const gates = Array.from({ length: TRIES }, () => new Gate())
  await using server = await startModelServer({ check: "off", keep: "summary" })
  server.script = (request) => {
    if (request.news.includes("Stream"))
      return reply.parts(
        gates.flatMap((gate, n) => [
          { type: "gate", gate },
          { type: "text", text: `${n};` },
        ]),
      )
    if (request.n > 1) return reply.text("Noted.")
    return reply.calls([{ name: "Bash", input: { command: "exec sleep 120", run_in_background: true } }])
  }
  const program = Bun.spawn({
    ...streaming([executable], { cwd: folder, home: folder, data, env: server.env("anthropic") }),
    stdio: ["pipe", "ignore", "inherit"],
  })
  try {
    say(program, "Begin")
    await server.received(2)
    const store = await openStore({ folder: data, clock: systemClock })
    try {
      return await measured({ store, server, gates })
    } finally {
      store.close()
    }
  } finally {
    program.stdin.end()
    // Without an end when something above has failed: its task is alive.
    await Promise.race([program.exited, Bun.sleep(5000)])
    program.kill("SIGKILL")
    await program.exited
  }
}

interface Watching {
  store: Store
  server: ModelServer
  gates: readonly Gate[]
}

async function measured({ store, server, gates }: Watching): Promise<Row[]> {
  const { id: rootId } = store.one<{ id: string }>("SELECT id FROM session WHERE parent_id IS NULL")!
  const { id: taskId } = store.one<{ id: string }>("SELECT id FROM task")!
  const viewer = createViewer({ store, clock: systemClock, ids: randomIds }, rootId)
  const row = (name: string, samples: number[], most: number): Row => ({
    name: `another process, ${name}, p99`,
    unit: "ms",
    floor: 0,
    median: percentile(samples, 0.99),
    budget: { most },
    note: `  p50 ${percentile(samples, 0.5).toFixed(1)}, p99 ${percentile(samples, 0.99).toFixed(1)}, most ${Math.max(...samples).toFixed(1)} ms of ${samples.length}`,
  })
  const controls = await controlled({ store, viewer, taskId })
  const prompts: number[] = []
  for (let n = 0; n < TRIES; n++) {
    await Bun.sleep(PAUSE_MS)
    const { length } = server.requests
    const from = performance.now()
    await viewer.prompt([{ type: "text", text: `Prompt ${n}` }])
    await server.received(length + 1)
    prompts.push(performance.now() - from)
  }
  const texts = await streamed({ viewer, gates })
  await viewer.control({ action: "stop_task", taskId })
  return [
    row("a control to its effect seen", controls, 50),
    row("a prompt to its request", prompts, 50),
    row("a piece of an answer to its text seen", texts, 100),
  ]
}

/** Pauses a task and lets it go on, until that is seen on its row. */
async function controlled(of: { store: Store; viewer: Viewer; taskId: string }): Promise<number[]> {
  const { store, viewer, taskId } = of
  const samples: number[] = []
  let seen = () => {}
  using _ = viewer.listen(() => seen())
  for (let n = 0; n < TRIES; n++) {
    const [action, state] = n % 2 === 0 ? (["pause_task", "paused"] as const) : (["resume_task", "running"] as const)
    await Bun.sleep(PAUSE_MS)
    const from = performance.now()
    const { promise, resolve } = Promise.withResolvers<void>()
    seen = () => {
      if (store.one("SELECT 1 FROM run WHERE task_id = :taskId AND state = :state", { taskId, state })) resolve()
    }
    await viewer.control({ action, taskId })
    seen()
    await promise
    samples.push(performance.now() - from)
  }
  return samples
}

async function streamed({ viewer, gates }: { viewer: Viewer; gates: readonly Gate[] }): Promise<number[]> {
  const samples: number[] = []
  const sent: number[] = []
  const over = new AbortController()
  let text = ""
  let seen = () => {}
  const following = (async () => {
    for await (const _ of viewer.follow({ since: Number.MAX_SAFE_INTEGER, signal: over.signal })) {
      const parts = viewer.drafts().flatMap((news) => news.parts)
      text += parts.map((part) => ("text" in part ? part.text : "")).join("")
      const at = performance.now()
      for (let n = samples.length; n < sent.length && text.includes(`${n};`); n++) samples.push(at - sent[n]!)
      seen()
    }
  })()
  await viewer.prompt([{ type: "text", text: "Stream" }])
  for (const [n, gate] of gates.entries()) {
    await gate.reached()
    await Bun.sleep(PAUSE_MS)
    sent.push(performance.now())
    const { promise, resolve } = Promise.withResolvers<void>()
    seen = () => void (samples.length > n && resolve())
    gate.open()
    // The last one's draft goes with the end of the answer.
    if (n < gates.length - 1) await promise
  }
  over.abort()
  await following
  return samples
}
