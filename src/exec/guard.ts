// A guard for a command that may outlive us: when no host is there to look, it stops the command before its output fills
// the disk. A small bash of its own, so that a short command, which gets none, does not pay for it.
import type { Clock } from "../base/clock.ts"
import { type DetachedProcess, spawnDetached } from "../runtime/spawn.ts"
import { readExitFile } from "./exit-file.ts"
import { findProgram } from "./find-program.ts"

/**
 * Arguments: the command's group, its spool, its exit file, and the limit in KiB of disk space, so that what a host has
 * cut out of the spool does not count. Its input ends when the host goes;
 * until then it only looks now and then whether the group is still there. (A `read` that took long was no end of input:
 * in bash 3.2, macOS's, both give 1.) Written into the exit file: `guard PID` at its start, so that the guard of an
 * earlier host goes when a later one has its own, and a line `limit` when it has to stop the command.
 */
const GUARD_SCRIPT = `
trap '' HUP
unset TMOUT
echo "guard $$" >>"$3"
is_newest() {
  local word value newest
  while read -r word value; do
    [ "$word" = guard ] && newest=$value
  done <"$3"
  [ "$newest" = "$$" ]
}
while SECONDS=0; ! read -r -t 5 word && [ "$SECONDS" -ge 4 ]; do
  kill -0 -- "-$1" || exit
done
while kill -0 -- "-$1" && is_newest "$@"; do
  used=$(du -k -- "$2")
  if [ "$((\${used%%[!0-9]*} + 0))" -gt "$4" ]; then
    echo limit >>"$3"
    kill -TERM -- "-$1"
    sleep 5
    kill -KILL -- "-$1"
    exit
  fi
  sleep 2
done
`

export interface GuardSpec {
  spool: string
  exitFile: string
  /** Bytes on the disk at which the command is stopped. */
  limit: number
}

/**
 * Has a guard for a command that runs longer than `afterMs`, until it has ended; when children of it live on, until they
 * have.
 */
export async function guardDuring(
  exited: Promise<{ liveChildren: boolean }>,
  { spec, clock, afterMs }: { spec: GuardSpec; clock: Clock; afterMs: number },
): Promise<void> {
  const over = new AbortController()
  const guard = startLater(spec, { clock, afterMs, signal: over.signal })
  const exit = await exited.catch(() => undefined)
  over.abort()
  // Given up watching: the command goes on, and so does its guard.
  if (!exit) return
  const started = await guard
  if (!exit.liveChildren) started?.kill()
  if (exit.liveChildren && !started) start(spec)
}

async function startLater(
  spec: GuardSpec,
  { clock, afterMs, signal }: { clock: Clock; afterMs: number; signal: AbortSignal },
): Promise<DetachedProcess | undefined> {
  const pause = () => clock.sleep(afterMs, signal).catch(() => undefined)
  for (await pause(); !signal.aborted; await pause()) {
    const guard = start(spec)
    if (guard) return guard
  }
  return undefined
}

/** Undefined when it cannot be started now: the command's group is not yet known, or the system is out of processes. */
function start({ spool, exitFile, limit }: GuardSpec): DetachedProcess | undefined {
  const bash = findProgram("bash", process.env.PATH)
  const pgid = readExitFile(exitFile).group
  if (!bash || pgid === undefined) return undefined
  const script = ["-p", "-c", 'eval "$MEANWHILE_GUARD"', "meanwhile-guard"]
  // Nothing of the command's environment: a stop must not take the guard for a part of it.
  const env = { PATH: "/usr/bin:/bin", MEANWHILE_GUARD: GUARD_SCRIPT }
  const kib = String(Math.ceil(limit / 1024))
  try {
    return spawnDetached({ argv: [bash, ...script, String(pgid), spool, exitFile, kib], cwd: "/", env })
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EAGAIN") return undefined
    throw error
  }
}
