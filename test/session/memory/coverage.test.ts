// Every message is in exactly one update of the memory, or still behind it: over a session of 300 turns whose process is
// killed in the middle of an update, that is compacted twice, and forked.
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdirSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { type Hosted, openProgram, type Program } from "../../../src/program.ts"
import { compactionOf } from "../../../src/session/compaction.ts"
import { lastSeq, messagesAfter } from "../../../src/session/lineage.ts"
import { memoryOf } from "../../../src/session/memory/memory.ts"
import { sizeAfter } from "../../../src/session/memory/news.ts"
import { versionsOf } from "../../../src/session/memory/versions.ts"
import type { LedgerRow, SessionRow } from "../../../src/store/rows.ts"
import { Gate } from "../../../testing/gate.ts"
import { eventually } from "../../../testing/harness.ts"
import { type Workbench, workbench } from "../../../testing/headless.ts"
import { type ModelServer, type RecordedRequest, reply, startModelServer } from "../../../testing/model-server.ts"

const TURNS_BEFORE_KILL = 60
const TURNS = 300
const FORK_TURNS = 30
/** In characters: what is new after a turn waits until it is so much. */
const MOST_BEHIND = 16_000

let server: ModelServer
let bench: Workbench
/** Updates that were answered with what can be stored. */
const good: RecordedRequest[] = []
let program: Program
let row: SessionRow
let cut: RecordedRequest

/** Long enough that some ten turns make an update; each fifth one calls a tool. */
function answer(request: RecordedRequest) {
  const last = request.messages.at(-1)!.content.at(-1)!
  const n = Number(/prompt (\d+):/.exec(last.type === "text" ? last.text : "")?.[1] ?? Number.NaN)
  if (n % 5 === 0)
    return reply.calls([{ name: "TodoWrite", input: { todos: [{ content: `step ${n}`, status: "pending" }] } }])
  return reply.text(`done: ${"all of that was seen to ".repeat(30)}`)
}

function update(request: RecordedRequest) {
  good.push(request)
  return reply.text(
    JSON.stringify({ status: [`after ${numbersIn(request).at(-1)}`], log: ["2026-01-01 10:00 went on"] }),
  )
}

/** Of the messages that a request tells. */
function numbersIn(request: RecordedRequest): number[] {
  const text = request.messages.flatMap(({ content }) => content.map((part) => (part.type === "text" ? part.text : "")))
  return [...text.join("\n").matchAll(/^\[(\d+)\] /gm)].map(([, number]) => Number(number))
}

const told = (requests: readonly RecordedRequest[]) => requests.flatMap(numbersIn)
const upTo = (to: number, from = 1) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

async function talk(hosted: Hosted, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n++) {
    await hosted.prompt([{ type: "text", text: `prompt ${n}: ${"please go on with this work ".repeat(40)}` }])
    await hosted.converse({ signal: new AbortController().signal, steps: 50 })
  }
}

/** Has the host take in what is new. */
async function caughtUp(of: SessionRow): Promise<void> {
  await program.view(of).control({ action: "memory" })
  await eventually(
    "the memory covers all",
    () => memoryOf(program.store, of.id).coversSeq === lastSeq(program.store, of.id),
    30_000,
  )
}

async function open(): Promise<Program> {
  return openProgram({ env: { ...bench.env }, cwd: bench.cwd, answerable: true, memory: "every" })
}

beforeAll(async () => {
  server = await startModelServer({ script: answer })
  bench = workbench(server)
  mkdirSync(bench.home, { recursive: true, mode: 0o700 })
  writeFileSync(join(bench.home, "settings.json"), JSON.stringify({ memory: { share: 1000 } }))
  // The third update hangs, and its process is killed.
  const never = new Gate()
  server.aside = (request, purpose) => {
    if (purpose !== "memory") return undefined
    if (server.asides.length < 3) return update(request)
    cut = request
    return reply.text("{").gate(never)
  }
  const child = Bun.spawn(
    [
      process.execPath,
      resolve(import.meta.dir, "../../../testing/memory-main.ts"),
      bench.cwd,
      "0",
      String(TURNS_BEFORE_KILL),
    ],
    { cwd: bench.cwd, env: { ...bench.env }, stdout: "pipe", stderr: "inherit" },
  )
  await server.askedAside(3, 60_000)
  child.kill("SIGKILL")
  await child.exited
  program = await open()
  row = program.store.one<SessionRow>("SELECT * FROM session")!
}, 90_000)

