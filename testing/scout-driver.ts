// Plays the program around a model, in process: real searches and reads in a folder, agents as nested conversations,
// notices in the form of task/notice.ts. For developing and testing the scout without the program; Bash is only recorded.
import { execFile } from "node:child_process"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { rgPath } from "@vscode/ripgrep"
import type { AssistantPart, ModelMessage, ToolCallPart, ToolResultPart, ToolSpec } from "../src/model/message.ts"
import type { Model, ModelRequest } from "../src/model/model.ts"

const MAX_RESULT = 30_000

export interface DriverOptions {
  model: Model
  /** Folder in which the tools work. */
  cwd: string
  /** Tools on offer; by default all that it plays. */
  tools?: readonly string[]
  /** How notices come: each in a turn of its own, or all in one. */
  wake?: "each" | "together"
  /** Replaces what an agent would have said. */
  agent?: (prompt: string, real: () => Promise<string>) => Promise<string> | string
  bash?: (command: string) => string
}

export interface Driver {
  /** One prompt and all that follows from it; returns the text of the last reply. */
  ask(prompt: string): Promise<string>
  readonly messages: ModelMessage[]
  /** Every request to the model, those of agents too. */
  readonly requests: ModelRequest[]
  /** Every command that Bash was asked to run; none is run. */
  readonly commands: string[]
}

const TOOLS = ["Agent", "Bash", "Grep", "Glob", "Read"]

export function scoutDriver(options: DriverOptions): Driver {
  return new Conversation(options, { requests: [], commands: [], tasks: 0 })
}

/** Shared by a conversation and its agents. */
interface Record {
  requests: ModelRequest[]
  commands: string[]
  tasks: number
}

interface Pending {
  task: string
  call: ToolCallPart
  result: Promise<{ status: string; text: string }>
}

class Conversation implements Driver {
  readonly messages: ModelMessage[] = []
  private pending: Pending[] = []

  constructor(
    private readonly options: DriverOptions,
    private readonly record: Record,
  ) {}

  get requests() {
    return this.record.requests
  }

  get commands() {
    return this.record.commands
  }

  async ask(prompt: string): Promise<string> {
    this.messages.push({ role: "user", content: [{ type: "text", text: prompt }] })
    let reply = await this.turn()
    while (this.pending.length > 0) {
      const ready = this.options.wake === "together" ? this.pending.splice(0) : this.pending.splice(0, 1)
      for (const one of ready) {
        const { status, text } = await one.result
        this.messages.push({ role: "user", content: [{ type: "text", text: notice(one, status, text) }] })
      }
      reply = await this.turn()
    }
    return reply
  }

  private async turn(): Promise<string> {
    for (;;) {
      const parts = await this.step()
      this.messages.push({ role: "assistant", content: parts })
      const calls = parts.filter((part) => part.type === "tool-call")
      if (calls.length === 0) return parts.map((part) => (part.type === "text" ? part.text : "")).join("")
      this.messages.push({ role: "tool", content: await Promise.all(calls.map((call) => this.call(call))) })
    }
  }

  private async step(): Promise<AssistantPart[]> {
    const tools = (this.options.tools ?? TOOLS).map(
      (name): ToolSpec => ({ name, description: name, schema: { type: "object" } }),
    )
    const request = { system: "", messages: structuredClone(this.messages), tools }
    this.record.requests.push(request)
    for await (const event of this.options.model.stream(request, new AbortController().signal))
      if (event.type === "finish") return event.parts
    throw new Error("the model's stream ended without a finish")
  }

  private async call(call: ToolCallPart): Promise<ToolResultPart> {
    const result = (text: string, isError = false): ToolResultPart => ({
      type: "tool-result",
      callId: call.callId,
      name: call.name,
      content: [{ type: "text", text: text.slice(0, MAX_RESULT) }],
      isError,
    })
    try {
      return result(await this.play(call))
    } catch (error) {
      return result(error instanceof Error ? error.message : String(error), true)
    }
  }

