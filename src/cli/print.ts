// `meanwhile -p`: from the command line to a session, the prompt with what standard input holds, and Ctrl+C.
import { Exit, type ExitCode, UserError } from "../base/error.ts"
import { visible } from "../base/escape.ts"
import { openProgram, type Program } from "../program.ts"
import { hasInput, linesIn, readIn, writeErr } from "../runtime/standard.ts"
import type { SessionRow } from "../store/rows.ts"
import { printFollowing } from "../ui/print/follow.ts"
import { orGivenBack } from "../ui/print/given-back.ts"
import { MAX_LINE_BYTES } from "../ui/print/input.ts"
import { type PrintOptions, print } from "../ui/print/print.ts"
import type { Command } from "./command.ts"
import { type Interruption, interruptible } from "./interrupt.ts"
import { sessionOf } from "./session-of.ts"
import { workingFolder } from "./working-folder.ts"

type PrintCommand = Extract<Command, { type: "print" }>

/** More than this as a prompt is no prompt: a file belongs into the folder, where tools can read parts of it. */
const MAX_INPUT_BYTES = 8 * 1024 * 1024
/** A prompt that was given does not wait longer for a pipe that nobody writes to. */
const FIRST_BYTE_MS = 3000

export async function printCommand(command: PrintCommand): Promise<ExitCode> {
  const interruption = interruptible()
  const input =
    command.input === "text"
      ? ({ type: "prompt", text: await promptOf(command) } as const)
      : ({ type: "lines", lines: linesIn({ maxBytes: MAX_LINE_BYTES, signal: interruption.signal }) } as const)
  let stored: string | undefined
  const done = run(command, { input, interruption, accepted: (sessionId) => (stored = sessionId) })
  return input.type === "lines" ? done : orGivenBack(done, input.text, () => stored)
}

interface Given {
  input: PrintOptions["input"]
  interruption: Interruption
  accepted(sessionId: string): void
}

async function run(command: PrintCommand, { input, interruption, accepted }: Given): Promise<ExitCode> {
  const { session } = command
  const program = await openProgram({
    env: process.env,
    cwd: workingFolder(),
    begins: session.start.type === "new",
    allow: session.allowedTools,
    deny: session.disallowedTools,
    answerable: command.input === "stream-json" && command.output === "stream-json",
    maxBudgetUsd: session.maxBudgetUsd,
    maxSteps: session.maxTurns,
    stuck: tellOnce,
    agents: session.agents && JSON.stringify(session.agents),
    trust: session.trust,
  })
  try {
    let told = 0
    const tell = async () => {
      for (; told < program.notes.length; told++) await writeErr(`meanwhile: ${visible(program.notes[told]!)}\n`)
    }
    await tell()
    const row = await sessionOf(program, session)
    await tell()
    return await work(program, row, {
      input,
      output: command.output,
      waitMs: command.waitSeconds * 1000,
      steps: session.maxTurns ?? row.max_steps ?? Number.POSITIVE_INFINITY,
      verbose: session.verbose,
      permissionPrompts: command.permissionPrompts ?? "own",
      signal: interruption.signal,
      accepted: () => accepted(row.id),
    })
  } finally {
    interruption[Symbol.dispose]()
    program.close()
  }
}

let isTold = false

/** Without this, a call that waits for room on the disk would look as if it hung. */
function tellOnce(error: UserError): void {
  if (isTold) return
  isTold = true
  void writeErr(`meanwhile: ${visible(error.message)} Until then the work waits; this is tried again every second.\n`)
}

async function promptOf({ prompt, input }: PrintCommand): Promise<string> {
  const piped = hasInput() ? await readPiped(prompt !== undefined) : undefined
  if (piped?.includes("\0"))
    throw new UserError(
      "binary-input",
      "Standard input holds binary data, not text. Store it in a file and ask about the file. (UTF-16 is made text by: iconv -f UTF-16 -t UTF-8)",
      Exit.usage,
    )
  const text = [prompt, piped?.trim()].filter(Boolean).join("\n\n")
  if (text.trim()) return text
  throw new UserError(
    "no-prompt",
    `-p needs a prompt: meanwhile -p "What does this project do?" (or by standard input, ${input})`,
    Exit.usage,
  )
}

async function readPiped(hasPrompt: boolean): Promise<string> {
  try {
    const text = await readIn({ maxBytes: MAX_INPUT_BYTES, ...(hasPrompt ? { firstByteMs: FIRST_BYTE_MS } : {}) })
    if (text === undefined)
      await writeErr(
        "meanwhile: nothing came on standard input in 3 s, going on without it (< /dev/null says so at once)\n",
      )
    return text ?? ""
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new UserError(
      "input-too-long",
      `${error.message}, more than a prompt can be. Store it in a file and ask about the file.`,
      Exit.usage,
    )
  }
}

/** Drives the session, or follows the process that does. */
async function work(program: Program, row: SessionRow, options: PrintOptions): Promise<ExitCode> {
  const hosted = await program.host(row)
  if (hosted) {
    try {
      return await print(program, hosted, options)
    } finally {
      hosted.release()
    }
  }
  if (options.input.type === "prompt") return printFollowing(program, row, options)
  throw new UserError(
    "session-busy",
    `The session ${visible(row.name ?? row.id)} is at work in another process, and lines of input are for the process that drives it. Wait for its end (meanwhile tasks), or send one prompt: meanwhile -p --resume ${row.id.slice(0, 8)} "…"`,
  )
}
