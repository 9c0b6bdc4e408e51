// The kill ladder: SIGTERM to a command and everything that came from it, a grace period, SIGKILL, and a look whether
// all are gone. What it cannot find: a process that left the group and the session, lost its parent, wiped its
// environment and writes elsewhere.
import { type Clock, systemClock } from "../base/clock.ts"
import { operatingSystem, type Process } from "./os.ts"

export interface StopTarget {
  /** The runner, by pid and start time as recorded. It is never signalled while something of its command lives. */
  pid: number
  pidStarted: string
  /** The command's group; without it the tree is found by the other ways alone. */
  pgid?: number | null | undefined
  /** The run's id, as in the environment of its processes. */
  mark: string
  spool: string
  /** From SIGTERM to SIGKILL. */
  graceMs?: number
  clock?: Clock
}

export interface StopResult {
  /** Whether everything is gone. */
  stopped: boolean
  /** Pids of what could not be killed: another user's, or stuck in the kernel. */
  survivors: number[]
}

const GRACE_MS = 5000
/** How long to go on killing what keeps appearing, and to wait for what is dying. */
const KILL_MS = 3000
/** How long a runner may take to write its last line when nothing else is left. */
const RUNNER_MS = 1000
const LONGEST_PAUSE_MS = 50

/** Returns as soon as all are gone. A tree that is gone already is stopped. */
export async function stopTree(target: StopTarget): Promise<StopResult> {
  const { clock = systemClock, graceMs = GRACE_MS } = target
  const killAt = clock.monotonic() + graceMs
  const seen = new Map<number, string>()
  const asked = new Set<string>()
  let idleSince: number | undefined
  for (let pause = 2; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    const now = clock.monotonic()
    const killing = now >= killAt
    const { tree, runner, group } = await find(target, { seen, always: asked.size === 0 || killing })
    if (tree.length > 0) {
      idleSince = undefined
      if (now >= killAt + KILL_MS) return { stopped: false, survivors: tree.map(({ pid }) => pid) }
      if (killing) signalAll(tree, group, ["SIGKILL"])
      // Whoever appears while those who were asked still end may be their cleaning up: asked only when they are gone.
      if (!killing && !tree.some((process) => asked.has(nameOf(process)))) {
        // SIGCONT, because a stopped process would not notice that it is asked to end.
        signalAll(tree, group, ["SIGTERM", "SIGCONT"])
        for (const process of tree) asked.add(nameOf(process))
      }
    }
    if (tree.length === 0) {
      if (!runner) return { stopped: true, survivors: [] }
      idleSince ??= now
      if (now >= idleSince + RUNNER_MS) signal(runner.pid, "SIGKILL")
      if (now >= idleSince + RUNNER_MS + KILL_MS) return { stopped: false, survivors: [runner.pid] }
    }
    await clock.sleep(pause)
  }
}

/**
 * Whether a process of a command's group is alive; a zombie is not. Such a group is in the session that its runner leads:
 * one that got the same number after a reboot, or since, is somebody else's.
 */
export async function groupIsAlive(pgid: number, runner?: Runner): Promise<boolean> {
  return (await liveMember(pgid, runner)) !== undefined
}

/** As `groupIsAlive`, to be asked again and again: as long as the one lives who did the last time, no others are looked at. */
export function groupWatch(pgid: number, runner: Runner): () => Promise<boolean> {
  let member: Process | undefined
  return async () => {
    const now = member && (await operatingSystem.process(member.pid))
    if (now?.started === member?.started && now?.group === pgid) return true
    member = await liveMember(pgid, runner)
    return member !== undefined
  }
}

type Runner = Pick<StopTarget, "pid" | "pidStarted">

async function liveMember(pgid: number, runner: Runner | undefined): Promise<Process | undefined> {
  if (!(pgid > 1) || !exists(-pgid)) return undefined
  const all = await operatingSystem.processes()
  if (runner && all.some(({ pid, started }) => pid === runner.pid && started !== runner.pidStarted)) return undefined
  return all.find(({ group, session }) => group === pgid && (!runner || session === 0 || session === runner.pid))
}

interface Found {
  /** What came from the command and lives. */
  tree: Process[]
  runner: Process | undefined
  /** The command's group when some of the tree are in it: it can be signalled as a whole. */
  group: number | undefined
}

/**
 * By group, session and parent chain every time; by environment and open spool, which costs more, when `always` is set
 * or nothing else is left. `seen` remembers what was found before, so that children of the orphaned are found too.
 */
async function find(
  target: StopTarget,
  { seen, always }: { seen: Map<number, string>; always: boolean },
): Promise<Found> {
  const all = await operatingSystem.processes()
  const holder = all.find(({ pid }) => pid === target.pid)
  const runner = holder?.started === target.pidStarted ? holder : undefined
  // The runner's pid now belongs to somebody else: then nothing may be concluded from it, nor from the group's number.
  const reused = holder !== undefined && runner === undefined
  // Signals to "groups" 0 and 1 would go to ourselves and to everybody.
  const pgid = target.pgid && target.pgid > 1 ? target.pgid : undefined
  const tree = new Map<number, Process>()
  const add = (process: Process) => {
    const ours = process.pid <= 1 || process.pid === globalThis.process.pid
    const runners = runner !== undefined && process.group === runner.pid
    if (!ours && !runners) tree.set(process.pid, process)
  }
  for (const process of all) {
    if (seen.get(process.pid) === process.started) add(process)
    if (reused) continue
    // A group lies within one session, which the runner leads: a group with the same number elsewhere is not ours.
    const inSession = process.session === 0 ? undefined : process.session === target.pid
    if (process.group === pgid && inSession !== false) add(process)
    if (inSession || (runner && process.parent === runner.pid)) add(process)
  }
  addDescendants(tree, { all, add })
  if (always || tree.size === 0) {
    const pids = all.map(({ pid }) => pid)
    const marked = await operatingSystem.marked(pids, target.mark)
    const others = new Set([...marked, ...(await operatingSystem.writers(pids, target.spool))])
    for (const process of all) if (others.has(process.pid)) add(process)
    addDescendants(tree, { all, add })
  }
  for (const { pid, started } of tree.values()) seen.set(pid, started)
  const group = [...tree.values()].find((process) => process.group === pgid)?.group
  const protects = all.some((process) => process.group === group && !tree.has(process.pid))
  return { tree: [...tree.values()], runner, group: protects ? undefined : group }
}

function addDescendants(
  tree: ReadonlyMap<number, Process>,
  { all, add }: { all: Process[]; add(process: Process): void },
): void {
  for (let size = -1; size !== tree.size; ) {
    size = tree.size
    for (const process of all) if (!tree.has(process.pid) && tree.has(process.parent)) add(process)
  }
}

/** The group at once, so that nobody can fork away in between; each of the others by its pid. */
function signalAll(tree: readonly Process[], group: number | undefined, signals: readonly NodeJS.Signals[]): void {
  const outside = tree.filter((process) => process.group !== group)
  for (const name of signals) {
    if (group !== undefined) signal(-group, name)
    for (const { pid } of outside) signal(pid, name)
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    // It has ended, or is another user's: the next look tells.
    if (!isRefusal(error)) throw error
  }
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    if (isRefusal(error)) return (error as NodeJS.ErrnoException).code === "EPERM"
    throw error
  }
}

function isRefusal(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined
  return code === "ESRCH" || code === "EPERM"
}

function nameOf({ pid, started }: Process): string {
  return `${pid} ${started}`
}
