// The screen of sessions in a real terminal: what is listed, and what each key and the mouse does.
import { describe, expect, test } from "bun:test"
import { eventually } from "../../../../testing/harness.ts"
import { expectScreen, masked } from "../../../../testing/screens.ts"
import { seedSession } from "../../../../testing/seed.ts"
import type { Terminal } from "../../../../testing/terminal.ts"
import { oneStored } from "../stored.ts"
import { ID, say, shelf } from "./shelf.ts"

const chosen = (text: string) => (terminal: Terminal) => {
  if (terminal.find(text) === undefined) return false
  const cell = terminal.styleOf(text)
  return cell.background !== "default" || cell.inverse
}

/** Ids and folders are the same in each run, ages nearly. */
const MASKS = [[/\b1[01] min\b/, "10 min"]] as const
const row = (terminal: Terminal, text: string) => terminal.lines().find((line) => line.includes(text)) ?? ""

describe("the list", () => {
  test("shows this project's sessions, the newest first, forks below their origin, with what goes on", async () => {
    await using it = await shelf()
    const { terminal } = it
    await terminal.shows("6 d")
    expect(
      terminal
        .lines()
        .slice(2, 7)
        .map((line) => line.slice(1, 28).trim()),
    ).toEqual(["auth-research", "└ auth with tokens", "◌ Fix the flaky build", "▲ deploy script", "数据库迁移"])
    expect(row(terminal, "auth-research")).toMatch(/main +5 min +2 turns +12\.4k +\$0\.08/)
    expect(row(terminal, "auth with tokens")).toMatch(/tokens +2 h +1 turn /)
    expect(terminal.text()).not.toContain("elsewhere")
    expect(terminal.line(0)).toContain("5 sessions")
    // The first one is chosen, and said more of.
    expect(chosen("auth-research")(terminal)).toBe(true)
    expect(terminal.line(-2)).toContain("aaaa1111")
  })

  test("is walked through by keys, and says what the chosen one waits for", async () => {
    await using it = await shelf()
    const { terminal } = it
    await terminal.shows(chosen("auth-research"))
    terminal.press("down", "down")
    await terminal.shows(chosen("Fix the flaky build"))
    await terminal.shows("1 task live · nobody drives it")
    terminal.press("ctrl+n")
    await terminal.shows(chosen("deploy script"))
    await terminal.shows("1 request needs you")
    terminal.press("end")
    await terminal.shows(chosen("数据库迁移"))
    terminal.press("down", "up")
    await terminal.shows(chosen("deploy script"))
    terminal.press("home")
    await terminal.shows(chosen("auth-research"))
    terminal.press("up", "pageDown")
    await terminal.shows(chosen("数据库迁移"))
    terminal.press("pageUp")
    await terminal.shows(chosen("auth-research"))
  })

  test("long lists scroll by page, wheel and end", async () => {
    await using it = await shelf({
      isEmpty: true,
      more: (tx, { project, now }) => {
        for (let n = 1; n <= 200; n++)
          seedSession(tx, { id: `s${n}`, project, name: `session number ${n};`, updated_at: now - n * 1000 })
      },
    })
    const { terminal } = it
    await terminal.shows(chosen("session number 1;"))
    expect(terminal.line(0)).toContain("200 sessions")
    terminal.press("pageDown")
    await terminal.shows(chosen("session number 19;"))
    terminal.press("end")
    await terminal.shows(chosen("session number 200;"))
    terminal.wheel(10, 10, -5)
    await terminal.shows((it) => !it.text().includes("number 200;"))
    terminal.press("home")
    await terminal.shows(chosen("session number 1;"))
    terminal.wheel(10, 10, 2)
    await terminal.shows((it) => !it.text().includes("number 1;") && it.text().includes("number 20;"))
  })

  test("a click chooses, and a click on the chosen one opens it", async () => {
    await using it = await shelf()
    const { terminal } = it
    await terminal.shows(chosen("auth-research"))
    terminal.clickText("deploy script")
    await terminal.shows(chosen("deploy script"))
    terminal.clickText("auth with tokens")
    await terminal.shows(chosen("auth with tokens"))
    terminal.clickText("auth with tokens")
    await terminal.shows("Tokens need a place on the client.")
    await terminal.shows("? keys")
  })

  test("what another process changes is seen soon", async () => {
    await using it = await shelf()
    await it.terminal.shows("auth-research")
    await it.change((tx) => tx.run("UPDATE session SET name = 'from outside' WHERE id = :id", { id: ID.build }))
    await it.terminal.shows("from outside")
    await it.change((tx) => tx.run("UPDATE run SET state = 'stopped'"))
    await it.terminal.hides("◌")
  })

  test("A shows the sessions of all projects with their folders, and goes back", async () => {
    await using it = await shelf()
    const { terminal } = it
    await terminal.shows("auth-research")
    terminal.press("a")
    await terminal.shows("elsewhere")
    expect(row(terminal, "elsewhere")).toContain("/srv/other")
    expect(terminal.line(0)).toContain("all projects")
    // The newest of a group says where it stands.
    expect(terminal.find("auth-research")!.y).toBeLessThan(terminal.find("elsewhere")!.y)
    expect(terminal.find("elsewhere")!.y).toBeLessThan(terminal.find("Fix the flaky")!.y)
    terminal.press("a")
    await terminal.hides("/srv/other")
  })

  test("with nothing to list it says so", async () => {
    await using it = await shelf({ isEmpty: true })
    await it.terminal.shows("No sessions in this project yet. a shows those of all projects.")
    for (const key of ["enter", "p", "r", "b", "d", "down", "pageDown", "end"]) it.terminal.press(key)
    it.terminal.press("a")
    await it.terminal.shows("No sessions yet.")
  })

  test("tiny windows and sizes that change do no harm", async () => {
    await using it = await shelf({ columns: 30, rows: 7 })
    await it.terminal.shows("auth")
    it.terminal.press("p", "down")
    await it.terminal.shows("└")
    it.terminal.resize(20, 5)
    await it.terminal.settled()
    it.terminal.resize(140, 40)
    await it.terminal.shows("auth with tokens")
    await it.terminal.shows("Try tokens instead of a cookie.")
  })
})

