// The user's data under bad conditions: a clear error, exit 1, and nothing lost.
import { expect, test } from "bun:test"
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { workbench } from "../../testing/headless.ts"
import { reply, script, startModelServer } from "../../testing/model-server.ts"

const canMount =
  process.getuid?.() === 0 &&
  Bun.spawnSync(["sh", "-c", "d=$(mktemp -d) && mount -t tmpfs none $d && umount $d && rmdir $d"], { stderr: "ignore" })
    .exitCode === 0
if (!canMount) console.warn("SKIPPED: tests of a full and a read-only disk need root and the right to mount a tmpfs")

test("a damaged database is told with what to do, and is not touched", async () => {
  await using bench = workbench()
  mkdirSync(bench.home)
  const path = join(bench.home, "meanwhile.db")
  writeFileSync(path, "this is not a database, whatever its name says")
  for (const args of [["-p", "hello"], ["tasks"], ["sessions"]]) {
    const { exit, stdout, stderr } = await bench.run(args)
    expect([exit, stdout]).toEqual([1, ""])
    expect(stderr).toContain("is damaged")
    expect(stderr).not.toContain("    at ")
  }
  expect(readFileSync(path, "utf8")).toBe("this is not a database, whatever its name says")
})

test("a folder that can't be made is told", async () => {
  await using bench = workbench()
  writeFileSync(bench.home, "a file")
  const { exit, stderr } = await bench.run(["-p", "hello"])
  expect(exit).toBe(1)
  expect(stderr).toContain("MEANWHILE_HOME")
})

test("a relative MEANWHILE_HOME is refused: it would move with every folder", async () => {
  await using bench = workbench()
  const { exit, stderr } = await bench.run(["-p", "hello"], { env: { MEANWHILE_HOME: "data" } })
  expect(exit).not.toBe(0)
  expect(stderr).toContain("absolute")
})

test("files of others' stay closed: the home is the user's alone", async () => {
  await using bench = workbench()
  await bench.run(["-p", "hello"])
  const { stdout } = Bun.spawnSync(["find", bench.home, "-perm", "/077", "-not", "-type", "l"])
  expect(stdout.toString()).toBe("")
})

test.if(canMount)(
  "a full disk ends the call with exit 1; what was stored before goes on once there is room",
  async () => {
    await using server = await startModelServer({
      script: script.inOrder([reply.text("First."), reply.text("Second.")]),
    })
    await using bench = workbench(server)
    mkdirSync(bench.home)
    mounted(bench.home, "size=1m")
    try {
      expect((await bench.run(["-p", "Store this"])).exit).toBe(0)
      // Fill what is left.
      Bun.spawnSync(["sh", "-c", `cat /dev/zero > ${bench.home}/filler`], { stderr: "ignore" })
      const full = await bench.run(["-p", "And this:", "-c"], { stdin: "x".repeat(400_000) })
      expect(full.exit).toBe(1)
      expect(full.stderr).toMatch(/disk .*full/)
      expect(full.stderr).not.toContain("    at ")
      Bun.spawnSync(["rm", join(bench.home, "filler")])
      const again = await bench.run(["-p", "Go on", "-c"])
      expect([again.exit, again.stdout]).toEqual([0, "Second.\n"])
      server.check()
    } finally {
      Bun.spawnSync(["umount", "-l", bench.home])
    }
  },
)

test.if(canMount)("a disk that turned read-only is told", async () => {
  await using bench = workbench()
  mkdirSync(bench.home)
  mounted(bench.home, "size=10m")
  try {
    await bench.run(["-p", "hello"])
    Bun.spawnSync(["mount", "-o", "remount,ro", bench.home])
    const { exit, stderr } = await bench.run(["-p", "hello again"])
    expect(exit).toBe(1)
    expect(stderr).toContain("can't be written")
  } finally {
    Bun.spawnSync(["umount", "-l", bench.home])
  }
})

function mounted(folder: string, options: string): void {
  const { exitCode, stderr } = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", options, "none", folder])
  if (exitCode !== 0) throw new Error(stderr.toString())
  chmodSync(folder, 0o700)
}
