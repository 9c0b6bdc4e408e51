// Starting: what a person waits for before anything else, against the barest start of the same runtime.
import { join } from "node:path"
import { type Budget, bun, compare, type MeasureRows, root, spawnMs } from "../measure.ts"

export const rows: MeasureRows = async (context) => {
  const floor = () => spawnMs([bun, "-e", "0"], context)
  const start = (name: string, command: string[], budget: Budget) =>
    compare({ name, unit: "ms", budget, rounds: 50, floor, subject: () => spawnMs(command, context) })
  return [
    await start("--version, executable / bun -e 0", [context.executable, "--version"], { times: 2 }),
    await start("--version, launcher and sources / bun -e 0", [join(root, "bin/meanwhile"), "--version"], { times: 3 }),
    await start("--help, executable / bun -e 0", [context.executable, "--help"], { times: 4 }),
  ]
}