describe("preview", () => {
  test("P shows the last exchange, the memory and the tasks of the chosen one, and stays while one walks", async () => {
    await using it = await shelf()
    const { terminal } = it
    await terminal.shows("auth-research")
    terminal.press("p")
    await terminal.shows("› And the tests of it?")
    await terminal.shows("There are 12 tests; none covers expiry.")
    await terminal.shows("memory   version 2, 10 min ago, covers all but the last 2 messages")
    await terminal.shows("Reading how sessions are stored; expiry is next.")
    await terminal.shows("tasks    completed  $ npm audit")
    terminal.press("down")
    await terminal.shows("› Try tokens instead of a cookie.")
    await terminal.shows("memory   none yet")
    await terminal.shows("tasks    none")
    terminal.press("p")
    await terminal.hides("memory")
    await terminal.shows(chosen("auth with tokens"))
  })
})

describe("renaming", () => {
  test("R renames in place; a name that is taken gets a number, and that is said", async () => {
    await using it = await shelf()
    const { terminal } = it
    await terminal.shows("auth-research")
    terminal.press("r")
    await terminal.shows("name auth-research")
    terminal.press("ctrl+u")
    terminal.type("deploy script")
    terminal.press("enter")
    await terminal.shows('There is a session "deploy script" in this project already: this one is "deploy script (2)".')
    expect(oneStored<{ name: string }>(it.bench, `SELECT name FROM session WHERE id = '${ID.auth}'`)?.name).toBe(
      "deploy script (2)",
    )
    await terminal.shows(chosen("deploy script (2)"))
  })

  test("Esc keeps the name, and a name that is none is refused with what was typed left there", async () => {
    await using it = await shelf()
    const { terminal } = it
    await terminal.shows("auth-research")
    terminal.press("r")
    await terminal.shows("name auth-research")
    terminal.type("xyz")
    await terminal.shows("auth-researchxyz")
    terminal.press("esc")
    await terminal.hides("xyz")
    terminal.press("r", "ctrl+u", "enter")
    await terminal.shows("That is no name for a session: it is empty")
    // Keys of the list are letters now.
    terminal.type("a b d p r")
    await terminal.shows("name a b d p r")
    terminal.press("enter")
    await terminal.shows(chosen("a b d p r"))
  })
})

