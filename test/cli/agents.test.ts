// `meanwhile agents validate PATH…`: files and folders, wherever they are.
import { expect, test } from "bun:test"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { workbench } from "../../testing/headless.ts"

const GOOD = "---\nname: good\ndescription: Does things\npermissionMode: bypassPermissions\n---\nDo it.\n"
const SLOPPY = "---\nname: sloppy\ndescription: Does things\nmaxTurns: many\n---\nDo it.\n"
const BROKEN = "---\nname: broken\ndescription: Does things\ntools:\n  - 7\n---\nDo it.\n"

test("files and folders are checked, with the place of each fault; only a fatal one fails", async () => {
  await using bench = workbench()
  mkdirSync(join(bench.cwd, "more/deep"), { recursive: true })
  writeFileSync(join(bench.cwd, "good.md"), GOOD)
  writeFileSync(join(bench.cwd, "sloppy.md"), SLOPPY)
  writeFileSync(join(bench.cwd, "more/deep/broken.md"), BROKEN)

  expect(await bench.run(["agents", "validate", "good.md"])).toMatchObject({
    exit: 0,
    stdout: "1 agent, no problems\n",
  })
  const sloppy = await bench.run(["agents", "validate", "good.md", "sloppy.md"])
  expect(sloppy.exit).toBe(0)
  expect(sloppy.stdout).toMatch(/^! \S*\/sloppy\.md:4: maxTurns: .*\n2 agents, 1 problem\n$/)
  const broken = await bench.run(["agents", "validate", "more"])
  expect(broken.exit).toBe(1)
  expect(broken.stdout).toMatch(/^✗ \S*\/more\/deep\/broken\.md:4: tools: .*\n0 agents, 1 problem\n$/)
  expect((await bench.run(["agents", "validate", "."])).stdout).toContain("2 agents, 2 problems")
})

test("a path that does not exist, or holds something else, is a fault and no crash", async () => {
  await using bench = workbench()
  writeFileSync(join(bench.cwd, "picture.md"), new Uint8Array([0xff, 0xd8, 0x00]))
  for (const [path, said] of [
    ["nowhere.md", "does not exist"],
    ["/dev/null", "is not a regular file"],
    ["picture.md", "is not text"],
  ] as const) {
    const { exit, stdout, stderr } = await bench.run(["agents", "validate", path])
    expect({ path, exit, stderr }).toEqual({ path, exit: 1, stderr: "" })
    expect(stdout).toContain(said)
  }
})
