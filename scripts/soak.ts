// `npm run soak [-- --every N] [--again N] [--rounds N] [--seed N]`: death at every point of the story, by kill and by
// throw, of each N-th of them (`--again`) a second one at each effect of taking over, then 500 rounds of SIGKILL at random
// moments. Half an hour to two hours; `--every` and `--rounds` take a part of it. Ctrl+C ends all that it has started.
import { availableParallelism } from "node:os"
import { parseArgs } from "node:util"
import { abandonAll } from "../testing/crash-home.ts"
import { crashMatrix, describe } from "../testing/crash-matrix.ts"
import { killRound, seeded } from "../testing/kill-loop.ts"

const { values } = parseArgs({
  options: {
    every: { type: "string", default: "1" },
    again: { type: "string", default: "40" },
    rounds: { type: "string", default: "500" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
  },
})
const [every, again, rounds, seed] = [values.every, values.again, values.rounds, values.seed].map(Number) as Numbers
type Numbers = [number, number, number, number]
if (!(every >= 1) || !(again >= 0) || !(rounds >= 0) || !Number.isInteger(seed)) {
  console.error("usage: npm run soak [-- --every N] [--again N] [--rounds N] [--seed N], N a whole number")
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
  ...(again > 0 && { againEvery: again }),
  sideBySide,
  told: (death, found) => {
    if (++deaths % 50 === 0 || found.length > 0) console.log(`${since()}: ${deaths} deaths`)
    if (found.length > 0) console.log(`process ${death.process}, point ${death.point}, ${death.by}: ${found[0]}`)
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
