// What the tests of exec/ share: shells in a folder of their own, and a look at the end that nothing of them is left.
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { systemClock } from "../../src/base/clock.ts"
import { childEnvironment } from "../../src/exec/env.ts"
import { operatingSystem } from "../../src/exec/os.ts"
import { type PreparedShell, prepareShell, type ShellSpec } from "../../src/exec/runner.ts"
import { type StopResult, stopTree } from "../../src/exec/stop.ts"

export interface StartedShell extends PreparedShell {
  spec: ShellSpec
  output(): string
  stop(graceMs?: number): Promise<StopResult>
}

export class Shells implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "exec-"))
  readonly #prefix = `test-${process.pid}-${crypto.randomUUID()}`
  readonly #started: StartedShell[] = []

  spec(command: string, more: Partial<ShellSpec> = {}): ShellSpec {
    const mark = `${this.#prefix}-${this.#started.length}`
    const file = join(this.folder, `run-${this.#started.length}`)
    const env = childEnvironment({ inherited: process.env }, { mark, forPerson: false })
    return { command, cwd: this.folder, env, spool: `${file}.out`, exitFile: `${file}.exit`, mark, ...more }
  }

  async prepare(command: string, more: Partial<ShellSpec> = {}): Promise<StartedShell> {
    const spec = this.spec(command, more)
    const shell = await prepareShell(spec)
    const target = { pid: shell.pid, pidStarted: shell.pidStarted, mark: spec.mark, spool: spec.spool }
    const started = {
      ...shell,
      spec,
      output: () => readFileSync(spec.spool, "utf8"),
      stop: (graceMs = 5000) => stopTree({ ...target, pgid: shell.commandGroup(), graceMs }),
    }
    this.#started.push(started)
    return started
  }

  async start(command: string, more: Partial<ShellSpec> = {}): Promise<StartedShell> {
    const shell = await this.prepare(command, more)
    shell.go()
    return shell
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const shell of this.#started) await shell.stop(0)
    rmSync(this.folder, { recursive: true })
  }
}

/** Polls until the look gives something; fails after twenty seconds. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const deadline = Date.now() + 20_000
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (Date.now() > deadline) throw new Error(`waited twenty seconds for: ${what}`)
    await systemClock.sleep(5)
  }
}

/** The number on the line `NAME=number` of the shell's output, once it is there. */
export async function pidFrom(shell: StartedShell, name: string): Promise<number> {
  const pattern = new RegExp(`^${name}=(\\d+)$`, "m")
  return await until(`${name} in the output`, () => {
    const found = pattern.exec(shell.output())?.[1]
    return found === undefined ? undefined : Number(found)
  })
}

export async function isAlive(pid: number): Promise<boolean> {
  return (await operatingSystem.startTime(pid)) !== undefined
}
