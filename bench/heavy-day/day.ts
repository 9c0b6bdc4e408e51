// A heavy day's work by the real program: sessions one after the other in one home, each a turn of many steps against a
// scripted model, with calls and results about as large as they are when people work: 5 KB that is new in each step, of
// the model's and of its tools', which makes some 12 million tokens in the day. What it leaves on the disk is counted.
import { lstatSync, mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type Reply, reply, startModelServer } from "../../testing/model-server.ts"
import { spawnMs } from "../measure.ts"

export interface Day {
  sessions: number
  /** Of each session; every tenth of them runs a command, the others read, search and edit. */
  steps: number
  /** At once. */
  side: number
}

export interface Left {
  /** On the disk, in bytes: all of it, the database with its log, and what commands wrote. */
  all: number
  database: number
  output: number
}

/** Bytes that commands print, the first time, the second, and so on; most are short, some are not, one runs away. */
const RUNAWAY = 200_000_000
function printed(n: number): number {
  if (n === 500) return RUNAWAY
  if (n % 100 === 0) return 1_000_000
  return n % 10 === 0 ? 50_000 : 300 + ((n * 997) % 4000)
}

export async function heavyDay(command: readonly string[], folder: string, day: Day): Promise<Left> {
  const home = join(folder, "heavy-home")
  const work = join(folder, "heavy-work")
  mkdirSync(work)
  for (let n = 0; n < FILES; n++) writeFileSync(join(work, `file${n}.ts`), sourceText(n))
  const sessions = Array.from({ length: day.sessions }, (_, n) => n)
  const worker = async () => {
    for (let n = sessions.shift(); n !== undefined; n = sessions.shift()) await session(command, { n, day, home, work })
  }
  await Promise.all(Array.from({ length: day.side }, worker))
  const database = ["meanwhile.db", "meanwhile.db-wal", "meanwhile.db-shm"].map((name) => join(home, name))
  return {
    all: onDisk(home),
    database: database.reduce((sum, path) => sum + onDisk(path), 0),
    output: onDisk(join(home, "spool")),
  }
}

interface Session {
  n: number
  day: Day
  home: string
  work: string
}

async function session(command: readonly string[], { n, day, home, work }: Session): Promise<void> {
  let step = 0
  await using server = await startModelServer({
    check: "off",
    script: () => (step++ < day.steps ? oneStep(n, { step, day }) : reply.text("It is done, and the tests are green.")),
  })
  const env = { ...server.env("anthropic"), MEANWHILE_HOME: home, MEANWHILE_MODEL: "anthropic/claude-sonnet-5-5" }
  const prompt = `Work on part ${n}. ${"What it should do, said in a few sentences. ".repeat(8)}`
  await spawnMs([...command, "-p", prompt, "--permission-mode", "bypassPermissions"], { folder: work, env })
}

const FILES = 50

/** What the model says and does in one step. */
function oneStep(n: number, { step, day }: { step: number; day: Day }): Reply {
  const file = `file${(n * 7 + step) % FILES}.ts`
  const said = "I look at how this part is done before I change it, because others depend on it. ".repeat(
    1 + (step % 5),
  )
  if (step % 10 === 0) {
    const bytes = printed((n * day.steps) / 10 + step / 10)
    const line = "ok   test/some/part.test.ts > does what it should do, and says so (12 ms)"
    return reply.calls(
      [{ name: "Bash", input: { command: `yes '${line}' | head -c ${bytes}`, description: "Run the tests" } }],
      { text: said },
    )
  }
  const read = { name: "Read", input: { file_path: file, offset: 1 + ((step * 40) % 300), limit: 70 } }
  const search = {
    name: "Grep",
    input: { pattern: `value${step % 9}_${step % 10}`, output_mode: "content", path: file },
  }
  const list = { name: "Glob", input: { pattern: "*.ts" } }
  const note = "What was found out here, and what is left to do about it, in a line.\n".repeat(18)
  const write = { name: "Write", input: { file_path: `notes/${n}-${step}.md`, content: note } }
  const turns = [[read], [read, search], [write], [search, list], [read]]
  return reply.calls(turns[step % turns.length]!, { text: said })
}

function sourceText(n: number): string {
  const line = (i: number) => `export const value${i % 9}_${i} = compute(${n}, ${i}) // what it is for, in some words`
  return Array.from({ length: 420 }, (_, i) => line(i)).join("\n")
}

/** POSIX: blocks of 512 bytes. A folder counts with all that is in it. */
function onDisk(path: string): number {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (!stat) return 0
  const own = stat.blocks * 512
  return stat.isDirectory() ? readdirSync(path).reduce((sum, name) => sum + onDisk(join(path, name)), own) : own
}
