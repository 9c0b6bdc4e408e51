// The story that Meanwhile is for, in a real terminal from beginning to end: ask, agents start, go on talking, look at
// one, answer what one needs, be told, leave with work running, come back. The test reads it, and the README's picture
// is a moment of it.
import { chmodSync } from "node:fs"
import { join } from "node:path"
import { Gate } from "../../../../testing/gate.ts"
import { type RecordedRequest, type Reply, reply } from "../../../../testing/model-server.ts"
import type { TerminalOptions } from "../../../../testing/terminal.ts"
import { agent, BEHIND, shell, type Talk, talk, waits } from "../talk.ts"

export interface FirstScreen extends Talk {
  /** Hold the two agents that look around, and the one that changes something. */
  readonly looking: Gate
  readonly changing: Gate
}

const AUTH = "Find the code that knows who is logged in."
const COOKIES = "Find the settings of sessions and cookies."
const LIMITS = "Add a limit of five logins a minute."

const SCHEMA = `The sessions have no end yet. I would give them one:

\`\`\`sql
CREATE TABLE session (
  id         text PRIMARY KEY,
  user_id    text NOT NULL REFERENCES account (id),
  expires_at timestamptz NOT NULL
);
\`\`\`

Shall I write the migration?`

/** In a person's shell, in the folder ~/shop. */
export function firstScreen(options: TerminalOptions = {}): Promise<FirstScreen> {
  const looking = new Gate()
  const changing = new Gate()
  return open({ looking, changing }, options)
}

async function open(gates: { looking: Gate; changing: Gate }, options: TerminalOptions): Promise<FirstScreen> {
  const one = await talk({
    shell: true,
    rows: 32,
    ...options,
    root: [
      reply
        .calls(
          [
            agent("current auth code", AUTH, { subagent_type: "explore" }),
            agent("session and cookie settings", COOKIES, { subagent_type: "explore" }),
            shell("npm audit"),
          ],
          { text: "I'll look at three sides of this at once." },
        )
        .usage({ input: 3120, output: 260 }),
      reply.text("They go on in the background.").usage({ input: 3480, output: 40 }),
      reply
        .calls([agent("limit logins", LIMITS, BEHIND), { name: "Read", input: { file_path: "schema.sql" } }])
        .usage({ input: 3700, output: 120 }),
      reply.text(SCHEMA).usage({ input: 4100, output: 210 }),
    ],
    after: news,
    agents: {
      [AUTH]: [
        reply.calls([{ name: "Grep", input: { pattern: "getSession" } }]).usage({ input: 3900, output: 90 }),
        reply.text("`getSession` in src/auth/session.ts is the only way in.").gate(gates.looking),
      ],
      [COOKIES]: [
        reply.calls([{ name: "Read", input: { file_path: "app/layout.tsx" } }]).usage({ input: 2600, output: 70 }),
        reply.text("Cookies are set without SameSite.").gate(gates.looking),
      ],
      [LIMITS]: [
        reply.calls([shell("npm install rate-limiter-flexible")]).usage({ input: 3300, output: 80 }),
        reply.text("Logins are limited to five a minute.").gate(gates.changing),
      ],
    },
    files: {
      "../shop/.git/HEAD": "ref: refs/heads/main\n",
      "../shop/src/auth/session.ts": "export function getSession() {}\n",
      "../shop/app/layout.tsx": "export default function Layout() {}\n",
      "../shop/schema.sql": "CREATE TABLE session (id text PRIMARY KEY);\n",
      "../bin/npm": NPM,
    },
  })
  chmodSync(join(one.bench.cwd, "../bin/npm"), 0o755)
  return Object.assign(one, gates)
}

/** `npm audit` ends when the file that `endAudit` makes is there. */
const NPM = `#!/bin/sh
case $1 in
audit)
  echo "812 packages audited"
  ${waits("$HOME/audited")}
  echo "found 0 vulnerabilities"
  ;;
install) echo "added 1 package in 1s" ;;
esac
`

export function endAudit(story: FirstScreen): void {
  story.go("../audited")
}

export const QUESTION = "Research authentication best practices for our Next.js app"
export const NEXT = "While that runs, let's work on the database schema. And limit logins to five a minute."
/** What is being typed while three agents and a command are at work, and one of them needs a word. */
export const TYPED = "Yes. Then have a look at how other"

/** Asks, and resolves when all three sides are looked at. */
export async function ask(story: FirstScreen): Promise<void> {
  const { terminal } = story
  terminal.type("cd ~/shop; clear; meanwhile -n auth-research --allowedTools 'Bash(npm audit)'\n")
  await terminal.shows("? keys")
  await terminal.shows("~/shop (main)")
  story.say(QUESTION)
  await terminal.shows("keep talking while these run")
  for (const doing of [`Grep "getSession"`, "Read app/layout.tsx", "812 packages audited"]) await terminal.shows(doing)
}

/** Moves them to the background, and goes on talking until an agent needs a word. */
export async function talkOn(story: FirstScreen): Promise<void> {
  const { terminal } = story
  terminal.press("ctrl+b")
  await terminal.shows("They go on in the background.")
  story.say(NEXT)
  await terminal.shows("Shall I write the migration?")
  await terminal.shows("wants Bash: npm install rate-limiter-flexible")
  terminal.type(TYPED)
  await terminal.shows(TYPED)
}

/** What the model says when it is woken. */
function news({ news: told }: RecordedRequest): Reply {
  const known: readonly (readonly [string, string])[] = [
    ["getSession", "Logins go through one function."],
    ["SameSite", "The cookies want SameSite=Lax."],
    ["five a minute", "The limit is in place."],
    ["0 vulnerabilities", "The packages are fine, too."],
  ]
  const words = known.flatMap(([of, say]) => (told.includes(of) ? [say] : []))
  return reply.text(words.join(" ") || "Noted.")
}
