// Whose doing a change of a file is, by its time and the commands at work then.
import { expect, test } from "bun:test"
import { commandsSince, isSurelyOf, suspectsOf } from "../../src/session/checkpoint-cause.ts"
import { ABSENT, knownOf } from "../../src/session/checkpoint-state.ts"
import { LINE_PREFIX } from "../../src/task/task.ts"
import { temporaryStore } from "../../testing/harness.ts"
import { seedSession, seedTask } from "../../testing/seed.ts"

const changeAt = (changedMs: number | undefined) => ({ path: "a", before: ABSENT, after: ABSENT, changedMs })
const input = (command: string) => JSON.stringify({ command, cwd: "/work" })

test("no suspects: a command that only reads, a line of the user's, one that had ended before, one that began after", async () => {
  using place = await temporaryStore()
  const at = (started_at: number, ended_at: number | null) => ({ created_at: started_at, started_at, ended_at })
  await place.store.write((tx) => {
    seedSession(tx, { id: "root" })
    const root = "root"
    seedTask(tx, { id: "before", root, task: { input: input("make") }, run: at(1000, 1990) })
    seedTask(tx, { id: "reads", root, task: { input: input("cat a") }, run: at(2005, null) })
    seedTask(tx, { id: "line", root, task: { input: input("make"), call_id: `${LINE_PREFIX}1` }, run: at(1500, null) })
    seedTask(tx, { id: "during", root, task: { input: input("make") }, run: at(1900, 2100) })
    seedTask(tx, { id: "after", root, task: { input: input("make") }, run: at(2100, null) })
  })
  const runs = commandsSince(place.store, "root", 1000)
  expect(runs.map(({ id }) => id)).toEqual(["run-before", "run-during", "run-after"])
  expect(suspectsOf(changeAt(2000), runs).map(({ id }) => id)).toEqual(["run-during"])
  // Of a file that is gone there is no time.
  expect(suspectsOf(changeAt(undefined), runs)).toEqual(runs)
})

test("a change is surely a command's when it was looked at before that, and it does not last", () => {
  const run = {
    id: "r",
    owner_id: "root",
    call_id: "c",
    created_at: 2000,
    started_at: 2000,
    ended_at: null,
    lasts: 0,
  } as const
  const isSure = (more: object = {}, seen = true) => isSurelyOf({ suspects: [{ ...run, ...more }], seen: () => seen })
  expect(isSure()).toBe(true)
  expect(isSure({}, false)).toBe(false)
  expect(isSure({ lasts: 1 })).toBe(false)
  // File systems' times may be behind: it was the command.
  expect(suspectsOf(changeAt(1990), [run])).toEqual([run])
  expect(suspectsOf(changeAt(1900), [run])).toEqual([])
})

test("a file that may change once more without other times is not taken for unchanged the next time", () => {
  const looked = { state: ABSENT, signature: "5 2000", changedMs: 2000 }
  expect(knownOf(looked, 2001).signature).not.toBe("5 2000")
  expect(knownOf(looked, 3000).signature).toBe("5 2000")
})
