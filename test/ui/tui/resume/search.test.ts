// The full-text search on the screen of sessions, in a real terminal.
import { expect, test } from "bun:test"
import { seedSession } from "../../../../testing/seed.ts"
import type { Terminal } from "../../../../testing/terminal.ts"
import { ID, say, shelf } from "./shelf.ts"

const chosen = (text: string) => (terminal: Terminal) => {
  if (terminal.find(text) === undefined) return false
  const cell = terminal.styleOf(text)
  return cell.background !== "default" || cell.inverse
}

test("/ finds messages as one types, with the words marked, and Enter opens the session", async () => {
  await using it = await shelf()
  const { terminal } = it
  await terminal.shows("auth-research")
  terminal.press("/")
  await terminal.shows("Type what to look for.")
  terminal.type("coo")
  await terminal.shows("2 messages")
  await terminal.shows("Where is the session cookie set?")
  expect(terminal.styleOf("cookie set").background).not.toBe("default")
  expect(terminal.styleOf("session cookie").background).toBe(terminal.styleOf("Where is").background)
  terminal.type('kie "session cookie"')
  await terminal.shows("1 message")
  await terminal.shows("auth-research  you · 1 h")
  terminal.press("enter")
  await terminal.shows("There are 12 tests; none covers expiry.")
  await terminal.shows("? keys")
})

test("Esc leads back to the list, and letters are the search's while it is open", async () => {
  await using it = await shelf()
  const { terminal } = it
  await terminal.shows("auth-research")
  terminal.press("/")
  terminal.type("a b d p r/")
  await terminal.shows("/ a b d p r/")
  await terminal.shows("Nothing like that was said.")
  terminal.press("enter", "up", "down", "pageUp", "pageDown")
  terminal.press("esc")
  await terminal.shows("5 sessions")
  await terminal.shows(chosen("auth-research"))
})

test("sessions whose names fit stand first; words of sub-agents lead to their conversation", async () => {
  await using it = await shelf()
  const { terminal } = it
  await terminal.shows("auth-research")
  terminal.press("/")
  terminal.type("deploy")
  await terminal.shows("deploy script  session · 3 d")
  await terminal.shows(chosen("deploy script  session"))
  terminal.press("ctrl+u")
  terminal.type("haystack")
  await terminal.shows("auth-research  an agent · 1 h")
  terminal.press("enter")
  await terminal.shows("There are 12 tests")
})

test("a piece of a text without blanks is found, also one of two letters", async () => {
  await using it = await shelf()
  const { terminal } = it
  await terminal.shows("auth-research")
  terminal.press("/")
  terminal.type("索引")
  await terminal.shows("The migration is in 0042.sql: 索引已经建好。")
})

test("with A, all projects are searched, and each find says where it was", async () => {
  await using it = await shelf()
  const { terminal } = it
  await terminal.shows("auth-research")
  terminal.press("/")
  terminal.type("banner")
  await terminal.shows("Nothing like that was said.")
  terminal.press("esc", "a", "/")
  terminal.type("banner")
  await terminal.shows("elsewhere  (other)")
})

test("rubbish is searched for without harm", async () => {
  await using it = await shelf()
  const { terminal } = it
  await terminal.shows("auth-research")
  terminal.press("/")
  for (const text of ['"""', "*** (", "{text}:x AND NOT", "'; DROP TABLE message;", "\u0301 ~^\\"]) {
    terminal.type(text)
    await terminal.settled(50)
    terminal.press("ctrl+u")
  }
  terminal.paste("cookie\nset\r\nthe")
  await terminal.shows("1 message")
})

test("a find far up in a long conversation is shown where it stands", async () => {
  await using it = await shelf({
    more: (tx, { project, now }) => {
      seedSession(tx, { id: "long", project, name: "long talk", model: "scout", updated_at: now })
      const texts = Array.from(
        { length: 1200 },
        (_, i) => `line ${i} of the talk${i === 321 ? ": here is the needle" : ""}`,
      )
      say(tx, "long", texts)
    },
  })
  const { terminal } = it
  await terminal.shows("long talk")
  terminal.press("/")
  terminal.type('"line 321"')
  await terminal.shows("1 message")
  terminal.press("enter")
  await terminal.shows("line 321 of the talk: here is the needle")
  await terminal.shows("to the end")
  expect(terminal.text()).not.toContain("line 1199")
})

test("what is said elsewhere while the search is open is found without typing again", async () => {
  await using it = await shelf()
  const { terminal } = it
  await terminal.shows("auth-research")
  terminal.press("/")
  terminal.type("zeppelin")
  await terminal.shows("Nothing like that was said.")
  await it.change((tx) => say(tx, ID.build, ["And a zeppelin?", "There is none."], 2))
  await terminal.shows("And a zeppelin?")
})
