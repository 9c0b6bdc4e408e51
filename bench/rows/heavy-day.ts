// What a heavy day leaves on the disk: 10,000 steps and 1,000 commands, one of which prints 200 MB.
import { heavyDay } from "../heavy-day/day.ts"
import type { MeasureRows, Row } from "../measure.ts"

const DAY = { sessions: 200, steps: 50, side: 2 }
const MB = 1024 * 1024

export const rows: MeasureRows = async ({ executable, folder }) => {
  const left = await heavyDay([executable], folder, DAY)
  const row = (name: string, median: number, { unit, most }: { unit: Row["unit"]; most: number }): Row => ({
    name: `heavy day (${DAY.sessions * DAY.steps} steps, 1000 commands), ${name}`,
    unit,
    floor: 0,
    median,
    budget: { most },
  })
  const steps = DAY.sessions * DAY.steps
  return [
    row("data folder on the disk", left.all / MB, { unit: "MB", most: 200 }),
    row("what commands wrote", left.output / MB, { unit: "MB", most: 100 }),
    row("database", left.database / MB, { unit: "MB", most: 130 }),
    row("database per turn of 50 steps", left.database / 1024 / DAY.sessions, { unit: "KB", most: 650 }),
    row("database per step", left.database / 1024 / steps, { unit: "KB", most: 13 }),
  ]
}
