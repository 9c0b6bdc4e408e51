// Going from one session to another, in a real terminal: by `/resume`, by `meanwhile --resume`, and what stays at work.
import { expect, test } from "bun:test"
import { Gate } from "../../../../testing/gate.ts"
import { reply } from "../../../../testing/model-server.ts"
import { storedAll } from "../stored.ts"
import { BEHIND, shell, talk, waits } from "../talk.ts"
import { ID, shelf } from "./shelf.ts"

const SETTINGS = { titles: "prompt" }

test("/resume lists sessions with the own one chosen; another one is gone to, and Esc leads back", async () => {
  await using it = await talk({ settings: SETTINGS })
  const { terminal } = it
  it.say("First things")
  await terminal.shows("Noted.")
  it.say("/clear")
  await terminal.shows(/^ new conversation/)
  it.say("Second things")
  await it.heard("Second things")
  await terminal.shows("Noted.")
  it.say("/resume")
  await terminal.shows("Second things  (here)")
  await terminal.shows("2 sessions")
  terminal.press("esc")
  await terminal.hides("2 sessions")
  await terminal.shows("› Second things")
  it.say("/resume")
  await terminal.shows("(here)")
  terminal.press("enter")
  await terminal.hides("(here)")
  it.say("/resume")
  await terminal.shows("(here)")
  terminal.press("down", "enter")
  await terminal.shows("› First things")
  expect(terminal.text()).not.toContain("Second things")
  it.say("Go on")
  const request = await it.heard("Go on")
  expect(JSON.stringify(request.messages)).toContain("First things")
}, 30_000)

test("/resume with a name or an id goes there at once; what is none is told", async () => {
  await using it = await talk({ settings: SETTINGS })
  const { terminal } = it
  it.say("First things")
  await terminal.shows("Noted.")
  it.say("/rename spring clean")
  await terminal.shows(/^ spring clean /)
  const [first] = storedAll<{ id: string }>(it.bench, "SELECT id FROM session")
  it.say("/resume spring clean")
  await terminal.shows("You are in that session.")
  it.say("/clear")
  await terminal.shows(/^ new conversation/)
  it.say("/resume no such thing")
  await terminal.shows('There is no session "no such thing".')
  it.say("/resume spring clean")
  await terminal.shows("› First things")
  it.say("/clear")
  await terminal.shows(/^ new conversation/)
  it.say(`/resume ${first!.id.slice(0, 8)}`)
  await terminal.shows("› First things")
}, 30_000)

test("a session that is left goes on, is marked so, and can't be deleted from here", async () => {
  await using it = await talk({
    settings: SETTINGS,
    root: [reply.calls([shell("sh wait.sh", BEHIND)]), reply.text("It runs.")],
    files: { "wait.sh": waits() },
  })
  const { terminal } = it
  it.say("Start it")
  await terminal.shows("It runs.")
  it.say("/clear")
  await terminal.shows(/^ new conversation/)
  it.say("/resume")
  await terminal.shows(/[◐◓◑◒] Start it/)
  terminal.press("down")
  await terminal.shows("1 task live")
  terminal.press("d")
  await terminal.shows("This window still drives that session: delete it after you have left.")
  terminal.press("up", "d")
  await terminal.shows(/You are in this session|Delete|still drives/)
  it.go()
  await it.heard("sh wait.sh")
  await terminal.shows(/^ {3}Start it/m)
}, 30_000)

test("a session that another process drives is marked, and refuses to be deleted", async () => {
  const gate = new Gate()
  await using it = await talk({ settings: SETTINGS, root: [reply.text("Done at last.").gate(gate)] })
  it.say("Take your time")
  await gate.reached()
  await using other = await it.open({ args: ["--resume"] })
  await other.shows(/[◐◓◑◒] Take your time/)
  await other.shows("at work")
  other.press("d")
  await other.shows("is at work in another process, so it can't be deleted")
  gate.open()
  await other.hides(/[◐◓◑◒] Take your time/)
  other.press("enter")
  await other.shows("Done at last.")
}, 30_000)

test("meanwhile --resume opens the screen; Esc and Ctrl+C leave, and the screen is given back", async () => {
  for (const key of ["esc", "ctrl+c"]) {
    await using it = await shelf()
    await it.terminal.shows("auth-research")
    it.terminal.press(key)
    expect(await it.terminal.exited).toBe(0)
    expect(it.terminal.isAlternate()).toBe(false)
    expect(it.terminal.mouseMode().tracking).toBe("none")
    // Nothing was begun.
    expect(storedAll(it.bench, "SELECT 1 FROM session WHERE parent_id IS NULL")).toHaveLength(7)
  }
})

test("what the command line says holds for the session that is picked", async () => {
  await using it = await shelf({ args: ["--permission-mode", "plan", "--resume"] })
  await it.terminal.shows("auth-research")
  it.terminal.press("enter")
  await it.terminal.shows("There are 12 tests")
  await it.terminal.shows(/^ +plan/m)
  const [row] = storedAll<{ mode: string }>(
    it.bench,
    `SELECT permission_mode AS mode FROM session WHERE id = '${ID.auth}'`,
  )
  expect(row?.mode).toBe("plan")
})

test("--resume --fork-session goes on in a fork of the one that is picked", async () => {
  await using it = await shelf({ args: ["--resume", "--fork-session", "--name", "second try"] })
  await it.terminal.shows("auth-research")
  it.terminal.press("enter")
  await it.terminal.shows("There are 12 tests")
  const [row] = storedAll<{ name: string; from: string }>(
    it.bench,
    `SELECT name, forked_from AS "from" FROM session WHERE name = 'second try'`,
  )
  expect(row).toEqual({ name: "second try", from: ID.auth })
})

test("a name on the command line needs no screen", async () => {
  await using it = await shelf({ args: ["--resume", "auth-research"] })
  await it.terminal.shows("There are 12 tests")
})
