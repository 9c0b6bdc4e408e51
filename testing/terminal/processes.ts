// Ends all that was started in a terminal: its session, the descendants of its first process, and those that carry its
// mark in their environment, such as a host that went on without the terminal.
import { readFileSync } from "node:fs"
import { operatingSystem, type Process } from "../../src/exec/os.ts"

/** A variable with the terminal's own id. Its name is not one that the program keeps from its children. */
export const TERMINAL_MARK = "TERMINAL_UNDER_TEST"

/** The terminal whose processes are meant. Without `leader` that one has ended, and its pid may be somebody else's. */
export interface Owner {
  leader: number | undefined
  mark: string
}

export async function processesOf(owner: Owner): Promise<number[]> {
  return [...(await find(owner))]
}

export async function endProcesses(owner: Owner): Promise<void> {
  const end = performance.now() + 5000
  // Who is dying has no environment any more by which it could be found.
  const killed = new Set<string>()
  // Again until none is left: one may just have started another.
  for (let left = await find(owner, killed); left.size > 0; left = await find(owner, killed)) {
    if (performance.now() > end) throw new Error(`processes of a terminal that do not end: ${[...left].join(", ")}`)
    for (const pid of left) kill(pid)
    await Bun.sleep(2)
  }
}

/** Their pids. `known`: names of those that belong to it whatever they look like now; those that are found are added. */
async function find(owner: Owner, known = new Set<string>()): Promise<ReadonlySet<number>> {
  const all = await operatingSystem.processes()
  const nameOf = ({ pid, started }: Process) => `${pid} ${started}`
  const ours = new Set(all.filter((one) => known.has(nameOf(one)) || isOf(one, owner)).map((one) => one.pid))
  for (let before = -1; before !== ours.size; ) {
    before = ours.size
    for (const one of all) if (ours.has(one.parent)) ours.add(one.pid)
  }
  for (const one of all) if (ours.has(one.pid)) known.add(nameOf(one))
  return ours
}

function isOf({ pid, session }: Process, { leader, mark }: Owner): boolean {
  if (leader !== undefined && (pid === leader || session === leader)) return true
  try {
    return `\0${readFileSync(`/proc/${pid}/environ`, "latin1")}`.includes(`\0${TERMINAL_MARK}=${mark}\0`)
  } catch {
    return false // ended, or another user's; macOS has no such file
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL")
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error
  }
}
