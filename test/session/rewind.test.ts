import { expect, test } from "bun:test"
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { openData } from "../../src/program.ts"
import { reply } from "../../testing/model-server.ts"
import { call, rewinding, shell } from "./rewinding.ts"

const BINARY = Buffer.from([0, 255, 10, 13, 13, 10, 0, 200])

for (const repository of [true, false])
  test(`a shell's changes are taken back ${repository ? "in a repository" : "without git"}: content, deletion, creation, mode, link`, async () => {
    await using it = await rewinding({
      repository,
      files: { "a.txt": "one\n", "sub/b.bin": BINARY, "gone.txt": "was here\n", "run.sh": "echo\n", "new/keep": "x" },
      setUp: (folder) => symlinkSync("a.txt", `${folder}/link`),
    })
    await it.looked()
    await it.say("Go", [
      reply.calls([
        shell(
          "echo two >> a.txt; printf x > sub/b.bin; rm gone.txt; chmod +x run.sh; ln -sfn run.sh link; mkdir -p made/deep; echo y > made/deep/file; echo 'odd' > 'we ird\"é'",
        ),
      ]),
    ])
    await it.recorded(7)
    expect(
      it
        .changes()
        .map(({ path, cause }) => `${cause} ${path}`)
        .sort(),
    ).toEqual(
      ["a.txt", "gone.txt", "link", "made/deep/file", "run.sh", "sub/b.bin", 'we ird"é']
        .map((path) => `shell ${path}`)
        .sort(),
    )
    expect(it.point("Go").since.files).toHaveLength(7)
    const { taken } = await it.back("Go", "files")
    expect(taken).toHaveLength(7)
    expect(readFileSync(it.path("a.txt"), "utf8")).toBe("one\n")
    expect(readFileSync(it.path("sub/b.bin")).equals(BINARY)).toBe(true)
    expect(readFileSync(it.path("gone.txt"), "utf8")).toBe("was here\n")
    expect(statSync(it.path("run.sh")).mode & 0o111).toBe(0)
    expect(readlinkSync(it.path("link"))).toBe("a.txt")
    expect(existsSync(it.path("made"))).toBe(false)
    expect(existsSync(it.path('we ird"é'))).toBe(false)
    expect(existsSync(it.path("new/keep"))).toBe(true)
    if (repository) expect(it.git("status", "--porcelain", "--", ".", ":!link")).toBe("")
  }, 40_000)

test("Write and Edit are taken back to any prompt, and a rewind of files can itself be taken back", async () => {
  await using it = await rewinding({ files: { "a.txt": "one\n" } })
  await it.say("First", [
    reply.calls([call("Read", { file_path: "a.txt" })]),
    reply.calls([call("Edit", { file_path: "a.txt", old_string: "one", new_string: "two" })]),
    reply.calls([call("Write", { file_path: "n/b.txt", content: "new\n" })]),
  ])
  await it.say("Second", [reply.calls([call("Edit", { file_path: "a.txt", old_string: "two", new_string: "three" })])])
  await it.recorded(3)
  expect(it.point("First").since).toMatchObject({ files: ["a.txt", "n/b.txt"], added: 3, removed: 2 })
  expect(it.point("Second").since).toMatchObject({ files: ["a.txt"], added: 1, removed: 1 })
  await it.looked()
  await it.back("Second", "files")
  expect(readFileSync(it.path("a.txt"), "utf8")).toBe("two\n")
  expect(existsSync(it.path("n/b.txt"))).toBe(true)
  await it.back("First", "files")
  expect(readFileSync(it.path("a.txt"), "utf8")).toBe("one\n")
  expect(existsSync(it.path("n"))).toBe(false)
  const [last] = it.program.rewind.points(it.row)
  expect(last!.type).toBe("rewind")
  const plan = await it.program.rewind.plan(it.row, last!)
  expect(plan.takes.map(({ path }) => path)).toEqual(["a.txt", "n/b.txt"])
  await it.program.rewind.go(it.row, { point: last!, what: "files", steps: plan.takes })
  expect(readFileSync(it.path("a.txt"), "utf8")).toBe("two\n")
  expect(readFileSync(it.path("n/b.txt"), "utf8")).toBe("new\n")
}, 40_000)

