// Slices of what `npm run soak` does in full. CRASH_EVERY and KILL_ROUNDS take a bigger one.
import { expect, test } from "bun:test"
import { crashMatrix, describe } from "../../testing/crash-matrix.ts"
import { killRound, seeded } from "../../testing/kill-loop.ts"

const EVERY = Number(process.env.CRASH_EVERY ?? 100)
const ROUNDS = Number(process.env.KILL_ROUNDS ?? 4)
/** Of each n-th death a second one, at each 8th effect of taking over. */
const AGAIN = Number(process.env.CRASH_AGAIN ?? 6)
/** Another part of it each day, the same one all day long. */
const SEED = Number(process.env.CRASH_SEED ?? Math.floor(Date.now() / 86_400_000))

test(
  `the story goes on after death at each ${EVERY}th point (seed ${SEED})`,
  async () => {
    const matrix = await crashMatrix({
      every: EVERY,
      offset: SEED,
      by: ["kill", "throw"],
      againEvery: AGAIN,
      againStep: 8,
      sideBySide: 2,
    })
    console.log(`crash matrix: ${matrix.points} points, ${matrix.deaths} deaths, ${matrix.secondDeaths} second deaths`)
    expect(matrix.points).toBeGreaterThan(450)
    expect(matrix.secondDeaths).toBeGreaterThan(0)
    expect(matrix.failures.map(describe)).toEqual([])
  },
  20 * 60_000,
)

test(
  "a prompt that came during a step's calls, and a message that was being sent, are delivered once after death",
  async () => {
    const matrix = await crashMatrix({
      every: 1,
      by: ["kill"],
      where: (label, process) =>
        process === 1
          ? label.includes("the commit of: UPDATE step SET state = 'done'")
          : /the commit of: (INSERT INTO run|UPDATE tool_call SET state = 'running')/.test(label),
      sideBySide: 2,
    })
    expect(matrix.deaths).toBeGreaterThan(4)
    expect(matrix.failures.map(describe)).toEqual([])
  },
  5 * 60_000,
)

test(
  `nothing is lost, doubled or left in ${ROUNDS} rounds of kill -9 (seed ${SEED})`,
  async () => {
    const random = seeded(SEED)
    for (let round = 0; round < ROUNDS; round++) expect(await killRound(random)).toEqual([])
  },
  20 * 60_000,
)
