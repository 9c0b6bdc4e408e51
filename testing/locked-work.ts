// A turn with an agent and commands, and a foreign program that has the database for itself meanwhile.
import { Database } from "bun:sqlite"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import type { LagReport } from "../src/runtime/lag.ts"
import { agent, BEHIND, shell } from "./calls.ts"
import { Gate } from "./gate.ts"
import { type Finished, workbench } from "./headless.ts"
import { reply, startModelServer } from "./model-server.ts"

/** A foreign process that has the database for itself until it is told to end. */
export async function lockDatabase(home: string) {
  const program = `
    const { Database } = await import("bun:sqlite")
    const db = new Database(${JSON.stringify(join(home, "meanwhile.db"))})
    db.run("PRAGMA busy_timeout = 5000")
    db.run("BEGIN EXCLUSIVE")
    console.log("locked")
    for await (const _ of process.stdin) break
    db.run("COMMIT")`
  const child = Bun.spawn([process.execPath, "-e", program], { stdin: "pipe", stdout: "pipe", stderr: "inherit" })
  await child.stdout.getReader().read()
  return {
    free: async () => {
      child.stdin.end()
      await child.exited
    },
  }
}

export interface Worked {
  ended: Finished
  /** The lines that its commands wrote into a file. */
  effects: string
  /** Of its five runs. */
  states: string[]
  /** How late its event loop was, and the longest that it stood still while `meanwhile` lasted, in ms. */
  lag: LagReport
  longestMs: number
}

/** `meanwhile` happens when all are at work; `release` lets the model go on. */
export async function workDuring(meanwhile: (home: string, release: () => void) => Promise<void>): Promise<Worked> {
  const held = new Gate()
  await using server = await startModelServer()
  server.script = (request) => {
    const asked = request.messages.filter((message) => message.role === "assistant").length
    if (request.prompt.includes("Be the agent"))
      return asked < 3 ? reply.calls([shell(`echo ${asked} >>effects`)]).gate(held) : reply.text("The agent's report.")
    if (asked === 0)
      return reply.calls([
        agent("a", "Be the agent.", BEHIND),
        shell("for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.1; done", BEHIND),
      ])
    return asked === 1 ? reply.text("I wait.").gate(held) : reply.text("All noted.")
  }
  await using bench = workbench(server)
  const lagFile = join(bench.cwd, "lag.json")
  const started = performance.now()
  const running = bench.start(["-p", "Begin.", "--permission-mode", "bypassPermissions"], {
    env: { MEANWHILE_LAG_FILE: lagFile },
  })
  await server.received(3)
  const begun = performance.now() - started
  await meanwhile(bench.home, () => held.open())
  const over = performance.now() - started
  const ended = await running.finished
  const db = new Database(join(bench.home, "meanwhile.db"), { readonly: true })
  const rows = db.query("SELECT state FROM run").all() as { state: string }[]
  db.close()
  const lag = JSON.parse(readFileSync(lagFile, "utf8")) as LagReport
  // Its clock begins some milliseconds after ours.
  const during = lag.worst.filter(({ at }) => at > begun && at < over)
  return {
    ended,
    effects: readFileSync(join(bench.cwd, "effects"), "utf8"),
    states: rows.map(({ state }) => state),
    lag,
    longestMs: Math.max(0, ...during.map(({ ms }) => ms)),
  }
}