test("the user's own edit after ours is shown, and kept unless it is wanted otherwise", async () => {
  await using it = await rewinding({ files: { "a.txt": "one\n", "b.txt": "one\n" } })
  await it.looked()
  await it.say("Go", [reply.calls([shell("echo two > a.txt; echo two > b.txt")])])
  await it.recorded(2)
  writeFileSync(it.path("a.txt"), "mine\n")
  const plan = await it.program.rewind.plan(it.row, it.point("Go"))
  expect(plan.takes.map(({ path }) => path)).toEqual(["b.txt"])
  expect(plan.others.map(({ path }) => path)).toEqual(["a.txt"])
  await it.back("Go", "files")
  expect(readFileSync(it.path("a.txt"), "utf8")).toBe("mine\n")
  expect(readFileSync(it.path("b.txt"), "utf8")).toBe("one\n")
  await it.back("Go", "files", { others: true })
  expect(readFileSync(it.path("a.txt"), "utf8")).toBe("one\n")
}, 40_000)

test("an edit of the user's between two of ours is shown as well", async () => {
  await using it = await rewinding({ files: { "a.txt": "one\n" } })
  await it.looked()
  await it.say("First", [reply.calls([shell("echo two > a.txt")])])
  await it.recorded(1)
  writeFileSync(it.path("a.txt"), "mine\n")
  await it.say("Second", [reply.calls([shell("cat a.txt >/dev/null; echo three >> a.txt")])])
  await it.recorded(2)
  const first = await it.program.rewind.plan(it.row, it.point("First"))
  expect(first.others.map(({ path }) => path)).toEqual(["a.txt"])
  const second = await it.program.rewind.plan(it.row, it.point("Second"))
  expect(second.takes.map(({ path }) => path)).toEqual(["a.txt"])
  await it.back("Second", "files")
  expect(readFileSync(it.path("a.txt"), "utf8")).toBe("mine\n")
}, 40_000)

test("an edit from before a command that began before the look was over is not taken for the command's: it is asked about", async () => {
  await using it = await rewinding({ files: { "a.txt": "one\n", "b.txt": "one\n" }, lookPatienceMs: 1 })
  await it.looked()
  it.holdLooks()
  writeFileSync(it.path("a.txt"), "mine\n")
  await it.say("Go", [reply.calls([shell("echo two >> a.txt")])])
  it.goOn()
  await it.recorded(1)
  await it.looked()
  const { takes, others } = await it.program.rewind.plan(it.row, it.point("Go"))
  expect(takes).toEqual([])
  expect(others.map(({ path, isSure }) => ({ path, isSure }))).toEqual([{ path: "a.txt", isSure: false }])
  await it.back("Go", "files")
  expect(readFileSync(it.path("a.txt"), "utf8")).toBe("mine\ntwo\n")
}, 40_000)

test("what a command changed before the first look was over is said not to be known", async () => {
  await using it = await rewinding({ files: { "a.txt": "one\n" }, lookPatienceMs: 1, isHeld: true })
  await it.say("Go", [reply.calls([shell("echo two > a.txt")])])
  it.goOn()
  await it.recorded(1)
  expect(it.point("Go").since).toMatchObject({
    files: [],
    gaps: ["a command began before the first look at the project was over"],
  })
}, 40_000)

test("what changes while only a dev server is at work is asked about", async () => {
  await using it = await rewinding({ files: { "a.txt": "one\n" } })
  await it.looked()
  const server = "while ! [ -e ../go ]; do sleep 0.02; done"
  await it.say("Go", [reply.calls([shell(server, { run_in_background: true, service: true })])])
  writeFileSync(it.path("a.txt"), "mine\n")
  await it.say("Again", [reply.text("Yes.")])
  await it.recorded(1)
  const { takes, others } = await it.program.rewind.plan(it.row, it.point("Go"))
  expect(takes).toEqual([])
  expect(others.map(({ path, isSure }) => ({ path, isSure }))).toEqual([{ path: "a.txt", isSure: false }])
  writeFileSync(it.path("../go"), "")
}, 40_000)

test("the conversation goes back in a fork that takes over the name; what came after stays in the origin", async () => {
  await using it = await rewinding({ files: { "a.txt": "one\n" } })
  await it.program.rename(it.row.id, "work")
  const origin = it.row.id
  await it.say("First", [reply.text("Yes, first.")])
  await it.say("Second", [reply.calls([call("Write", { file_path: "b.txt", content: "b\n" })])])
  await it.back("Second", "conversation")
  expect(it.row.id).not.toBe(origin)
  expect(it.row.name).toBe("work")
  expect(existsSync(it.path("b.txt"))).toBe(true)
  const names = it.program.store.all<{ name: string }>("SELECT name FROM session ORDER BY created_at, rowid")
  expect(names.map(({ name }) => name)).toEqual(["work (before rewind)", "work"])
  await it.say("Third", [reply.text("Third it is.")])
  const asked = it.server.requests.at(-1)!
  const text = JSON.stringify(asked.messages)
  expect(text).toContain("Yes, first.")
  expect(text).not.toContain("Second")
  expect(text).toContain("Files stayed as they were made after it")
  it.server.check()
  // What the origin did behind the split is on the disk: from before the first prompt on it is known.
  expect(it.point("First").since.files).toEqual(["b.txt"])
  expect(it.point("Third").since.files).toEqual([])
  await it.back("First", "both")
  expect(existsSync(it.path("b.txt"))).toBe(false)
  expect(it.row.fork_seq).toBe(0)
  expect(it.program.rewind.points(it.row).map(({ type }) => type)).toEqual(["rewind"])
}, 40_000)

