// Leaving with work under way, and coming back to it: the program and its launcher under a person's shell.
import { describe, expect, test } from "bun:test"
import { existsSync, readFileSync } from "node:fs"
import { Gate } from "../../../testing/gate.ts"
import { eventually, isAlive } from "../../../testing/harness.ts"
import { reply } from "../../../testing/model-server.ts"
import type { Terminal } from "../../../testing/terminal.ts"
import { oneStored } from "./stored.ts"
import { agent, BEHIND, shell, type Talk, talk, waits } from "./talk.ts"

const START = "meanwhile --allowedTools 'Bash(sh:*)'"

interface AtWork extends Talk {
  readonly gate: Gate
}

/** In a shell: the interface with a command and an agent at work in the background. */
async function atWork(): Promise<AtWork> {
  const gate = new Gate()
  const one = await talk({
    shell: true,
    root: [
      reply.calls([shell("sh build.sh", BEHIND), agent("auth code", "Explore auth.", BEHIND)]),
      reply.text("Both are at work."),
    ],
    after: reply.text("All is picked up."),
    agents: { "Explore auth.": [reply.text("It is in auth.ts.").gate(gate)] },
    files: { "build.sh": `echo $$ > pid; echo building; ${waits()}; echo built > built` },
  })
  await begin(one, "Go")
  await one.terminal.shows("Both are at work.")
  await one.terminal.shows(/1 agent .*1 shell/)
  await one.terminal.shows(() => existsSync(`${one.bench.cwd}/pid`))
  return Object.assign(one, { gate })
}

async function begin(one: Talk, prompt: string, args = ""): Promise<void> {
  one.terminal.type(`${START} ${args}; echo "ended with $?"\n`)
  await one.terminal.shows("? keys")
  one.say(prompt)
}

const back = (terminal: Terminal) => terminal.type(`${START} -c; echo "ended with $?"\n`)

function isPlain(terminal: Terminal): void {
  expect(terminal.isAlternate()).toBe(false)
  expect(terminal.mouseMode().tracking).toBe("none")
  expect(terminal.modes()).toEqual({
    bracketedPaste: false,
    focus: false,
    kitty: 0,
    modifyOtherKeys: 0,
    cursorShown: true,
  })
}

const pidOf = ({ bench }: Talk) => Number(readFileSync(`${bench.cwd}/pid`, "utf8"))
const states = ({ bench }: Talk, kind: string) =>
  oneStored<{ state: string }>(
    bench,
    `SELECT run.state FROM run JOIN task ON task.id = run.task_id WHERE kind = '${kind}'`,
  )?.state

describe("exit with work under way", () => {
  test("k keeps it working, without the terminal; -c shows first what happened meanwhile", async () => {
    await using one = await atWork()
    const { terminal } = one
    terminal.press("ctrl+c", "ctrl+c")
    await terminal.shows("2 tasks still run. What shall become of them?")
    for (const name of ["build.sh", "auth code"]) expect(terminal.text()).toContain(name)
    terminal.press("k")
    await terminal.shows("ended with 0")
    isPlain(terminal)
    expect(terminal.text()).toContain("Both are at work.")
    expect(terminal.text()).toContain("meanwhile --resume")
    expect(await isAlive(pidOf(one))).toBe(true)
    one.go()
    one.gate.open()
    await eventually(
      "both have ended",
      () => states(one, "shell") === "completed" && states(one, "agent") === "completed",
    )
    // The conversation wakes with nobody there.
    await one.bench.stored("SELECT 1 FROM message WHERE content LIKE '%All is picked up.%'")
    expect(existsSync(`${one.bench.cwd}/built`)).toBe(true)
    back(terminal)
    await terminal.shows("While you were away")
    const card = terminal.lines().slice(terminal.find("While you were away")!.y).join("\n")
    expect(card).toMatch(/✓ .*build\.sh/)
    expect(card).toMatch(/✓ .*auth code/)
    expect(card).toMatch(/tok · .*\$/)
    await terminal.shows("All is picked up.")
    // It is there until one goes on talking.
    one.say("Thanks")
    await terminal.hides("While you were away")
  })

  test("Esc stays, s stops everything, and nothing is left running", async () => {
    await using one = await atWork()
    const { terminal } = one
    one.say("/exit")
    await terminal.shows("What shall become of them?")
    terminal.press("esc")
    await terminal.hides("What shall become")
    terminal.type("still here")
    await terminal.shows("› still here")
    terminal.press("ctrl+c", "ctrl+c", "ctrl+c")
    await terminal.shows("What shall become of them?")
    const pid = pidOf(one)
    terminal.press("s")
    await terminal.shows("ended with 0")
    isPlain(terminal)
    await eventually("it is gone", async () => !(await isAlive(pid)))
    expect([states(one, "shell"), states(one, "agent")]).toEqual(["stopped", "stopped"])
    expect(await terminal.processes()).toHaveLength(1)
  })

  test("p pauses: nothing moves until one comes back and resumes it", async () => {
    await using one = await atWork()
    const { terminal } = one
    terminal.press("ctrl+c", "ctrl+c")
    await terminal.shows("What shall become of them?")
    terminal.press("p")
    await terminal.shows("ended with 0")
    isPlain(terminal)
    expect([states(one, "shell"), states(one, "agent")]).toEqual(["paused", "paused"])
    expect(readFileSync(`/proc/${pidOf(one)}/status`, "utf8")).toMatch(/^State:\tT/m)
    one.go()
    one.gate.open()
    back(terminal)
    await terminal.shows("2 paused")
    terminal.press("ctrl+t")
    await terminal.shows("esc back")
    await terminal.shows(/‖ .*auth code/)
    terminal.press("p", "down", "p")
    await terminal.shows(/✓ .*build\.sh/)
    await terminal.shows(/✓ .*auth code/)
    terminal.press("esc")
    await terminal.shows("All is picked up.")
  })

  test("a question whose work ends meanwhile is answered by that, and one is out", async () => {
    await using one = await atWork()
    const { terminal } = one
    terminal.press("ctrl+c", "ctrl+c")
    await terminal.shows("2 tasks still run.")
    one.go()
    await terminal.shows("1 task still runs")
    terminal.press("esc")
    await terminal.shows("? keys")
    one.gate.open()
    await terminal.hides("1 agent")
  })
})

