// Starting a process that outlives us. Bun.spawn, because it is a tenth quicker than node:child_process here and
// delivers what is written to standard input at once.

export interface DetachedProcess {
  readonly pid: number
  /** Its exit code when it has ended and is reaped; null when a signal ended it. */
  readonly exited: Promise<number | null>
  /** Writes to its standard input; a process that has already gone is no error: `exited` tells. */
  write(text: string): void
  closeInput(): void
  /** SIGKILL, unless it has ended. */
  kill(): void
}

export interface DetachedSpec {
  /** argv[0] is an absolute path. */
  argv: string[]
  cwd: string
  env: Record<string, string>
  /** Open file descriptors that become 1 and 3 in the process; 0 is a pipe from us, all others are /dev/null. */
  output?: number
  third?: number
}

/** Starts a process as the leader of a session of its own. Throws what posix_spawn says: ENOENT, E2BIG, EAGAIN. */
export function spawnDetached({ argv, cwd, env, output, third }: DetachedSpec): DetachedProcess {
  const stdio = ["pipe", output ?? "ignore", "ignore", third ?? "ignore"] as const
  const child = Bun.spawn(argv, { cwd, env, detached: true, stdio: [...stdio] })
  return {
    pid: child.pid,
    exited: child.exited.then(() => child.exitCode),
    write: (text) => {
      try {
        child.stdin.write(text)
        Promise.resolve(child.stdin.flush()).catch(unlessGone)
      } catch (error) {
        unlessGone(error)
      }
    },
    closeInput: () => {
      try {
        Promise.resolve(child.stdin.end()).catch(unlessGone)
      } catch (error) {
        unlessGone(error)
      }
    },
    kill: () => child.kill("SIGKILL"),
  }
}

function unlessGone(error: unknown): void {
  if (error instanceof Error && "code" in error && error.code === "EPIPE") return
  throw error
}