test("edits by three agents and a shell are taken back together", async () => {
  const agent = (name: string) => [
    reply.calls([call("Write", { file_path: `${name}.txt`, content: `${name}\n` })]),
    reply.calls([shell(`echo ${name} >> shared-${name}.txt`)]),
    reply.text("Done."),
  ]
  await using it = await rewinding({
    files: { "shared-a.txt": "s\n", "shared-b.txt": "s\n", "shared-c.txt": "s\n", "d.txt": "d\n" },
    agents: { "Be a.": agent("a"), "Be b.": agent("b"), "Be c.": agent("c") },
  })
  await it.looked()
  const start = (name: string) =>
    call("Agent", {
      subagent_type: "general-purpose",
      description: name,
      prompt: `Be ${name}.`,
      run_in_background: name === "c",
    })
  await it.say("Go", [reply.calls([start("a"), start("b"), start("c"), shell("rm d.txt")])])
  await it.recorded(7)
  const { taken } = await it.back("Go", "files")
  expect(taken.map(({ path }) => path)).toEqual([
    "a.txt",
    "b.txt",
    "c.txt",
    "d.txt",
    "shared-a.txt",
    "shared-b.txt",
    "shared-c.txt",
  ])
  expect(it.git("status", "--porcelain")).toBe("")
}, 60_000)

test("a branch that a command has switched to is taken back file by file, and git's own state is not touched", async () => {
  await using it = await rewinding({
    files: { "a.txt": "one\n", "same.txt": "same\n" },
    setUp: (_, git) => {
      git("checkout", "-q", "-b", "other")
      git("rm", "-q", "a.txt")
      git("commit", "-q", "-m", "without")
      git("checkout", "-q", "main")
    },
  })
  await it.looked()
  await it.say("Go", [reply.calls([shell("git checkout -q other && echo z > z.txt && git add z.txt")])])
  await it.recorded(2)
  const before = [it.git("rev-parse", "HEAD"), it.git("ls-files", "-s"), it.git("stash", "list"), it.git("reflog")]
  await it.back("Go", "files")
  expect(readFileSync(it.path("a.txt"), "utf8")).toBe("one\n")
  expect(existsSync(it.path("z.txt"))).toBe(false)
  expect([it.git("rev-parse", "HEAD"), it.git("ls-files", "-s"), it.git("stash", "list"), it.git("reflog")]).toEqual(
    before,
  )
}, 40_000)

test("what a file held is safe from git's collector as long as the session is there, and goes with it", async () => {
  await using it = await rewinding({ files: { ".gitignore": "ignored\n", "a.txt": "one\n" } })
  writeFileSync(it.path("mine.txt"), "never committed\n")
  writeFileSync(it.path("ignored"), "i\n")
  await it.say("Go", [reply.calls([shell("echo two > mine.txt; echo two > ignored")])])
  await it.recorded(1)
  expect(it.changes().map(({ path }) => path)).toEqual(["mine.txt"])
  const ref = () => it.git("for-each-ref", "refs/meanwhile").trim()
  const { eventually } = await import("../../testing/harness.ts")
  await eventually("the ref holds it", () => ref() !== "")
  it.git("gc", "--prune=now", "-q")
  await it.back("Go", "files")
  expect(readFileSync(it.path("mine.txt"), "utf8")).toBe("never committed\n")
  it.letGo()
  await it.program.removeSession(it.row.id)
  expect(ref()).toBe("")
  expect(existsSync(`${it.bench.home}/checkpoint/${it.row.id}`)).toBe(false)
}, 40_000)