afterAll(async () => {
  program?.close()
  await bench?.[Symbol.asyncDispose]()
  await server?.[Symbol.asyncDispose]()
})

describe("a session of 300 turns", () => {
  test("whose process was killed during an update covers what was stored, and no more", () => {
    const { coversSeq } = memoryOf(program.store, row.id)
    expect(told(good)).toEqual(upTo(coversSeq))
    expect(numbersIn(cut)[0]).toBe(coversSeq + 1)
    expect(lastSeq(program.store, row.id)).toBeGreaterThan(coversSeq)
  })

  test("closes what the update had cost as a guess, once somebody else goes on, and takes its messages in again", async () => {
    server.aside = (request, purpose) => (purpose === "memory" ? update(request) : undefined)
    const hosted = (await program.host(row))!
    // The next one is this process's own.
    const rows = program.store.all<LedgerRow>("SELECT * FROM ledger WHERE purpose = 'memory' ORDER BY rowid LIMIT 3")
    expect(rows.map(({ state }) => state)).toEqual(["closed", "closed", "estimated"])
    expect(rows[2]!.input_tokens).toBeGreaterThan(0)
    await talk(hosted, 1000, 1010)
    await caughtUp(row)
    expect(told(good)).toEqual(upTo(lastSeq(program.store, row.id)))
    hosted.release()
  }, 60_000)

  test("has each message in one update or behind them, through a bad answer, two compactions in a row and a fork", async () => {
    let isBad = true
    server.aside = (request, purpose) => {
      if (purpose !== "memory") return undefined
      if (!isBad) return update(request)
      isBad = false
      return reply.text("I have taken that in.")
    }
    const hosted = (await program.host(row))!
    const begun = lastSeq(program.store, row.id)
    await talk(hosted, 2000, 2100)
    await eventually("the bad answer came", () => !isBad, 30_000)
    await caughtUp(row)
    const compact = async () => {
      const before = compactionOf(program.store, row.id)?.id
      await program.view(row).control({ action: "compact" })
      await eventually("it is compacted", () => compactionOf(program.store, row.id)?.id !== before)
    }
    await compact()
    await talk(hosted, 2100, 2150)
    await compact()
    // Somewhere between two updates, or in the middle of one.
    await talk(hosted, 2150, 2153)
    const { version } = memoryOf(program.store, row.id)
    const { row: fork } = await program.forkSession(row.id, {})
    const inherited = memoryOf(program.store, fork.id)
    const ofThen = versionsOf(program.store, row.id).filter((one) => one.version >= version)
    expect(ofThen.map(({ coversSeq }) => coversSeq)).toContain(inherited.coversSeq)
    await talk(hosted, 2153, 2000 + TURNS - TURNS_BEFORE_KILL)
    // What is neither here nor there would be forgotten. From then on none is due.
    const isBehind = () => {
      const { coversSeq } = memoryOf(program.store, row.id)
      return sizeAfter(program.store, row.id, coversSeq).characters >= MOST_BEHIND
    }
    await eventually("the memory has followed by itself", () => !isBehind(), 30_000)
    hosted.release()
    const last = lastSeq(program.store, row.id)
    const { coversSeq } = memoryOf(program.store, row.id)
    expect(last - begun).toBeGreaterThan(2 * (TURNS - TURNS_BEFORE_KILL))
    expect(told(good)).toEqual(upTo(coversSeq))
    expect(messagesAfter(program.store, row.id, coversSeq).map(({ seq }) => seq)).toEqual(upTo(last, coversSeq + 1))

    good.length = 0
    const forked = (await program.host(fork))!
    await talk(forked, 3000, 3000 + FORK_TURNS)
    await caughtUp(fork)
    forked.release()
    expect(told(good)).toEqual(upTo(lastSeq(program.store, fork.id), inherited.coversSeq + 1))
    // The origin does not know of what was said in the fork.
    expect(memoryOf(program.store, row.id).coversSeq).toBe(coversSeq)
  }, 120_000)
})
