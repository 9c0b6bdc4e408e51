// Bells for those who look at a busy tree.
import { expect, test } from "bun:test"
import { statSync } from "node:fs"
import { join } from "node:path"
import { Bells } from "../../src/store/bells.ts"
import { eventually, temporaryFolder } from "../../testing/harness.ts"

function bell(folder: string): number | undefined {
  return statSync(join(folder, "root.watch"), { throwIfNoEntry: false })?.mtimeMs
}

test("the first ring is heard outside at once, and the last of many is not lost", async () => {
  using folder = temporaryFolder()
  const bells = new Bells(() => folder.path)
  let heard = 0
  bells.ring("watch:root")
  const first = bell(folder.path)
  expect(first).toBeDefined()
  using _ = bells.listen("watch:root", () => heard++)
  const listening = bell(folder.path)
  for (let n = 0; n < 50; n++) bells.ring("watch:root")
  // Inside the process nothing is held back.
  expect(heard).toBe(50)
  expect(bell(folder.path)).toBe(listening)
  await eventually("the file has changed after them", () => bell(folder.path) !== listening)
  bells.close()
})

test("what was rung before the end is heard", () => {
  using folder = temporaryFolder()
  const bells = new Bells(() => folder.path)
  bells.ring("watch:root")
  const first = bell(folder.path)!
  while (Date.now() <= first);
  bells.ring("watch:root")
  expect(bell(folder.path)).toBe(first)
  bells.close()
  expect(bell(folder.path)).toBeGreaterThan(first)
})