test("a worktree is its own place, a submodule and an own repository within are left alone", async () => {
  await using it = await rewinding({
    below: "tree",
    repository: false,
    setUp: (folder, git) => {
      const main = `${folder}/../main`
      mkdirSync(main)
      git("init", "-q", "-b", "main", main)
      writeFileSync(`${main}/a.txt`, "one\n")
      git("-C", main, "add", "-A")
      git("-C", main, "commit", "-q", "-m", "first")
      git("-C", main, "worktree", "add", "-q", "-f", "-b", "side", folder)
      git("init", "-q", `${folder}/inner`)
      writeFileSync(`${folder}/inner/x.txt`, "x\n")
    },
  })
  await it.looked()
  await it.say("Go", [reply.calls([shell("echo two > a.txt; echo y > inner/x.txt")])])
  await it.recorded(1)
  expect(it.changes().map(({ path }) => path)).toEqual(["a.txt"])
  await it.back("Go", "files")
  expect(readFileSync(it.path("a.txt"), "utf8")).toBe("one\n")
}, 40_000)

test("a file that git converts on the way is not put back wrong: it is listed as not known", async () => {
  await using it = await rewinding({
    files: { ".gitattributes": "*.txt text eol=crlf\n" },
    setUp: (folder, git) => {
      writeFileSync(`${folder}/a.txt`, "one\r\n")
      git("add", "-A")
      git("commit", "-q", "-m", "crlf")
    },
  })
  await it.looked()
  await it.say("Go", [reply.calls([shell("echo two > a.txt")])])
  await it.recorded(1)
  const plan = await it.program.rewind.plan(it.row, it.point("Go"))
  expect(plan.takes).toEqual([])
  expect(plan.lost.map(({ path }) => path)).toEqual(["a.txt"])
}, 40_000)

for (const [what, command] of [
  ["only reads", "true && true"],
  ["changes nothing", "sh -c true"],
])
  test(`a command that ${what} leaves no row, and neither does the user who edits while none runs`, async () => {
    await using it = await rewinding({ files: { "a.txt": "one\n" } })
    await it.looked()
    await it.say("Go", [reply.calls([shell(command!)])])
    await it.looked()
    writeFileSync(it.path("a.txt"), "mine\n")
    chmodSync(it.path("a.txt"), 0o600)
    await it.say("Again", [reply.calls([shell(command!)])])
    await it.looked()
    expect(it.changes()).toEqual([])
  }, 40_000)

test("while a turn or a task is at work it is refused, and nothing is touched", async () => {
  await using it = await rewinding({ files: { "a.txt": "one\n" } })
  await it.looked()
  await it.say("Go", [
    reply.calls([shell("echo two > a.txt; while ! [ -e go ]; do sleep 0.02; done", { run_in_background: true })]),
    () => {
      // Asked in the middle of the turn.
      expect(it.program.rewind.obstacle(it.row, "conversation")).toContain("interrupt it first")
      expect(it.program.rewind.go(it.row, { point: it.point("Go"), what: "conversation", steps: [] })).rejects.toThrow(
        "interrupt it first",
      )
      writeFileSync(it.path("go"), "")
      return reply.text("Done.")
    },
  ])
  expect(it.program.rewind.obstacle(it.row, "files")).toBeUndefined()
}, 40_000)

test("a row that names something outside of the project, or git's own, does nothing", async () => {
  await using it = await rewinding({ repository: false, below: "project", files: { "a.txt": "one\n" } })
  await it.say("Go", [reply.calls([call("Write", { file_path: "b.txt", content: "b\n" })])])
  await it.recorded(1)
  writeFileSync(it.path("../out.txt"), "out\n")
  const { store } = await openData({ ...it.bench.env })
  const odd = ["../out.txt", ".git/config", ".git", "sub/../../out.txt", "/etc/hostname", ".", "x/.git/hooks/y"]
  for (const path of odd)
    await store.writeFreely((tx) =>
      tx.run(
        `INSERT INTO file_change (root_id, session_id, after_seq, path, cause, before, after, kept, created_at)
         SELECT root_id, session_id, after_seq, :path, cause, before, after, kept, created_at FROM file_change LIMIT 1`,
        { path },
      ),
    )
  await store.writeFreely((tx) =>
    tx.run(
      `INSERT INTO file_change (root_id, session_id, after_seq, path, cause, before, after, kept, created_at)
       SELECT root_id, session_id, after_seq, 'c.txt', cause, :before, after, 'copy', created_at FROM file_change LIMIT 1`,
      { before: JSON.stringify({ kind: "file", oid: "../../../../../etc/hostname" }) },
    ),
  )
  store.close()
  const plan = await it.program.rewind.plan(it.row, it.point("Go"))
  expect(plan.takes.map(({ path }) => path)).toEqual(["b.txt"])
  expect(plan.others).toEqual([])
  expect(plan.lost.map(({ path }) => path)).toEqual(["c.txt"])
  expect(readFileSync(it.path("../out.txt"), "utf8")).toBe("out\n")
}, 40_000)
