// Memory of a command that opens the database and starts other programs, against the same runtime doing nothing.
import { bun, compare, type MeasureRows, peakMb } from "../measure.ts"

export const rows: MeasureRows = async (context) => [
  await compare({
    name: "doctor, peak memory, executable / bun idle",
    unit: "MB",
    budget: { most: 60 },
    rounds: 5,
    floor: () => peakMb([bun, "-e", "await Bun.sleep(50)"], context),
    subject: () => peakMb([context.executable, "doctor"], context),
  }),
]
