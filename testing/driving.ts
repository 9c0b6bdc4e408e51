// A session that the test's own process drives: real rows, real turns and agents, a scripted model, and commands that
// end when the test says so. A write commits before its call returns, so the order of calls is the order of commits.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { PermissionMode } from "../src/base/permission-mode.ts"
import { type Hosted, openProgram, type Program, type ProgramOptions } from "../src/program.ts"
import type { ConversationEnd } from "../src/session/converse.ts"
import type { RunRow, TurnRow } from "../src/store/rows.ts"
import { GatedKind } from "./gated-kind.ts"
import { eventually } from "./harness.ts"
import { type Workbench, workbench } from "./headless.ts"
import { type ModelServer, type RecordedRequest, type Step, script, startModelServer } from "./model-server.ts"

export interface DrivingOptions {
  /** What the session's model says, step by step. */
  root: readonly Step[]
  /** By name: the agent whose prompt is "Be NAME.". */
  agents?: Record<string, readonly Step[]>
  settings?: object
  program?: Partial<ProgramOptions>
  permissionMode?: PermissionMode
  /** Requests that may begin a new prefix: the first one after a compaction. */
  restarts?: (request: RecordedRequest) => boolean
}

/** What became of a run's end. */
export interface EndOfRun extends Pick<RunRow, "state" | "notice"> {
  /** Its settled notice: rows in the inbox, and messages of the conversation. */
  inbox: number
  messages: number
}

export interface Driving extends AsyncDisposable {
  readonly server: ModelServer
  readonly bench: Workbench
  readonly program: Program
  readonly hosted: Hosted
  /** Commands: they end by `finish`. */
  readonly shell: GatedKind
  say(text: string): Promise<void>
  /** Drives the session until nothing waits and no task lives, or the signal is aborted. */
  converse(signal?: AbortSignal): Promise<ConversationEnd>
  /** The newest run of the task with that description, as it is now. */
  run(description: string): RunRow
  begun(description: string): Promise<RunRow>
  ended(description: string): Promise<RunRow>
  /** Ends a command, with the result that the model is to read, and resolves when that is stored. */
  finish(description: string, result: string): Promise<void>
  end(description: string): EndOfRun
  /** The session's own requests. */
  asked(): RecordedRequest[]
  /** How often the session's model had read this text when it was asked last. */
  read(text: string): number
  turns(): TurnRow[]
  /** What was logged as gone wrong. */
  errors(): string[]
  /** Resolves when the session has nothing to say for now. */
  turnOver(): Promise<void>
}

/** By its prompt, which it sees after a compaction as well: behind what is told of the rest, or in it. */
function isAgent(name: string): (request: RecordedRequest) => boolean {
  const prompt = new RegExp(`^Be ${name}\\.|The task that you were given[\\s\\S]*^Be ${name}\\.$`, "m")
  return ({ messages }) =>
    messages
      .slice(0, 2)
      .some(
        ({ role, content }) =>
          role === "user" && content.some((part) => part.type === "text" && prompt.test(part.text)),
      )
}

export async function driving(options: DrivingOptions): Promise<Driving> {
  const server = await startModelServer({ ...(options.restarts && { restarts: options.restarts }) })
  server.script = script.byAgent([
    ...Object.entries(options.agents ?? {}).map(([name, steps]) => ({ name, match: isAgent(name), steps })),
    { name: "root", match: "", steps: options.root },
  ])
  const bench = workbench(server)
  if (options.settings) {
    mkdirSync(bench.home, { recursive: true, mode: 0o700 })
    writeFileSync(join(bench.home, "settings.json"), JSON.stringify(options.settings))
  }
  const program = await openProgram({
    env: { ...bench.env },
    cwd: bench.cwd,
    answerable: true,
    whenCapped: "pause",
    ...options.program,
  })
  const shell = new GatedKind("shell")
  program.tasks.register(shell)
  const row = await program.createSession({ permissionMode: options.permissionMode ?? "bypassPermissions" })
  const hosted = (await program.host(row))!
  const { store } = program
  const over = new AbortController()
  const talks = new Set<Promise<unknown>>()

  const taskId = (description: string) =>
    store.one<{ id: string }>("SELECT id FROM task WHERE description = :description ORDER BY rowid DESC", {
      description,
    })?.id
  const run = (description: string) => {
    const id = taskId(description)
    if (id === undefined) throw new Error(`nothing was started as ${description}`)
    return program.tasks.task(id).run
  }
  const count = (sql: string, id: string) => store.one<{ count: number }>(sql, { id })!.count
  const turns = () => store.all<TurnRow>("SELECT * FROM turn WHERE session_id = :id ORDER BY rowid", { id: row.id })
  const asked = () => server.requests.filter((request) => !/^Be \w+\./.test(request.prompt))
  const ended = async (description: string) => {
    const isOver = () => taskId(description) !== undefined && run(description).ended_at !== null
    await eventually(`${description} has ended`, isOver)
    return run(description)
  }

  return {
    server,
    bench,
    program,
    hosted,
    shell,
    say: (text) => hosted.prompt([{ type: "text", text }]),
    converse: (signal) => {
      const both = signal ? AbortSignal.any([signal, over.signal]) : over.signal
      const talk = hosted.converse({ signal: both, steps: 50, patienceMs: 60_000 })
      const settled = talk.catch(() => undefined).finally(() => talks.delete(settled))
      talks.add(settled)
      return talk
    },
    run,
    begun: async (description) => {
      await eventually(`${description} has begun`, () => {
        return taskId(description) !== undefined && run(description).started_at !== null
      })
      return run(description)
    },
    ended,
    finish: async (description, result) => {
      shell.finish(run(description).id, { state: "completed", result })
      await ended(description)
    },
    end: (description) => {
      const { id, state, notice } = run(description)
      const key = `notice:${id}:settled`
      return {
        state,
        notice,
        inbox: count("SELECT COUNT(*) AS count FROM inbox WHERE id = :id", key),
        messages: count("SELECT COUNT(*) AS count FROM message WHERE id = :id", key),
      }
    },
    asked,
    read: (text) => {
      const blocks =
        asked()
          .at(-1)
          ?.messages.flatMap((message) => message.content) ?? []
      const texts = blocks.flatMap((block) => (block.type === "text" || block.type === "result" ? [block.text] : []))
      return texts.join("\n").split(text).length - 1
    },
    turns,
    errors: () => {
      const text = existsSync(program.log.path) ? readFileSync(program.log.path, "utf8") : ""
      return text.split("\n").filter((line) => / (ERROR|WARN) /.test(line))
    },
    turnOver: () => eventually("the turn is over", () => !["open", undefined].includes(turns().at(-1)?.state)),
    [Symbol.asyncDispose]: async () => {
      over.abort(new Error("the test is over"))
      await Promise.all(talks)
      await hosted.stopAll("program")
      hosted.release()
      program.close()
      await bench[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}
