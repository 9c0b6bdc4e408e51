// A session in a real folder, with real commands and a scripted model: for tests of what can be taken back.
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { type Hosted, openProgram, type Point, type Program, type Step as Taken, type What } from "../../src/program.ts"
import type { FileChangeRow, SessionRow } from "../../src/store/rows.ts"
import { eventually } from "../../testing/harness.ts"
import { type Workbench, workbench } from "../../testing/headless.ts"
import { type ModelServer, reply, type Step, script, startModelServer } from "../../testing/model-server.ts"

export interface Rewinding extends AsyncDisposable {
  readonly bench: Workbench
  readonly server: ModelServer
  readonly program: Program
  /** What the program is started in. */
  readonly env: Readonly<Record<string, string>>
  readonly row: SessionRow
  path(name: string): string
  git(...args: string[]): string
  /** Runs a turn to its end. */
  say(text: string, steps: readonly Step[]): Promise<void>
  changes(): FileChangeRow[]
  /** Resolves when so many changes are recorded. */
  recorded(count: number): Promise<void>
  /** The folder has been looked at, and what came of each shell that has ended; no look is under way any more. */
  looked(): Promise<void>
  /** From here on looks at a repository get no further, until they may go on. */
  holdLooks(): void
  isLooking(): boolean
  goOn(): void
  point(text: string): Point
  back(text: string, what: What, options?: { others?: boolean }): Promise<{ row: SessionRow; taken: Taken[] }>
  /** Another process takes the session's place. */
  letGo(): void
}

export interface RewindingOptions {
  repository?: boolean
  files?: Readonly<Record<string, string | Buffer>>
  /** What agents say, by a text of their prompts. */
  agents?: Readonly<Record<string, readonly Step[]>>
  /** Below the working folder, where the session's is. */
  below?: string
  /** How long commands wait for the look before them: as long as it takes, unless told. */
  lookPatienceMs?: number
  /** Looks are held from the first one on. */
  isHeld?: boolean
  setUp?(folder: string, git: (...args: string[]) => string): void
}

export function call(name: string, input: object) {
  return { name, input }
}

export function shell(command: string, more: object = {}) {
  return call("Bash", { command, description: command, ...more })
}

const NOTHING = { files: [], added: 0, removed: 0, gaps: [] }

/** A folder for PATH with a git whose looks at files wait as long as there is that file. */
function gatedGit(folder: string, held: string): string {
  mkdirSync(folder, { recursive: true })
  const gate = `case " $* " in *" diff-files "*) while [ -e '${held}' ]; do : > '${held}.waits'; sleep 0.02; done;; esac`
  writeFileSync(join(folder, "git"), `#!/bin/sh\n${gate}\nexec '${Bun.which("git")}' "$@"\n`, { mode: 0o755 })
  return folder
}

export async function rewinding({
  repository = true,
  files = {},
  agents = {},
  below = "",
  lookPatienceMs = 20_000,
  isHeld = false,
  setUp,
}: RewindingOptions = {}): Promise<Rewinding> {
  const server = await startModelServer()
  const bench = workbench(server)
  const folder = join(bench.cwd, below)
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=A", "-c", "user.email=a@b.c", ...args], {
      cwd: folder,
      env: { PATH: process.env.PATH ?? "", HOME: bench.home, GIT_CONFIG_NOSYSTEM: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    }).toString()
  mkdirSync(folder, { recursive: true })
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  if (repository) {
    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-q", "--allow-empty", "-m", "first")
  }
  setUp?.(folder, git)
  const held = join(bench.cwd, "../held")
  if (isHeld) writeFileSync(held, "")
  const env = { ...bench.env, PATH: `${gatedGit(join(bench.cwd, "../bin"), held)}:${bench.env.PATH}` }
  const program = await openProgram({ env, cwd: folder, answerable: true, memory: "every", lookPatienceMs })
  const created = await program.createSession({ permissionMode: "bypassPermissions" })
  let row = created
  let hosted: Hosted | undefined = (await program.host(row))!
  const changes = () => program.store.all<FileChangeRow>("SELECT * FROM file_change ORDER BY seq")
  const baseline = () => Bun.file(join(bench.home, "checkpoint", row.id, "baseline.json"))
  const looked = async () => {
    await eventually("the folder was looked at", async () => {
      const known = await baseline()
        .json()
        .catch(() => undefined)
      const last = program.store.one<{ at: number | null }>("SELECT MAX(ended_at) AS at FROM run")?.at ?? 1
      return (known?.at ?? 0) >= last
    })
    // A plan waits for what is under way.
    await program.rewind.plan(row, { type: "prompt", seq: 1, content: [], at: 0, since: NOTHING })
  }
  const it: Rewinding = {
    bench,
    server,
    program,
    env,
    get row() {
      return row
    },
    path: (name) => join(folder, name),
    git,
    say: async (text, steps) => {
      server.script = script.byAgent([
        ...Object.entries(agents).map(([match, said]) => ({ name: match, match, steps: said })),
        {
          name: "root",
          match: () => true,
          order: "arrival",
          steps,
          after: reply.text("Done."),
        },
      ])
      hosted ??= (await program.host(row))!
      await hosted.prompt([{ type: "text", text }])
      await hosted.converse({ signal: AbortSignal.timeout(25_000), steps: 50, patienceMs: 20_000 })
    },
    changes,
    recorded: async (count) => {
      await eventually(`${count} changes are recorded: ${JSON.stringify(changes())}`, () => changes().length >= count)
    },
    looked,
    holdLooks: () => writeFileSync(held, ""),
    isLooking: () => existsSync(`${held}.waits`),
    goOn: () => rmSync(held, { force: true }),
    point: (text) => {
      const found = program.rewind
        .points(row)
        .find((point) => point.type === "prompt" && JSON.stringify(point.content).includes(text))
      if (!found) throw new Error(`no prompt ${text}`)
      return found
    },
    back: async (text, what, { others = false } = {}) => {
      const point = it.point(text)
      const plan = await program.rewind.plan(row, point)
      const steps = what === "conversation" ? [] : others ? [...plan.takes, ...plan.others] : plan.takes
      const rewound = await program.rewind.go(row, { point, what, steps })
      if (rewound.row.id !== row.id) {
        hosted?.release()
        hosted = undefined
        row = rewound.row
      }
      return { row, taken: [...steps] }
    },
    letGo: () => {
      hosted?.release()
      hosted = undefined
    },
    [Symbol.asyncDispose]: async () => {
      it.goOn()
      hosted?.release()
      program.close()
      await bench[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
  return it
}
