// A temporary folder with the file tools in it, called as a session calls them.
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import type { Env } from "../../src/base/paths.ts"
import { editTool } from "../../src/tool/edit.ts"
import { createFiles, type Files } from "../../src/tool/files.ts"
import { globTool } from "../../src/tool/glob.ts"
import { grepTool } from "../../src/tool/grep.ts"
import { readTool } from "../../src/tool/read.ts"
import { parseInput } from "../../src/tool/registry.ts"
import { ripgrepLocator } from "../../src/tool/ripgrep.ts"
import type { Tool, ToolContext, ToolOutput } from "../../src/tool/tool.ts"
import { writeTool } from "../../src/tool/write.ts"

type Name = "Read" | "Write" | "Edit" | "Glob" | "Grep"

export class Workspace implements Disposable {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), "tool-")))
  readonly cwd = join(this.root, "work")
  readonly home = join(this.root, "home")
  readonly intents: Record<string, unknown>[] = []
  readonly files: Files
  readonly tools: Record<Name, Tool>

  constructor(options: { mayRead?: (path: string) => boolean } = {}) {
    mkdirSync(this.cwd)
    mkdirSync(this.home)
    const env: Env = { PATH: process.env["PATH"], HOME: this.home }
    this.files = createFiles({ home: this.home, ...options })
    const search = {
      files: this.files,
      env,
      ripgrepPath: ripgrepLocator({ env, cacheFolder: join(this.root, "cache") }),
    }
    const file = { files: this.files }
    this.tools = {
      Read: readTool(file) as Tool,
      Write: writeTool(file) as Tool,
      Edit: editTool(file) as Tool,
      Glob: globTool(search) as Tool,
      Grep: grepTool(search) as Tool,
    }
  }

  path(name: string): string {
    return join(this.cwd, name)
  }

  /** Writes a file as somebody else would. */
  put(name: string, content: string | Uint8Array): string {
    const path = this.path(name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
    return path
  }

  get(name: string): string {
    return readFileSync(this.path(name), "utf8")
  }

  async run(name: Name, input: unknown, context: Partial<ToolContext> = {}): Promise<ToolOutput> {
    const tool = this.tools[name]
    return await tool.run(parseInput(tool, input), {
      id: "call-1",
      sessionId: "session",
      rootId: "session",
      cwd: this.cwd,
      signal: new AbortController().signal,
      intend: async (intent) => {
        this.intents.push(intent)
      },
      ...context,
    })
  }

  async text(name: Name, input: unknown, context: Partial<ToolContext> = {}): Promise<string> {
    const { content } = await this.run(name, input, context)
    return content.map((part) => (part.type === "text" ? part.text : "")).join("")
  }

  /** The message for the model when the call cannot be done. */
  async error(name: Name, input: unknown, context: Partial<ToolContext> = {}): Promise<string> {
    try {
      await this.run(name, input, context)
    } catch (error) {
      if (error instanceof Error && error.name === "ToolError") return error.message
      throw error
    }
    throw new Error(`${name} did not fail`)
  }

  [Symbol.dispose](): void {
    chmodSync(this.cwd, 0o755)
    rmSync(this.root, { recursive: true, force: true })
  }
}
