// Going on with a conversation of 10,000 messages, against the same runtime doing nothing.
import { realpathSync } from "node:fs"
import { systemClock } from "../../src/base/clock.ts"
import { openStore } from "../../src/store/open.ts"
import { seed, seedSession } from "../../testing/seed.ts"
import { type MeasureRows, median } from "../measure.ts"
import { memoryMb, openBench } from "../terminal/open.ts"

const MESSAGES = 10_000
const ROUNDS = 10
const SAID = `It is **read** from its rows, and \`openStore\` waits for nobody.

- one row for each run, written before it begins
- a doorbell that carries nothing

\`\`\`ts
const row = store.one<SessionRow>("SELECT * FROM session WHERE id = :id", { id })
\`\`\``

export const rows: MeasureRows = async (context) => {
  const shown: number[] = []
  const memory: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    await using bench = await openBench(context, { args: ["--continue"], seed: conversation })
    const { terminal } = bench
    await terminal.shows(`That was answer ${MESSAGES - 1}.`)
    shown.push(performance.now() - terminal.startedAt)
    await terminal.settled(500)
    // To the beginning of what was read, twice: the pages above come.
    terminal.press("pageUp", "pageUp", "pageUp")
    await terminal.settled(200)
    memory.push(memoryMb(terminal.pid))
  }
  return [
    {
      name: "10,000 messages, start to the last one seen",
      unit: "ms",
      floor: 0,
      median: median(shown),
      budget: { most: 400 },
    },
    { name: "10,000 messages, memory", unit: "MB", floor: 0, median: median(memory), budget: { most: 130 } },
  ]
}

async function conversation(data: string, cwd: string): Promise<void> {
  const store = await openStore({ folder: data, clock: systemClock })
  const folder = realpathSync(cwd)
  await store.write((tx) => {
    seedSession(tx, { id: "long", cwd: folder, project: folder, model: "anthropic/claude-sonnet-5-5", created_at: 1 })
    for (let seq = 0; seq < MESSAGES; seq++) {
      const isUser = seq % 2 === 0
      const text = isUser ? `And what is it with number ${seq}?` : `${SAID}\n\nThat was answer ${seq}.`
      seed(tx, "message", {
        id: `message-${seq}`,
        session_id: "long",
        seq,
        role: isUser ? "user" : "assistant",
        ...(isUser && { origin: "human" }),
        content: JSON.stringify([{ type: "text", text }]),
        turn_id: `turn-${seq >> 1}`,
        created_at: 1_700_000_000_000 + seq * 1000,
      })
    }
  })
  store.close()
}
