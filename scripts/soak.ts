// `npm run soak [-- --every N] [--again N] [--rounds N] [--seed N]`: death at every point of the story, by kill and by
// throw, of each N-th of them (`--again`) a second one at each effect of taking over, then 500 rounds of SIGKILL at random
// moments. One to two hours; `--every` and `--rounds` take a part of it, and `--only PROCESS:POINT:BY[:AGAIN]`, as often
// as wanted, is one death as the report of another soak names it. Ctrl+C ends all that it has started.
import { availableParallelism } from "node:os"
import { parseArgs } from "node:util"
import type { Death } from "../testing/crash.ts"
import { abandonAll } from "../testing/crash-home.ts"
import { crashMatrix, describe } from "../testing/crash-matrix.ts"
import { killRound, seeded } from "../testing/kill-loop.ts"

const { values } = parseArgs({
  options: {
    every: { type: "string", default: "1" },
    again: { type: "string", default: "40" },
    rounds: { type: "string" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    only: { type: "string", multiple: true },
  },
})
const rounded = values.rounds ?? (values.only ? "0" : "500")
const [every, again, rounds, seed] = [values.every, values.again, rounded, values.seed].map(Number) as Numbers
type Numbers = [number, number, number, number]
const only = values.only?.map(deathNamed)
if (!(every >= 1) || !(again >= 0) || !(rounds >= 0) || !Number.isInteger(seed) || only?.includes(undefined)) {
  console.error(
    "usage: npm run soak [-- --every N] [--again N] [--rounds N] [--seed N] [--only 1:60:kill[:15]]..., N a whole number",
  )
  process.exit(2)
}
// Programs that outlive their hosts are what is tested here, so nothing ends by itself when this is given up.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.once(signal, async () => {
    console.log("given up; ending what was started")
    await abandonAll()
    process.exit(130)
  })
const sideBySide = Math.max(2, availableParallelism())
const started = performance.now()
const since = () => `${Math.round((performance.now() - started) / 1000)} s`
console.log(`seed ${seed}, ${sideBySide} side by side`)

let deaths = 0
const matrix = await crashMatrix({
  every,
  offset: seed,
  by: ["kill", "throw"],
  ...(again > 0 && !only && { againEvery: again }),
  ...(only && { only: only.filter((death) => death !== undefined) }),
  sideBySide,
  told: (death, found) => {
    if (++deaths % 50 === 0 || found.length > 0) console.log(`${since()}: ${deaths} deaths`)
    if (found.length > 0) console.log(`--only ${nameOf(death)}: ${found[0]}`)
  },
})
for (const failure of matrix.failures) console.log(describe(failure))
console.log(
  `crash matrix: ${matrix.points} points, ${matrix.deaths} deaths, ${matrix.secondDeaths} second deaths, ${matrix.failures.length} failed (${since()})`,
)

const random = seeded(seed)
let [round, wrong] = [0, 0]
const killing = async () => {
  while (round < rounds) {
    const n = ++round
    const found = await killRound(random)
    if (found.length > 0) wrong++
    for (const line of found) console.log(`round ${n}: ${line}`)
    if (n % 50 === 0) console.log(`${since()}: ${n} rounds`)
  }
}
await Promise.all(Array.from({ length: sideBySide }, killing))
console.log(`kill loop: ${rounds} rounds, ${wrong} failed (${since()})`)
process.exit(matrix.failures.length + wrong > 0 ? 1 : 0)

function deathNamed(name: string): Death | undefined {
  const [process, point, by, again] = name.split(":")
  const numbers = [process, point, ...(again ? [again] : [])].map(Number)
  if (!numbers.every((n) => Number.isInteger(n) && n > 0)) return undefined
  if ((process !== "1" && process !== "2") || (by !== "kill" && by !== "throw")) return undefined
  return { process: process === "1" ? 1 : 2, point: Number(point), by, ...(again && { again: Number(again) }) }
}

function nameOf({ process, point, by, again }: Death): string {
  return [process, point, by, ...(again ? [again] : [])].join(":")
}
