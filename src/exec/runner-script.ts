// The runner: a few lines of bash that start a command, outlive us, and leave the exit code in a file. It uses no
// program but bash while a host is alive, because each one would cost a millisecond.

/**
 * Arguments: path of bash, and "" or the path of a file that holds the command and is removed at the end. Descriptors:
 * 0 the host, 1 the spool, 3 the exit file. The command and this script itself come in two variables and not as arguments: `pkill -f vite` in some command would
 * otherwise end the runners of all that say "vite".
 *
 * It writes whole lines into the exit file: `group PGID` when the command has started, `exit CODE` at the end. Without
 * `go` from the host nothing is started, and `never PID` is all that it writes: with its own pid, because another
 * runner, which may be told to go, can have been started for the same command by then.
 *
 * - bash, because `set -m` gives a job a group of its own without a terminal and without `setsid`, which macOS lacks.
 *   Job control is off again before the wait, which would otherwise end when the command is merely stopped.
 * - Names begin with `mw_`, because a variable that the environment has too would reach the command changed.
 * - TMOUT of the environment would end the `read`; a day is as good as for ever.
 * - Signals are ignored only after the command has started, so that it does not inherit that. Never by a handler: one
 *   that runs while the command ends leaves `wait` of bash 5.2 at -1 for ever.
 */
const RUNNER_SCRIPT = `
mw_bash=$1 mw_script=$2
if ! read -r -t 86400 mw_word || [ "$mw_word" != go ]; then
  echo "never $$" >&3
  exit 125
fi
if [ "$mw_script" ]; then
  set -- "$mw_script"
else
  set -- -c -- "$MEANWHILE_COMMAND" bash
fi
unset MEANWHILE_COMMAND MEANWHILE_RUNNER
set -m
"$mw_bash" "$@" </dev/null 2>&1 3>&- &
mw_command=$!
set +m
trap '' HUP INT QUIT TERM
echo "group $mw_command" >&3
wait "$mw_command"
mw_code=$?
echo "exit $mw_code" >&3
[ "$mw_script" ] && rm -f -- "$mw_script"
exit "$mw_code"
`

export interface RunnerSpec {
  /** Absolute path. */
  bash: string
  /** Its text, or the file that it is in. */
  command: { text: string } | { file: string }
}

/** How to start the runner: its argv, and what must be in its environment beside the command's own. */
export function runnerCommand({ bash, command }: RunnerSpec): {
  argv: string[]
  env: Record<string, string>
} {
  const [text, file] = "file" in command ? ["", command.file] : [command.text, ""]
  // -p: the runner itself takes neither functions nor BASH_ENV from the environment; the command does.
  const argv = [bash, "-p", "-c", 'eval "$MEANWHILE_RUNNER"', "meanwhile-runner", bash, file]
  return { argv, env: { MEANWHILE_RUNNER: RUNNER_SCRIPT, MEANWHILE_COMMAND: text } }
}
