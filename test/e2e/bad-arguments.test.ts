// A command line that is wrong ends with 2, an id that leads nowhere with 1; each says what would be right.
import { describe, expect, test } from "bun:test"
import { mkdirSync } from "node:fs"
import { systemClock } from "../../src/base/clock.ts"
import { openStore } from "../../src/store/open.ts"
import { workbench } from "../../testing/headless.ts"
import { seedSession, seedTask } from "../../testing/seed.ts"
import { ACTS, type Case, expectClear, PATIENCE_MS, testCases } from "./clear.ts"

const usage = (name: string, args: readonly string[], says: RegExp): Case => ({ name, args, exit: 2, says })
const fails = (name: string, args: readonly string[], says: RegExp): Case => ({ name, args, exit: 1, says })

describe("options", () => {
  testCases([
    usage("an option that there is not", ["--frobnicate"], /no option --frobnicate.*--help/),
    usage("a slip in an option", ["-p", "--modle", "x", "hi"], /Did you mean --model\?/),
    usage("a letter that is none", ["-Z"], /no option -Z/),
    usage("an option made of escapes", [`--${ACTS}`], /no option --\\x1b\]0;owned\\x07/),
    usage("an option without its value", ["-p", "--output-format"], /--output-format needs a value/),
    usage("another option in the place of a value", ["-p", "--model", "--verbose"], /needs a value, but --verbose/),
    usage("a value for a flag", ["-p", "--verbose=3", "hi"], /--verbose takes no value/),
    usage("an option given twice", ["-p", "--model", "a", "--model", "b", "hi"], /--model is given twice/),
    usage("a format that there is not", ["-p", "--output-format", "xml", "hi"], /text, json, stream-json, not "xml"/),
    usage("a format made of escapes", ["-p", "--output-format", ACTS, "hi"], /not "\\x1b/),
    usage("a format without -p", ["--output-format", "json", "hi"], /only has a meaning with -p/),
    usage("no turns", ["-p", "--max-turns", "0", "hi"], /whole number, at least 1, not "0"/),
    usage("half a turn", ["-p", "--max-turns", "1.5", "hi"], /whole number/),
    usage("turns below zero", ["-p", "--max-turns", "-3", "hi"], /--max-turns/),
    usage("turns beyond counting", ["-p", "--max-turns", "9".repeat(30), "hi"], /whole number/),
    usage("turns made of escapes", ["-p", "--max-turns", ACTS, "hi"], /whole number.*\\x1b/),
    usage("a wait that is no number", ["-p", "--wait", "soon", "hi"], /number of seconds.*"soon"/),
    usage("a mode that there is not", ["-p", "--permission-mode", "all", "hi"], /acceptEdits.*not "all"/),
    usage("a rule without its end", ["-p", "--allowedTools", "Bash(", "hi"], /parenthesis is not closed/),
    usage("a rule with something behind it", ["-p", "--allowedTools", "Bash(a b)x", "hi"], /comma or space is missing/),
    usage("a rule with nothing in it", ["-p", "--disallowedTools", "Bash()", "hi"], /nothing between/),
    usage("a rule for a host that is none", ["-p", "--allowedTools", "WebFetch(x)", "hi"], /domain:HOST/),
    usage("a rule made of escapes", ["-p", "--allowedTools", ACTS, "hi"], /Permission rule/),
    usage("a model that there is not", ["-p", "--model", "nope/none", "hi"], /no model "nope\/none".*PROVIDER\/MODEL/),
    usage("a model made of escapes", ["-p", "--model", ACTS, "hi"], /no model "\\x1b/),
    usage("an empty model", ["-p", "--model", "", "hi"], /--model needs a value, but it is empty/),
    usage("an agent that there is not", ["-p", "--agent", "exlpore", "hi"], /Did you mean "explore"\?/),
    usage("an agent made of escapes", ["-p", "--agent", `${ACTS}\n`, "hi"], /no agent "\\x1b.*Known: /),
    usage("agents that are no JSON", ["-p", "--agents", "{", "hi"], /--agents is not JSON.*Example/),
    usage("agents that are a list", ["-p", "--agents", "[]", "hi"], /must be a JSON object/),
    usage("an agent that is a number", ["-p", "--agents", '{"a": 3}', "hi"], /expected \{"NAME"/),
    usage("an agent without a prompt", ["-p", "--agents", '{"a": {}}', "hi"], /"a" has no prompt/),
    usage(
      "an agent's name with a newline",
      ["-p", "--agents", '{"a\\nb": {"prompt": "x"}}', "hi"],
      /"a\\nb" is not a name/,
    ),
    usage("an agent with odd tools", ["-p", "--agents", '{"a": {"prompt": "x", "tools": [3]}}', "hi"], /list of tools/),
    usage("a name that is empty", ["-p", "-n", " ", "hi"], /--name needs a value/),
    usage("a name with a newline", ["-p", "-n", "a\nb", "hi"], /no name for a session.*a\\nb/),
    usage("a name made of escapes", ["-p", "-n", ACTS, "hi"], /no name for a session.*\\x1b/),
    usage("a name without end", ["-p", "-n", "x".repeat(5000), "hi"], /5000 characters, 200 is the most/),
    usage("both ways to go on", ["-p", "-c", "--resume", "x", "hi"], /exclude each other/),
    usage("a name for an old session", ["-p", "-c", "-n", "x", "hi"], /--name names a new session/),
    usage(
      "both kinds of permission",
      ["-p", "--dangerously-skip-permissions", "--permission-mode", "plan", "hi"],
      /exclude/,
    ),
    usage("--resume with nothing", ["-p", "hi", "--resume"], /needs the session's name or id/),
    usage("no prompt", ["-p"], /needs a prompt/),
    usage("an empty prompt", ["-p", "  \n"], /prompt is empty/),
    usage("a prompt in two arguments", ["-p", "one", "two"], /one argument, but there are 2: put it in quotes/),
    usage("a prompt where lines are read", ["-p", "--input-format", "stream-json", "hi"], /leave the prompt out/),
  ])
})

describe("subcommands", () => {
  testCases([
    usage("an action that there is not", ["tasks", "frob"], /no "frob". It has: list, show/),
    usage("a slip in an action", ["tasks", "stpo", "x"], /Did you mean stop\?/),
    usage("an action made of escapes", ["sessions", ACTS], /no "\\x1b/),
    usage("tasks show without an id", ["tasks", "show"], /needs more: meanwhile tasks show ID/),
    usage("tasks show with two", ["tasks", "show", "a", "b"], /does not know what to do with "b"/),
    usage("tasks stop without ids", ["tasks", "stop"], /ID…/),
    usage("an option of another action", ["tasks", "show", "a", "--follow"], /--follow has no meaning/),
    usage("sessions rename without a name", ["sessions", "rename", "x"], /sessions rename ID NAME/),
    usage("a range that there is not", ["stats", "--range", "8d"], /7d, 30d, all, not "8d"/),
    usage("a shell that there is not", ["completion", "powershell"], /bash, zsh, fish/),
    usage("doctor with more", ["doctor", ACTS], /does not know what to do with "\\x1b/),
    usage("agents show with an unknown name", ["agents", "show", ACTS], /no agent "\\x1b.*Known: /),
    fails("a task that there is not", ["tasks", "show", "zz"], /no task "zz". List them: meanwhile tasks/),
    fails(
      "a task made of escapes",
      ["tasks", "output", ACTS],
      /no task "\\x1b\]0;owned\\x07\\x1b\[31m\\x9b2J\\u202ered"/,
    ),
    fails("a task with a newline", ["tasks", "stop", "a\nb"], /no task "a\\nb"/),
    fails("a task without end", ["tasks", "wait", "x".repeat(100_000)], /no task "x{99}…"/),
    fails(
      "a session that there is not",
      ["-p", "--resume", "zz", "hi"],
      /no session "zz". List them: meanwhile sessions/,
    ),
    fails("a session made of escapes", ["sessions", "export", ACTS], /no session "\\x1b\]0;owned\\x07/),
    fails("a session with a newline", ["sessions", "rm", "a\nb", "--yes"], /no session "a\\nb"/),
    fails("nothing to go on with", ["-p", "-c", "hi"], /no session to continue in .*Start one: meanwhile -p/),
    fails(
      "agent files that there are not",
      ["agents", "validate", "/nonexistent", `x${ACTS}`],
      /does not exist[\s\S]*\\x1b/,
    ),
  ])
})

test(
  "a beginning that fits several is answered with the candidates, one row each and clean",
  async () => {
    await using bench = workbench()
    mkdirSync(bench.home, { mode: 0o700 })
    const store = await openStore({ folder: bench.home, clock: systemClock })
    const ids = ["aa000000-1", "aa000000-2"]
    await store.write((tx) => {
      for (const id of ids) seedSession(tx, { id, name: `one\n${ACTS}two` })
      for (const id of ids) seedTask(tx, { id: `bb${id}`, root: ids[0]!, task: { description: `one\n${ACTS}two` } })
    })
    store.close()
    for (const args of [
      ["tasks", "show", "bb"],
      ["-p", "--resume", "aa", "hi"],
      ["sessions", "export", "aa"],
    ]) {
      const answer = await bench.run(args)
      expectClear(answer, { exit: 1, says: /is the beginning of several/ })
      expect(answer.stderr.trimEnd().split("\n")).toHaveLength(3)
    }
  },
  PATIENCE_MS,
)