test("nothing under way: exit asks nothing, and leaves the last reply and the way back", async () => {
  await using one = await talk({ shell: true, root: [reply.text("The **last** word.")] })
  const { terminal } = one
  await begin(one, "Speak", "-n 'my talk'")
  await terminal.shows("The last word.")
  one.say("/exit")
  await terminal.shows("ended with 0")
  isPlain(terminal)
  expect(terminal.text()).toContain("The last word.")
  expect(terminal.text()).toContain('meanwhile --resume "my talk"')
})

describe("without being asked", () => {
  test("Ctrl+Z keeps it working and gives the shell its prompt", async () => {
    await using one = await atWork()
    const { terminal } = one
    terminal.type("half a thought")
    await terminal.shows("half a thought")
    terminal.press("ctrl+z")
    await terminal.shows("ended with 0")
    isPlain(terminal)
    one.go()
    one.gate.open()
    await one.bench.stored("SELECT 1 FROM message WHERE content LIKE '%All is picked up.%'")
    expect(states(one, "shell")).toBe("completed")
  })

  test("kill -9 of the program: the launcher gives the screen back, and the work goes on", async () => {
    await using one = await atWork()
    const { terminal, bench } = one
    const pid = oneStored<{ pid: number }>(bench, "SELECT pid FROM lease")!.pid
    process.kill(pid, "SIGKILL")
    await terminal.shows(/ended by SIGKILL\. The work goes on/)
    await terminal.shows("ended with 137")
    isPlain(terminal)
    expect(await isAlive(pidOf(one))).toBe(true)
    one.go()
    one.gate.open()
    await one.bench.stored("SELECT 1 FROM message WHERE content LIKE '%All is picked up.%'")
    back(terminal)
    await terminal.shows("While you were away")
    await terminal.shows(/✓ .*build\.sh/)
    await terminal.shows(/✓ .*auth code/)
  })

  test("a closed window: the same process goes on with the same request", async () => {
    await using one = await atWork()
    const { terminal, bench } = one
    const pid = oneStored<{ pid: number }>(bench, "SELECT pid FROM lease")!.pid
    terminal.hangUp()
    one.go()
    one.gate.open()
    await bench.stored("SELECT 1 FROM message WHERE content LIKE '%All is picked up.%'")
    await eventually("it ends when nothing is left", async () => !(await isAlive(pid)))
    expect(one.server.requests.filter(({ prompt }) => prompt.includes("Explore auth."))).toHaveLength(1)
    await using other = await one.open({ args: ["-c"], shell: false })
    await other.shows("While you were away")
    await other.shows("All is picked up.")
  })

  test("SIGTERM: the screen is given back, and the work waits for the next one", async () => {
    await using one = await atWork()
    const { terminal, bench } = one
    process.kill(oneStored<{ pid: number }>(bench, "SELECT pid FROM lease")!.pid, "SIGTERM")
    await terminal.shows("ended with 143")
    isPlain(terminal)
    one.go()
    one.gate.open()
    back(terminal)
    await terminal.shows("All is picked up.")
  })
})
