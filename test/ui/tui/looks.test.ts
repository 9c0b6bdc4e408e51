// What the conversation's own cards and lines look like: a turn that is blocked, words that wait, a request, a question,
// leaving, and coming back.
import { describe, test } from "bun:test"
import { Gate } from "../../../testing/gate.ts"
import { reply } from "../../../testing/model-server.ts"
import { expectScreen, masked, SPINNER } from "../../../testing/screens.ts"
import type { TerminalOptions } from "../../../testing/terminal.ts"
import { agent, BEHIND, shell, type Talk, talk, waits } from "./talk.ts"
import { SIX_LOOKS } from "./terminals.ts"

const figures = masked(
  SPINNER,
  [/≈?\d+\.\dk tok · ≈?<?\$\d\.\d\d/, "1.0k tok · $0.01"],
  [/\d+\.\dk tok(?! · ≈?<?\$)/, "1.0k tok"],
  [/(?<=general-purpose )[a-hj-km-np-z2-9]{4}(?= )/, "abcd"],
)

/** What differs from run to run. Durations stand at the left of their column. */
const mask = (line: string) =>
  figures(line.replace(/<?\d+ s\b/g, "0 s").replace(/^ {3}\d+\.\dk tok · <?\$\d\.\d\d/, "   sums"))

interface Scene extends Talk {
  readonly looking: Gate
  readonly changing: Gate
}

async function scene(options: TerminalOptions): Promise<Scene> {
  const looking = new Gate()
  const changing = new Gate()
  const one = await talk({
    shell: true,
    rows: 24,
    root: [
      // One after the other, so that their order is the same each time.
      reply.calls([agent("rate limits", "Add limits.", BEHIND)]),
      reply.calls([shell("sh audit.sh", BEHIND)]),
      reply.calls([agent("current auth code", "Explore auth.")]),
      reply.calls([
        {
          name: "AskUserQuestion",
          input: {
            questions: [
              {
                question: "Where shall sessions be stored?",
                header: "Storage",
                options: [
                  { label: "PostgreSQL", description: "beside the users; one more table" },
                  { label: "Redis", description: "quick, and one more thing to run" },
                ],
              },
            ],
          },
        },
      ]),
      reply.text("PostgreSQL it is."),
    ],
    after: reply.text("That was all."),
    agents: {
      "Explore auth.": [reply.text("In auth.ts.").gate(looking)],
      "Add limits.": [
        reply.calls([{ name: "Edit", input: { file_path: "auth.ts", old_string: "two = 2", new_string: "two = 3" } }]),
        reply.text("It is there.").gate(changing),
      ],
    },
    files: { "audit.sh": `echo 212 packages; ${waits()}`, "auth.ts": "one = 1\ntwo = 2\n" },
    ...options,
  })
  return Object.assign(one, { looking, changing })
}

/** The conversation's own turn is over. */
const REST = `SELECT 1 FROM session WHERE parent_id IS NULL
  AND NOT EXISTS (SELECT 1 FROM turn WHERE session_id = session.id AND state = 'open')`
const START = "clear; meanwhile -n auth-research --allowedTools 'Bash(sh:*)' Read"

describe("the cards and lines of a conversation look right", () => {
  for (const [name, look] of SIX_LOOKS)
    test(name, async () => {
      await using one = await scene(look)
      const { terminal } = one
      const check = { mask, ...(name.endsWith("80") && { styles: "starts" as const }) }
      terminal.type(`${START}\n`)
      await terminal.shows("? keys")
      one.say("Research how logins work")
      await terminal.shows("keep talking")
      await terminal.shows("212 packages")
      await terminal.shows("1 needs you")
      terminal.type("and then the database schema")
      terminal.press("tab")
      await terminal.shows("queued: and then")
      await expectScreen(terminal, `blocked-${name}`, check)

      terminal.press("ctrl+b")
      await terminal.shows("2 need you")
      terminal.press("enter")
      await terminal.shows("no, with a reason")
      await terminal.shows("waits for your word")
      await expectScreen(terminal, `request-${name}`, check)

      terminal.press("down")
      await terminal.shows("something else")
      await terminal.shows("waits for your word")
      await expectScreen(terminal, `question-${name}`, check)
      terminal.press("enter")
      await terminal.shows("PostgreSQL it is.")
      await terminal.shows("no, with a reason")
      terminal.press("y")
      await terminal.hides(/needs? you/)
      await terminal.shows("That was all.")

      terminal.press("ctrl+c", "ctrl+c")
      await terminal.shows("What shall become of them?")
      await expectScreen(terminal, `leaving-${name}`, check)
      terminal.press("k")
      await terminal.shows("meanwhile --resume auth-research")

      // One after the other: each wakes the conversation by itself.
      for (const [i, end] of [() => one.looking.open(), () => one.changing.open(), () => one.go()].entries()) {
        end()
        await one.bench.stored(
          `SELECT 1 FROM message WHERE content LIKE '%That was all.%' GROUP BY 1 HAVING count(*) = ${i + 2}`,
        )
        await one.bench.stored(REST)
      }
      terminal.type("clear; meanwhile -c\n")
      await terminal.shows("While you were away")
      await terminal.shows("? keys")
      await expectScreen(terminal, `back-${name}`, check)
    }, 60_000)
})
