// Death at numbered points of the story, one after the other: which of them, how many side by side, and what differed.
import { type Death, differences, type Told, tellStory } from "./crash.ts"

export interface Matrix {
  /** Each n-th point; 1: all. */
  every: number
  /** Where to begin with that: another slice each time. */
  offset?: number
  by: readonly Death["by"][]
  /** These deaths instead of those that the rest chooses. */
  only?: readonly Death[]
  /** Only points like this. */
  where?: ((label: string, process: 1 | 2) => boolean) | undefined
  /** Of each n-th of these deaths, the process that goes on dies as well, at each effect of its taking over. */
  againEvery?: number
  /** At each n-th effect only. */
  againStep?: number
  sideBySide: number
  /** Called after each death. */
  told?: (death: Death, found: string[]) => void
}

export interface Outcome {
  /** Points that the undisturbed story has. */
  points: number
  deaths: number
  /** Of the process that went on, as well. */
  secondDeaths: number
  failures: { death: Death; label: string; found: string[] }[]
}

/** Taking over is done by then, and what follows dies in the matrix itself. */
const RECOVERY_POINTS = 30

export async function crashMatrix(matrix: Matrix): Promise<Outcome> {
  const { every, offset = 0, by, where, againEvery, againStep = 1, only, sideBySide, told } = matrix
  const undisturbed = await tellStory()
  if (undisturbed.problems.length > 0) throw new Error(`nobody died, and yet: ${undisturbed.problems.join("; ")}`)
  const deaths = only ?? deathsIn(undisturbed, { by, where }).filter((_, i) => i % every === offset % every)
  const points = undisturbed.points.flat().length
  const outcome: Outcome = { points, deaths: deaths.length, secondDeaths: 0, failures: [] }
  const next = deaths.entries()
  const die = async (death: Death) => {
    const story = await tellStory(death)
    const found = differences(story, undisturbed)
    const label = story.points[death.process - 1]?.[death.point - 1] ?? "(it ended before that)"
    if (found.length > 0) outcome.failures.push({ death, label, found })
    told?.(death, found)
    return story.recovery.length
  }
  const work = async () => {
    for (const [n, death] of next) {
      const recovery = await die(death)
      if (againEvery === undefined || n % againEvery !== 0) continue
      for (let again = 1; again <= Math.min(recovery, RECOVERY_POINTS); again += againStep) {
        outcome.secondDeaths++
        await die({ ...death, again })
      }
    }
  }
  await Promise.all(Array.from({ length: sideBySide }, work))
  return outcome
}

function deathsIn({ points }: Told, { by, where = () => true }: Pick<Matrix, "by" | "where">): Death[] {
  return by.flatMap((how) =>
    ([1, 2] as const).flatMap((process) =>
      points[process - 1]!.flatMap((label, k) =>
        where(label, process) ? [{ process, point: k + 1, by: how } satisfies Death] : [],
      ),
    ),
  )
}

export function describe({ death, label, found }: Outcome["failures"][number]): string {
  const again = death.again ? `, and again at ${death.again}` : ""
  return `process ${death.process}, ${death.by} at ${label}${again}\n${found.map((line) => `    ${line.slice(0, 400)}`).join("\n")}`
}
