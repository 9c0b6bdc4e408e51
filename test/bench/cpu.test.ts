// The share of a core: a busy process is told from an idle one.
import { expect, test } from "bun:test"
import { cpuShare } from "../../bench/cpu.ts"

test.skipIf(process.platform !== "linux")("a busy process is told from one that sleeps", async () => {
  const busy = Bun.spawn(["sh", "-c", "while :; do :; done"])
  const idle = Bun.spawn(["sleep", "60"])
  try {
    const [busyShare, idleShare] = await Promise.all(
      [busy, idle].map((child) => cpuShare([child.pid], () => Bun.sleep(500))),
    )
    expect(idleShare).toBe(0)
    // The machine may be loaded: it has at least some of its core.
    expect(busyShare).toBeGreaterThan(0.05)
    expect(busyShare).toBeLessThan(1.2)
  } finally {
    for (const child of [busy, idle]) child.kill("SIGKILL")
  }
})
