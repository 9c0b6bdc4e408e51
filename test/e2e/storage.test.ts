// Output that is too much, by the real program: what is kept, and that whoever is shown some of it is told.
import { expect, test } from "bun:test"
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { eventually } from "../../testing/harness.ts"
import { workbench } from "../../testing/headless.ts"
import { type RecordedRequest, reply, script, startModelServer } from "../../testing/model-server.ts"

const RUN = ["--output-format", "stream-json", "--permission-mode", "bypassPermissions"]
const KB = 1024

/** 16 bytes a line, so that what was written where can be told: line n is at byte 16 n. */
const lines = (from: number, to: number) => `seq -f %015.0f ${from} ${to - 1}`
const line = (n: number) => String(n).padStart(15, "0")

function settle(home: string, storage: object): void {
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, "settings.json"), JSON.stringify({ storage }))
}

test("a command that prints too much goes on; its beginning and end are kept, and everybody who looks is told", async () => {
  await using server = await startModelServer()
  const command = `${lines(0, 100_000)}; touch half; until [ -e go ]; do sleep 0.02; done; ${lines(100_000, 200_000)}`
  const results: string[] = []
  const told = (request: RecordedRequest) => {
    results.push(request.results.at(-1)!.text)
    return taskOf(results.at(-1)!)
  }
  const look = (task: string, how: object) => reply.calls([{ name: "TaskOutput", input: { task_id: task, ...how } }])
  server.script = script.inOrder([
    reply.calls([{ name: "Bash", input: { command, run_in_background: true } }]),
    reply.text("It runs."),
    (request) => look(taskOf(request.news), { offset: 64 * KB }),
    (request) => look(told(request), {}),
    (request) => look(told(request), { grep: "0000[07]$" }),
    (request) => {
      told(request)
      return reply.text("Seen.")
    },
  ])
  await using bench = workbench(server)
  settle(bench.home, { commandOutputMb: 0.25 })
  const run = bench.start(["-p", "Run it", ...RUN])
  const { task_id: task } = await run.line(({ subtype }) => subtype === "task_started")
  const spool = () =>
    join(bench.home, "spool", readdirSync(join(bench.home, "spool")).find((name) => name.endsWith(".out"))!)
  // While it runs: the middle goes, and the command does not notice.
  await eventually("it is cut while it runs", () => {
    const { size, blocks } = statSync(spool())
    return size === 1_600_000 && blocks * 512 <= 300 * KB
  })
  const shown = await bench.run(["tasks", "show", task])
  expect(shown.stdout).toMatch(/1600000 bytes, of which \d+ in the middle were not kept/)
  await Bun.write(join(bench.cwd, "go"), "")
  const { exit, lines: said } = await run.finished
  server.check()
  expect(exit).toBe(0)

  const notice = said.find(({ subtype }) => subtype === "task_notification")!
  expect(notice.status).toBe("completed")
  expect(notice.result).toContain(line(0))
  expect(notice.result).toMatch(/… \d+ bytes left out, \d+ of them not kept …/)
  expect(notice.result).toEndWith(`${line(199_999)}\n`)

  const [atOffset, atEnd, matching] = results
  const size = /3200000 bytes, of which \d+ in the middle were not kept \(65536 to (\d+)\)/
  const goesOnAt = Number(size.exec(atOffset!)![1])
  expect(atOffset).toContain(`… ${goesOnAt - 65536} bytes left out: not kept (bytes 65536 to ${goesOnAt}) …`)
  expect(atEnd).toMatch(size)
  expect(atEnd).toContain(line(199_999))
  expect(matching).toContain(`8: ${line(7)}`)
  expect(matching).toContain("lines are counted from here:")

  const printed = (await bench.run(["tasks", "output", task])).stdout
  const [head, tail] = printed.split(/… \d+ bytes left out: not kept \(bytes \d+ to \d+\) …\n/)
  expect(head).toBe(Array.from({ length: 4096 }, (_, n) => `${line(n)}\n`).join(""))
  expect(tail).toBe(Array.from({ length: 200_000 - goesOnAt / 16 }, (_, n) => `${line(goesOnAt / 16 + n)}\n`).join(""))
  expect(statSync(spool()).size).toBe(3_200_000)
  expect(readFileSync(spool()).toString("latin1")).toContain("[meanwhile: ")
}, 60_000)

test("a host tidies up by itself: what is old goes, and its user is told when asking for it", async () => {
  await using server = await startModelServer()
  server.script = script.inOrder([
    reply.calls([{ name: "Bash", input: { command: "echo something to remember" } }]),
    reply.text("Done."),
    reply.calls([{ name: "Bash", input: { command: "until [ -e go ]; do sleep 0.02; done" } }]),
    reply.text("Done again."),
  ])
  await using bench = workbench(server)
  // A tenth of a second.
  settle(bench.home, { removeOutputDays: 0.000001 })
  const first = await bench.run(["-p", "Run it", ...RUN])
  const { task_id: task } = first.lines.find(({ subtype }) => subtype === "task_started")!
  const outputs = () => readdirSync(join(bench.home, "spool")).filter((name) => name.endsWith(".out"))
  expect(outputs()).toHaveLength(1)
  const [old] = outputs()
  // A session of its own: in one with a live task nothing would be touched.
  const second = bench.start(["-p", "And wait", ...RUN])
  await eventually("the old output has gone", () => !outputs().includes(old!), 20_000)
  await Bun.write(join(bench.cwd, "go"), "")
  expect((await second.finished).exit).toBe(0)
  const shown = await bench.run(["tasks", "output", task])
  expect(shown.stdout).toBe(
    "… its output of 22 bytes is no longer kept; this is the end of it: …\nsomething to remember\n",
  )
}, 60_000)

test.each([
  [{ commandOutputMb: 0 }, "storage.commandOutputMb must be a number over 0, but is 0"],
  [{ allOutputMb: "1 GB" }, 'storage.allOutputMb must be a number over 0, but is "1 GB"'],
  [{ removeSessionDays: -1 }, "storage.removeSessionDays must be a number, but is -1"],
  [[], "storage must be an object, but is []"],
])("settings that make no sense, %j, are told", async (storage, message) => {
  await using bench = workbench()
  settle(bench.home, storage)
  const { exit, stderr } = await bench.run(["-p", "Hello"])
  expect(exit).toBe(2)
  expect(stderr).toContain(message)
})

function taskOf(text: string): string {
  return /task="([a-z0-9]+)"/.exec(text)?.[1] ?? /^([a-z0-9]{12}) \(shell\)/m.exec(text)![1]!
}
