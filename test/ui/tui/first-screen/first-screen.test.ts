// The README's first screen, from beginning to end.
import { expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { eventually } from "../../../../testing/harness.ts"
import { storedAll } from "../stored.ts"
import { ask, endAudit, firstScreen, QUESTION, TYPED, talkOn } from "./story.ts"

test("ask, agents start, go on talking, look at one, answer one, be told, leave with work running, come back", async () => {
  await using story = await firstScreen({ rows: 48 })
  const { terminal, bench, server } = story
  await ask(story)
  await talkOn(story)
  await terminal.shows(/3 agents .*1 shell .*▲ 1 needs you/)

  // What is typed stays as it is while one looks at a task.
  terminal.clickText("session and cookie settings")
  await terminal.shows("esc back")
  await terminal.shows("Find the settings of sessions and cookies.")
  await terminal.shows("talk to explore")
  terminal.press("esc")
  await terminal.shows(TYPED)

  terminal.press("ctrl+x", "ctrl+a")
  await terminal.shows("general-purpose")
  await terminal.shows(/a always: Bash\(npm install[^)]*\)/)
  terminal.press("y")
  await terminal.hides("needs you")
  await terminal.shows(TYPED)

  // The agents finish, and the conversation wakes, with the prompt still in the middle of a sentence.
  story.looking.open()
  await terminal.shows(/✓ explore {2}current auth code/)
  await terminal.shows(/✓ explore {2}session and cookie settings/)
  await terminal.shows(/● \d tasks? finished, picking up/)
  await terminal.shows("The cookies want SameSite=Lax.")
  story.changing.open()
  await terminal.shows("The limit is in place.")
  await terminal.shows(TYPED)
  await terminal.shows(/^ [◐◓◑◒] 1 shell/m)

  terminal.press("ctrl+c", "ctrl+c", "ctrl+c")
  await terminal.shows("1 task still runs. What shall become of it?")
  await terminal.shows("npm audit")
  terminal.press("enter")
  await terminal.shows("meanwhile --resume auth-research")
  await terminal.shows((screen) => !screen.isAlternate())

  // It works on without the terminal, and the conversation wakes without it.
  endAudit(story)
  await bench.stored("SELECT 1 FROM message WHERE content LIKE '%The packages are fine, too.%'")
  terminal.type("clear; meanwhile --resume auth-research\n")
  await terminal.shows("While you were away")
  await terminal.shows(/✓ \$ npm audit/)
  await terminal.shows("The packages are fine, too.")

  // Each report was told once, and nothing was started twice.
  const told = server.requests.flatMap(
    ({ news }) => news.match(/getSession.* is the only way in|found 0 vulner/g) ?? [],
  )
  expect(told.toSorted()).toHaveLength(2)
  expect(storedAll(bench, "SELECT 1 FROM task")).toHaveLength(5)
  expect(storedAll(bench, "SELECT 1 FROM session WHERE parent_id IS NULL")).toHaveLength(1)
  server.check()
  terminal.press("ctrl+c", "ctrl+c")
  await eventually("nothing is left", async () => (await terminal.processes()).length === 1)
}, 60_000)

test("the README opens with the picture of it", () => {
  const read = (path: string) => readFileSync(resolve(import.meta.dir, "../../../..", path), "utf8")
  expect(read("README.md").slice(0, 1200)).toContain("docs/picture.svg")
  const picture = read("docs/picture.svg")
  for (const words of [QUESTION, TYPED]) for (const word of words.split(" ")) expect(picture).toContain(word)
})