describe("forks", () => {
  test("B shows where forks split off, and opens one", async () => {
    await using it = await shelf({
      more: (tx, { project, now }) => {
        seedSession(tx, {
          id: "deep",
          project,
          name: "deeper",
          updated_at: now - 9e9,
          forked_from: ID.fork,
          fork_seq: 3,
        })
        say(tx, "deep", ["Deep down", "It is dark."], 3)
      },
    })
    const { terminal } = it
    await terminal.shows(chosen("auth-research"))
    terminal.press("down", "b")
    await terminal.shows("3 sessions that share messages")
    await terminal.shows("begins with: auth-research")
    await terminal.shows("splits off after message 2, answer: In src/auth/session.ts, with SameSite=Lax.")
    await terminal.shows("splits off after message 3, you: Try tokens instead of a cookie.")
    expect(chosen("auth with tokens")(terminal)).toBe(true)
    terminal.press("p")
    await terminal.shows("› Try tokens")
    terminal.press("down")
    await terminal.shows("› Deep down")
    terminal.press("esc")
    await terminal.shows(chosen("deeper"))
    terminal.press("b", "enter")
    await terminal.shows("It is dark.")
    // What it shares is there too.
    await terminal.shows("In src/auth/session.ts")
  })

  test("B on a session that has none says so", async () => {
    await using it = await shelf()
    await it.terminal.shows("auth-research")
    it.terminal.press("end", "b")
    await it.terminal.shows("This session has no forks, and is none.")
  })
})

describe("deleting", () => {
  const isThere = (it: { bench: Parameters<typeof oneStored>[0] }, id: string) =>
    oneStored(it.bench, `SELECT 1 FROM session WHERE id = '${id}'`) !== undefined

  test("D asks, and only y deletes", async () => {
    await using it = await shelf()
    const { terminal } = it
    await terminal.shows("auth-research")
    for (const key of ["n", "esc", "enter", "d", "x", "down"]) {
      terminal.press("home", "d")
      await terminal.shows('Delete "auth-research" with all that belongs to it, for good?')
      terminal.press(key)
      await terminal.hides("for good?")
    }
    expect(isThere(it, ID.auth)).toBe(true)
    terminal.press("end", "d")
    await terminal.shows('Delete "数据库迁移"')
    terminal.press("y")
    await terminal.shows('"数据库迁移" is deleted.')
    expect(isThere(it, ID.old)).toBe(false)
    expect(terminal.line(0)).toContain("4 sessions")
  })

  test("a session with a live task is not deleted, and it says how to end that", async () => {
    await using it = await shelf()
    await it.terminal.shows("auth-research")
    it.terminal.press("down", "down", "d")
    await it.terminal.shows("1 task of the session cccc3333 still runs. End them first: meanwhile tasks stop 33ee")
    expect(isThere(it, ID.build)).toBe(true)
  })

  test("an origin goes and its fork keeps what they share", async () => {
    await using it = await shelf()
    const { terminal } = it
    await terminal.shows("auth-research")
    terminal.press("d", "y")
    await terminal.shows('"auth-research" is deleted.')
    await eventually("it is gone", () => !isThere(it, ID.auth))
    terminal.press("home", "enter")
    await terminal.shows("In src/auth/session.ts")
  })
})

describe("looks", () => {
  const looks = [
    { name: "dark-80", columns: 80 },
    { name: "dark-140", columns: 140 },
    { name: "light-80", columns: 80, theme: "light" as const },
    { name: "light-140", columns: 140, theme: "light" as const },
    { name: "plain-80", columns: 80, env: { NO_COLOR: "1" } },
  ]
  for (const { name, ...options } of looks)
    test(`the list, a preview and a search: ${name}`, async () => {
      await using it = await shelf({ rows: 24, ...options })
      const { terminal } = it
      const check = { mask: masked(...MASKS), styles: true }
      await terminal.shows("$0.08")
      terminal.press("p")
      await terminal.shows("memory   version 2")
      await expectScreen(terminal, `sessions-${name}`, check)
      terminal.press("p", "/")
      terminal.type("cookie")
      await terminal.shows("2 messages")
      await expectScreen(terminal, `sessions-search-${name}`, check)
    })
})