  private async play(call: ToolCallPart): Promise<string> {
    const input = JSON.parse(JSON.stringify(call.input)) as Input
    if (call.name === "Grep") return grep(input, this.options.cwd)
    if (call.name === "Glob") return rg(["--files", "--sort=path", "-g", String(input.pattern)], this.options.cwd)
    if (call.name === "Read") return read(input, this.options.cwd)
    if (call.name === "Bash") {
      this.record.commands.push(String(input.command))
      const output = this.options.bash?.(String(input.command)) ?? "(exit code 0, <1 s)"
      if (!input.run_in_background) return output
      const task = this.newTask()
      this.pending.push({ task, call, result: Promise.resolve({ status: "completed", text: output }) })
      return `Started in the background as task ${task}. You will be told when it ends.`
    }
    if (call.name !== "Agent") throw new Error(`No such tool: ${call.name}`)
    const child = new Conversation(this.options, this.record)
    const real = () => child.ask(String(input.prompt))
    const result = Promise.resolve(this.options.agent?.(String(input.prompt), real) ?? real())
    if (!input.run_in_background) return result
    const task = this.newTask()
    const settled = result.then(
      (text) => ({ status: "completed", text }),
      (error: Error) => ({ status: "failed", text: `(failed: ${error.message})` }),
    )
    this.pending.push({ task, call, result: settled })
    return `Started agent ${input.subagent_type} as task ${task} in the background. You will be told when it is done; don't wait for it.`
  }

  private newTask(): string {
    this.record.tasks++
    return `task${String(this.record.tasks).padStart(8, "a")}`
  }
}

type Input = { [name: string]: unknown }

function notice({ task, call }: Pending, status: string, text: string): string {
  const input = call.input as Input
  const kind = call.name === "Agent" ? `kind="agent" agent="${input.subagent_type}"` : 'kind="shell"'
  const exit = call.name === "Bash" ? ' exit_code="0"' : ""
  const description = String(input.description).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)
  const body = text.replace(/<(?=\/?\s*(?:task-notification|system-reminder|task-ledger)\b)/gi, "&lt;")
  return `<task-notification task="${task}" ${kind} description="${description}" status="${status}"${exit} duration="<1 s">\n${body}\n</task-notification>`
}

async function grep(input: Input, cwd: string): Promise<string> {
  const mode = input.output_mode
  const args = ["--sort=path", "--no-heading", "--with-filename", "--color=never", "--max-columns=1000"]
  if (mode === "content") args.push("-n")
  if (mode === "count") args.push("-c")
  if (mode === "files_with_matches") args.push("-l")
  if (input["-i"]) args.push("-i")
  if (input.glob) args.push("-g", String(input.glob))
  if (input.type) args.push("-t", String(input.type))
  args.push("-e", String(input.pattern))
  // Without a path ripgrep would read standard input.
  args.push("--", String(input.path ?? "./"))
  const lines = (await rg(args, cwd)).split("\n").map((line) => line.replace(/^\.\//, ""))
  return lines.slice(0, Number(input.head_limit ?? 250)).join("\n") || "No matches found"
}

async function rg(args: string[], cwd: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(rgPath, args, { cwd, maxBuffer: 64 * 1024 * 1024 })
    return stdout.trimEnd()
  } catch (error) {
    const { code, stderr } = error as { code?: number; stderr?: string }
    if (code === 1) return ""
    throw new Error(stderr || String(error))
  }
}

async function read(input: Input, cwd: string): Promise<string> {
  const lines = (await readFile(join(cwd, String(input.file_path)), "utf8")).split("\n")
  const offset = Number(input.offset ?? 1)
  return lines
    .slice(offset - 1, offset - 1 + Number(input.limit ?? 2000))
    .map((line, index) => `${offset + index}\t${line}`)
    .join("\n")
}
