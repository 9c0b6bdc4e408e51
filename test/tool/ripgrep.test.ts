import { expect, test } from "bun:test"
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join, relative } from "node:path"
import { ripgrepLocator, runRipgrep } from "../../src/tool/ripgrep.ts"

function folder(): Disposable & { path: string; program: (name: string, script: string) => string } {
  const path = mkdtempSync(join(tmpdir(), "ripgrep-"))
  return {
    path,
    program: (name, script) => {
      const file = join(path, name)
      writeFileSync(file, `#!/bin/sh\n${script}\n`)
      chmodSync(file, 0o755)
      return file
    },
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  }
}

const missing = () => Promise.reject(new Error("not installed"))

test("the binary of the package is found in a clone", async () => {
  using dir = folder()
  expect(await ripgrepLocator({ env: {}, cacheFolder: dir.path })()).toContain("@vscode/ripgrep")
})

test("MEANWHILE_RG comes first, and must be the absolute path of a program", async () => {
  using dir = folder()
  const rg = dir.program("mine", "exit 0")
  const find = (value: string) => ripgrepLocator({ env: { MEANWHILE_RG: value }, cacheFolder: dir.path })()
  expect(await find(rg)).toBe(rg)
  await expect(find(join(dir.path, "none"))).rejects.toThrow("MEANWHILE_RG")
  await expect(find("rg")).rejects.toThrow("absolute path")
  await expect(find(dir.path)).rejects.toThrow("MEANWHILE_RG")
})

test("without a package the PATH is searched, but never relative to the current folder", async () => {
  using dir = folder()
  const rg = dir.program("rg", "exit 0")
  expect(
    await ripgrepLocator({
      env: { PATH: `.:rel::/nonexistent:${dir.path}` },
      cacheFolder: dir.path,
      bundled: missing,
    })(),
  ).toBe(rg)
  const none = ripgrepLocator({
    env: { PATH: relative(process.cwd(), dir.path) },
    cacheFolder: dir.path,
    bundled: missing,
  })
  await expect(none()).rejects.toThrow("ripgrep was not found")
})

test("a search that failed to find it looks again", async () => {
  using dir = folder()
  const locate = ripgrepLocator({ env: { PATH: dir.path }, cacheFolder: dir.path, bundled: missing })
  await expect(locate()).rejects.toThrow("not found")
  const rg = dir.program("rg", "exit 0")
  expect(await locate()).toBe(rg)
})

test("the binary that is embedded in the executable is unpacked once, for us alone, and again when it is another", async () => {
  using dir = folder()
  using root = folder()
  // Stands for the file system inside the executable, which this process has none of.
  const embedded = root.program("embedded-rg", "echo 1")
  const cacheFolder = join(dir.path, "home/cache")
  const locate = () =>
    ripgrepLocator({ env: {}, cacheFolder, bundled: async () => embedded, isEmbedded: (path) => path === embedded })()
  const first = await locate()
  expect(first).toStartWith(`${cacheFolder}/rg-`)
  expect(readFileSync(first)).toEqual(readFileSync(embedded))
  expect(statSync(first).mode & 0o777).toBe(0o700)
  expect(statSync(cacheFolder).mode & 0o777).toBe(0o700)
  const { ino } = statSync(first)
  expect(await locate()).toBe(first)
  expect(statSync(first).ino).toBe(ino)
  writeFileSync(first, "cut")
  expect(readFileSync(await locate())).toEqual(readFileSync(embedded))
  root.program("embedded-rg", "echo 2")
  expect(await locate()).not.toBe(first)
  expect(readdirSync(cacheFolder)).toHaveLength(2)
})

test("a run that has enough, or is aborted, leaves no process behind", async () => {
  using dir = folder()
  // Writes its pid and then lines without end.
  const program = dir.program("endless", `echo $$ > ${dir.path}/pid; while :; do echo line; done`)
  const isAlive = () => {
    try {
      process.kill(Number(readFileSync(join(dir.path, "pid"), "utf8")), 0)
      return true
    } catch {
      return false
    }
  }
  let bytes = 0
  const enough = await runRipgrep({
    program,
    args: [],
    cwd: dir.path,
    env: {},
    signal: new AbortController().signal,
    take: (chunk) => {
      bytes += chunk.length
      return bytes > 1000 ? "enough" : "more"
    },
  })
  expect(enough).toEqual({ type: "stopped" })
  expect(isAlive()).toBe(false)

  const abort = new AbortController()
  const reason = new Error("interrupted")
  const run = runRipgrep({
    program,
    args: [],
    cwd: dir.path,
    env: {},
    signal: abort.signal,
    take: () => {
      abort.abort(reason)
      return "more"
    },
  })
  await expect(run).rejects.toBe(reason)
  expect(isAlive()).toBe(false)
})

test("it runs without our environment, and without its own configuration", async () => {
  using dir = folder()
  const program = dir.program("show", 'echo "$@"; env')
  let text = ""
  const end = await runRipgrep({
    program,
    args: ["--files"],
    cwd: dir.path,
    env: { PATH: process.env["PATH"], HOME: "/home/ada", ANTHROPIC_API_KEY: "secret", RIPGREP_CONFIG_PATH: "/evil" },
    signal: new AbortController().signal,
    take: (chunk) => {
      text += chunk.toString()
      return "more"
    },
  })
  expect(end).toMatchObject({ type: "exited", code: 0 })
  expect(text).toContain("--no-config")
  expect(text).toContain("HOME=/home/ada")
  expect(text).not.toMatch(/secret|evil/)
})

test("a program that cannot be started, or a folder that vanished, is told", async () => {
  using dir = folder()
  mkdirSync(join(dir.path, "gone"))
  rmSync(join(dir.path, "gone"), { recursive: true })
  const run = (program: string, cwd: string) =>
    runRipgrep({ program, args: [], cwd, env: {}, signal: new AbortController().signal, take: () => "more" })
  await expect(run(join(dir.path, "none"), dir.path)).rejects.toThrow("could not be started")
  await expect(run(dir.program("rg", "exit 0"), join(dir.path, "gone"))).rejects.toThrow("could not be started")
  expect(existsSync(join(dir.path, "gone"))).toBe(false)
})
