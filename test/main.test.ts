// The program as a process: exit codes, streams, and what a start costs.
import { expect, test } from "bun:test"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { selfCommand } from "../src/runtime/self.ts"

interface Outcome {
  code: number | null
  out: string
  err: string
}

async function meanwhile(
  args: string[],
  { home, env = {} }: { home: string; env?: Record<string, string> },
): Promise<Outcome> {
  const self = selfCommand(args, { PATH: process.env.PATH, HOME: home, MEANWHILE_HOME: home, ...env })
  const child = spawn(self.command, self.args, { cwd: home, env: self.env, stdio: ["ignore", "pipe", "pipe"] })
  const outcome = { out: "", err: "" }
  child.stdout.on("data", (chunk) => {
    outcome.out += chunk
  })
  child.stderr.on("data", (chunk) => {
    outcome.err += chunk
  })
  const [code] = await once(child, "close")
  return { code, ...outcome }
}

function temporaryFolder(): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), "meanwhile-main-"))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

test("a wrong command line is one line on standard error, exit 2, and leaves nothing behind", async () => {
  using home = temporaryFolder()
  const wrong = [["--modle", "x"], ["tasks", "shw"], ["-p", "a", "b"], []]
  for (const args of wrong) {
    const { code, out, err } = await meanwhile(args, { home: join(home.path) })
    expect({ code, out, lines: err.trimEnd().split("\n").length }).toEqual({ code: 2, out: "", lines: 1 })
    expect(err).toStartWith("meanwhile: ")
  }
  expect(existsSync(join(home.path, "meanwhile.db"))).toBeFalse()
})

test("without -p it says that the interface is not in this version and how to ask", async () => {
  using home = temporaryFolder()
  expect((await meanwhile(["fix it"], { home: home.path })).err).toContain("meanwhile -p")
})

test("help shows every option that works and none that does not", async () => {
  using home = temporaryFolder()
  const { code, out, err } = await meanwhile(["--help"], { home: home.path })
  expect({ code, err }).toEqual({ code: 0, err: "" })
  for (const shown of ["--print", "--continue", "--resume", "--model", "--allowedTools", "--output-format", "doctor"])
    expect(out).toContain(shown)
  for (const hidden of ["--mcp-config", "--add-dir", "  mcp"]) expect(out).not.toContain(hidden)
  for (const line of out.split("\n")) expect(line.length).toBeLessThanOrEqual(120)
})

test("asking for the version loads nothing but the version", async () => {
  const loaded = new Set<string>()
  const scan = (path: string) => {
    if (loaded.has(path)) return
    loaded.add(path)
    const source = readFileSync(path, "utf8")
    for (const { kind, path: specifier } of new Bun.Transpiler({ loader: "ts" }).scanImports(source))
      if (kind === "import-statement" && specifier.endsWith(".ts")) scan(join(path, "..", specifier))
  }
  const src = join(import.meta.dir, "../src")
  scan(join(src, "main.ts"))
  expect([...loaded]).toEqual([join(src, "main.ts"), join(src, "base/version.ts")])
})

test("doctor finds a good place good", async () => {
  using home = temporaryFolder()
  const { code, out, err } = await meanwhile(["doctor"], {
    home: join(home.path),
    env: { ANTHROPIC_API_KEY: "sk-very-secret" },
  })
  expect({ code, err }).toEqual({ code: 0, err: "" })
  for (const good of ["Database", "Model", "bash", "git", "ripgrep"])
    expect(out).toMatch(new RegExp(`^✓ ${good} `, "m"))
  expect(out).toContain("ANTHROPIC_API_KEY")
  expect(out).not.toContain("very-secret")
})

test("doctor says of each fault how to mend it, and fails", async () => {
  using home = temporaryFolder()
  const own = join(home.path, "own")
  mkdirSync(own, { mode: 0o755 })
  chmodSync(own, 0o755)
  writeFileSync(join(own, "settings.json"), "{ not json")
  writeFileSync(join(own, "meanwhile.db"), "this is not a database, and long enough to be looked at as one".repeat(20))
  const env = { MEANWHILE_HOME: own, PATH: join(home.path, "nothing"), MEANWHILE_RG: "/nonexistent/rg" }
  const { code, out } = await meanwhile(["doctor"], { home: home.path, env })
  expect(code).toBe(1)
  expect(out).toContain(`chmod 700 '${own}'`)
  expect(out).toMatch(/^✗ Database .*meanwhile\.db is damaged/m)
  expect(out).toMatch(/^✗ Settings .*settings\.json:1/m)
  expect(out).toMatch(/^✗ bash .*\n.*install bash/m)
  expect(out).toMatch(/^! git .*\n.*install git/m)
  expect(out).toMatch(/^✗ ripgrep .*MEANWHILE_RG/m)
})
