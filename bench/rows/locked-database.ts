// Another program has the database for itself for three seconds, while an agent and commands are at work: how long the
// event loop stands still at the most. Floor: the same work without a lock.
import { lockDatabase, workDuring } from "../../testing/locked-work.ts"
import type { MeasureRows } from "../measure.ts"

const LOCKED_MS = 3_000

export const rows: MeasureRows = async () => {
  const floor = await workDuring(async (_home, release) => {
    release()
    await Bun.sleep(LOCKED_MS)
  })
  const { longestMs, states } = await workDuring(async (home, release) => {
    const { free } = await lockDatabase(home)
    release()
    await Bun.sleep(LOCKED_MS)
    await free()
  })
  if (states.some((state) => state !== "completed")) throw new Error(`not all was stored: ${states.join(", ")}`)
  return [
    {
      name: "database locked for 3 s, event loop stands still at most / without a lock",
      unit: "ms",
      floor: floor.longestMs,
      median: longestMs,
      budget: { most: 20 },
    },
  ]
}
