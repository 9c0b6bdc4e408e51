// The runner: a few lines of bash that start a command, outlive us, and leave the exit code in a file. It uses no
// program but bash while a host is alive, because each one would cost a millisecond.

/**
 * Arguments: path of bash, limit of the output in bytes when no host looks, path of the spool, and "" or the path of a
 * file that holds the command and is removed at the end. Descriptors: 0 the host, 1 the spool, 3 the exit file. The
 * command and this script itself come in two variables and not as arguments: `pkill -f vite` in some command would
 * otherwise end the runners of all that say "vite".
 *
 * It writes whole lines into the exit file: `group PGID` when the command has started, `limit` when it had to stop it,
 * `exit CODE` at the end. Without `go` from the host nothing is started: `exit 125` alone.
 *
 * - bash, because `set -m` gives a job a group of its own without a terminal and without `setsid`, which macOS lacks.
 *   Job control is off again before the wait, which would otherwise end when the command is merely stopped.
 * - Names begin with `mw_`, because a variable that the environment has too would reach the command changed.
 * - Traps are handlers, not "ignore", which the command would inherit. A signal interrupts `wait`: hence the loop. TERM
 *   is passed on, for whoever kills the pid that a list of tasks shows.
 * - USR1 from the host starts the guard, for a command that takes long; a short one is spared the millisecond. The guard
 *   waits in the runner's group for the end of input, which means that the host has gone, then looks at the spool now
 *   and then. When children of the command live on, it stays as long as they do. KILL ends it, because TERM may meet it
 *   before it has left the runner's trap behind; TERM ends a `sleep` of its.
 */
const RUNNER_SCRIPT = `
mw_bash=$1 mw_limit=$2 mw_spool=$3 mw_script=$4 SHLVL=$((SHLVL - 1))
if [ "$mw_script" ]; then
  set -- "$mw_script"
else
  set -- -c -- "$MEANWHILE_COMMAND" bash
fi
unset MEANWHILE_COMMAND MEANWHILE_RUNNER
mw_watch() {
  [ "$mw_guard" ] && return
  {
    trap '' HUP
    unset TMOUT
    while read -r mw_word; do :; done
    trap 'kill "$mw_sleep"; exit' TERM
    while kill -0 -- "-$mw_command"; do
      sleep 5 3>&- &
      mw_sleep=$!
      wait "$mw_sleep"
      [ "$(($(wc -c <"$mw_spool")))" -le "$mw_limit" ] && continue
      echo limit >&3
      kill -TERM -- "-$mw_command"
      sleep 5 3>&-
      kill -KILL -- "-$mw_command"
    done
  } <&0 >/dev/null &
  mw_guard=$!
}
mw_guard= mw_command=
trap mw_again=1 HUP INT QUIT
trap 'mw_again=1; [ "$mw_command" ] && kill -TERM -- "-$mw_command"' TERM
trap 'mw_again=1; mw_watch' USR1
if ! read -r -t 86400 mw_word || [ "$mw_word" != go ]; then
  echo "exit 125" >&3
  exit 125
fi
set -m
"$mw_bash" "$@" </dev/null 2>&1 3>&- &
mw_command=$!
set +m
echo "group $mw_command" >&3
while mw_again=; wait "$mw_command"; mw_code=$?; [ "$mw_again" ]; do :; done
echo "exit $mw_code" >&3
[ "$mw_script" ] && rm -f -- "$mw_script"
if kill -0 -- "-$mw_command"; then
  mw_watch
elif [ "$mw_guard" ]; then
  trap '' TERM
  kill -TERM 0
  kill -KILL "$mw_guard"
  wait "$mw_guard"
fi
exit "$mw_code"
`

export interface RunnerSpec {
  /** Absolute path. */
  bash: string
  /** Its text, or the file that it is in. */
  command: { text: string } | { file: string }
  spool: string
  limit: number
}

/** How to start the runner: its argv, and what must be in its environment beside the command's own. */
export function runnerCommand({ bash, command, spool, limit }: RunnerSpec): {
  argv: string[]
  env: Record<string, string>
} {
  const [text, file] = "file" in command ? ["", command.file] : [command.text, ""]
  // -p: the runner itself takes neither functions nor BASH_ENV from the environment; the command does.
  const argv = [bash, "-p", "-c", 'eval "$MEANWHILE_RUNNER"', "meanwhile-runner", bash, String(limit), spool, file]
  return { argv, env: { MEANWHILE_RUNNER: RUNNER_SCRIPT, MEANWHILE_COMMAND: text } }
}
