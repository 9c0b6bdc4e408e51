import { expect, test } from "bun:test"
import { resolve } from "node:path"

import { eventually, processesIn, temporaryFolder } from "../../testing/harness.ts"

const SOAK = resolve(import.meta.dir, "../../scripts/soak.ts")

test("a soak that is given up leaves no process behind, also not those that outlive their hosts", async () => {
  using folder = temporaryFolder()
  const soak = Bun.spawn([process.execPath, SOAK, "--every", "1", "--rounds", "1", "--again", "0"], {
    env: { ...process.env, TMPDIR: folder.path },
    stdio: ["ignore", "pipe", "inherit"],
  })
  // Commands under runners are at work as well.
  await eventually("many are at work", () => processesIn(folder.path).length > 4, 20_000)
  soak.kill("SIGINT")
  expect(await soak.exited).toBe(130)
  expect(processesIn(folder.path)).toEqual([])
}, 40_000)
