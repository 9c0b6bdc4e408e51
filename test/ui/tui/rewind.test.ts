// Going back, in a real terminal: esc esc and /rewind, where to, what of it, and what becomes of the files.

import { expect, test } from "bun:test"
import { execFileSync } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { eventually } from "../../../testing/harness.ts"
import { reply } from "../../../testing/model-server.ts"
import { storedAll } from "./stored.ts"
import { shell, type Talk, talk } from "./talk.ts"

const TITLES = { settings: { titles: "prompt" }, files: { "a.txt": "one\n" } }
const WRITES = [reply.calls([shell("sh -c 'echo two > a.txt; echo new > b.txt'")]), reply.text("Both are written.")]

function repository(it: Talk): void {
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=A", "-c", "user.email=a@b.c", ...args], { cwd: it.bench.cwd })
  git("init", "-q")
  git("add", "-A")
  git("commit", "-q", "-m", "first")
}

async function story(it: Talk): Promise<void> {
  repository(it)
  it.say("Say hello")
  await it.terminal.shows("Hello there.")
  it.say("Write both")
  await it.terminal.shows("Both are written.")
  await it.bench.stored("SELECT 1 FROM file_change WHERE path = 'b.txt'")
}

function read(it: Talk, name: string): string | undefined {
  const path = join(it.bench.cwd, name)
  return existsSync(path) ? readFileSync(path, "utf8") : undefined
}

test("esc twice on an empty prompt lists the prompts; both goes back, and the prompt is in the editor", async () => {
  await using it = await talk({ ...TITLES, root: [reply.text("Hello there."), ...WRITES] })
  await story(it)
  it.terminal.press("escape")
  await it.terminal.shows("esc again goes back")
  it.terminal.press("escape")
  await it.terminal.shows("Go back to before")
  await it.terminal.shows(/› +Write both.*2 files since/)
  await it.terminal.shows(/Say hello.*2 files since/)
  it.terminal.press("enter")
  await it.terminal.shows(/changes back +a\.txt \+1 −1/)
  await it.terminal.shows(/is removed +b\.txt/)
  await it.terminal.shows("conversation only")
  it.terminal.press("b")
  await it.terminal.shows("2 files taken back.")
  await it.terminal.shows("│ › Write both")
  await it.terminal.shows("Hello there.")
  expect(it.terminal.text()).not.toContain("Both are written.")
  expect([read(it, "a.txt"), read(it, "b.txt")]).toEqual(["one\n", undefined])
  // It is sent again as any other prompt, in the session that goes on.
  it.server.script = () => reply.text("Another time.")
  it.terminal.press("enter")
  await it.terminal.shows("Another time.")
  expect(storedAll(it.bench, "SELECT 1 FROM session WHERE forked_from IS NOT NULL")).toHaveLength(1)
  // And the rewind can be taken back itself.
  it.say("/rewind")
  await it.terminal.shows("(files were taken back)")
  it.terminal.type("taken")
  it.terminal.press("enter")
  await it.terminal.shows("files only")
  it.terminal.press("f")
  await eventually("the files are as they were", () => read(it, "b.txt") === "new\n" && read(it, "a.txt") === "two\n")
}, 60_000)

test("esc twice in one read, as over a slow line, is twice", async () => {
  await using it = await talk({ ...TITLES, root: [reply.text("Hello there."), ...WRITES] })
  await story(it)
  it.terminal.type("\x1b\x1b")
  await it.terminal.shows("Go back to before")
})

test("conversation only leaves the files; a file that somebody else has changed is asked about, and kept by Enter", async () => {
  await using it = await talk({ ...TITLES, root: [reply.text("Hello there."), ...WRITES] })
  await story(it)
  writeFileSync(join(it.bench.cwd, "a.txt"), "mine\n")
  it.say("/rewind")
  await it.terminal.shows("Go back to before")
  it.terminal.press("enter")
  await it.terminal.shows("changed by somebody else too")
  it.terminal.press("f")
  await it.terminal.shows("1 file was changed by somebody else as well")
  await it.terminal.shows("keep them as they are now")
  it.terminal.press("enter")
  await it.terminal.shows("1 file taken back.")
  expect([read(it, "a.txt"), read(it, "b.txt")]).toEqual(["mine\n", undefined])
  await it.terminal.shows("Both are written.")
  it.say("/rewind")
  await it.terminal.shows("Go back to before")
  it.terminal.type("hello")
  it.terminal.press("enter")
  await it.terminal.shows("conversation only")
  it.terminal.press("c")
  await it.terminal.shows("│ › Say hello")
  await it.terminal.shows("You are back before that prompt.")
  expect(read(it, "a.txt")).toBe("mine\n")
}, 60_000)

test("esc closes the list and the question and changes nothing; with text in the prompt it is no rewind", async () => {
  await using it = await talk({ ...TITLES, root: [reply.text("Hello there."), ...WRITES] })
  it.terminal.press("escape")
  await it.terminal.shows("esc again goes back")
  it.terminal.press("escape")
  await it.terminal.shows("there is nothing to go back to")
  await story(it)
  it.say("/rewind")
  await it.terminal.shows("Go back to before")
  it.terminal.press("enter")
  await it.terminal.shows("conversation only")
  it.terminal.press("escape")
  await it.terminal.shows("? keys")
  it.terminal.type("draft")
  it.terminal.press("escape")
  it.terminal.press("escape")
  await it.terminal.shows("│ › draft")
  expect(it.terminal.text()).not.toContain("Go back to before")
  expect(storedAll(it.bench, "SELECT 1 FROM rewind")).toHaveLength(0)
  expect(read(it, "b.txt")).toBe("new\n")
}, 60_000)
