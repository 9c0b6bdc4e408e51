import { expect, test } from "bun:test"
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { UserError } from "../../src/base/error.ts"
import { operatingSystem } from "../../src/exec/os.ts"
import { adoptShell, prepareShell } from "../../src/exec/runner.ts"
import { isAlive, pidFrom, Shells, until } from "./shells.ts"

const ended = { liveChildren: false, started: true, overLimit: false }

test("without go nothing runs, and the runner ends with 125", async () => {
  await using shells = new Shells()
  const shell = await shells.prepare("touch ran")
  shell.cancel()
  expect(await shell.exited).toEqual({ code: 125, liveChildren: false, started: false, overLimit: false })
  expect(existsSync(join(shells.folder, "ran"))).toBe(false)
  expect(shell.commandGroup()).toBeUndefined()
})

test("a runner that was killed before go is no error for go", async () => {
  await using shells = new Shells()
  const shell = await shells.prepare("touch ran")
  process.kill(shell.pid, "SIGKILL")
  await shell.exited
  shell.go()
  shell.cancel()
  expect(await shell.exited).toEqual({ code: null, liveChildren: false, started: false, overLimit: false })
})

test.each([
  ["true", { code: 0 }],
  ["exit 7", { code: 7 }],
  ["exit 125", { code: 125 }],
  ["no-such-program-here", { code: 127 }],
  ["kill -TERM $$", { code: 143, signal: "SIGTERM" }],
  ["kill -KILL $$", { code: 137, signal: "SIGKILL" }],
  ["kill -HUP $$", { code: 129, signal: "SIGHUP" }],
  ["kill -USR1 $$", { code: 138, signal: "SIGUSR1" }],
  ["(exit 3) | true", { code: 0 }],
  ["if", { code: 2 }],
] as const)("%s ends with its exit code or signal", async (command, expected) => {
  await using shells = new Shells()
  const shell = await shells.start(command)
  expect(await shell.exited).toEqual({ ...ended, ...expected } as never)
})

test.each([
  ["quotes", `printf '%s' 'a"b' "it's"`, `a"bit's`],
  ["newlines", "printf a\nprintf b\n", "ab"],
  ["a here document", "cat <<'X'\n$HOME `id`\nX", "$HOME `id`\n"],
  ["unicode", "printf 'ünï 🐢'", "ünï 🐢"],
  ["a leading dash", "-x 2>/dev/null; printf ok", "ok"],
  ["a lone option", "--version 2>/dev/null; printf ok", "ok"],
  ["both outputs in order", "echo a; echo b >&2; echo c", "a\nb\nc\n"],
  ["its own name in messages", "nope-nope", "bash: line 1: nope-nope: command not found\n"],
  ["no input", "cat; printf end", "end"],
  ["an empty command", "", ""],
] as const)("a command with %s runs as written", async (_, command, output) => {
  await using shells = new Shells()
  const shell = await shells.start(command)
  await shell.exited
  expect(shell.output()).toBe(output)
})

test("a command of a megabyte runs, and its file is removed", async () => {
  await using shells = new Shells()
  const shell = await shells.start(`# ${"x".repeat(1 << 20)}\nprintf '%s' "$0" | tail -c 3; exit 9`)
  expect(await shell.exited).toEqual({ ...ended, code: 9 })
  expect(shell.output()).toBe(".sh")
  expect(existsSync(`${shell.spec.exitFile}.sh`)).toBe(false)
})

test("all output of a command that prints much and exits at once is there", async () => {
  await using shells = new Shells()
  const shell = await shells.start("head -c 20000000 /dev/zero | tr '\\0' x; printf last")
  await shell.exited
  const output = shell.output()
  expect(output.length).toBe(20_000_004)
  expect(output.endsWith("xlast")).toBe(true)
})

test("the command has the environment and signals that it would have in a terminal, and nothing of the runner's", async () => {
  await using shells = new Shells()
  const bashEnv = join(shells.folder, "bash-env")
  writeFileSync(bashEnv, "echo sourced")
  const theirs = { PATH: process.env.PATH!, SHLVL: "4", code: "1", script: "2", TMOUT: "1", BASH_ENV: bashEnv }
  const env = {
    ...theirs,
    "BASH_FUNC_hello%%": "() { echo from-function; }",
    "BASH_FUNC_echo%%": "() { builtin echo $*; }",
  }
  const shell = await shells.start(
    "hello; set +m; env; [ -e /proc/self/status ] && grep SigIgn /proc/self/status; ls /dev/fd/",
    { env },
  )
  expect(await shell.exited).toEqual({ ...ended, code: 0 })
  const lines = shell.output().split("\n")
  expect(lines.filter((line) => line === "sourced")).toHaveLength(1)
  expect(lines).toContain("from-function")
  for (const line of [
    "SHLVL=5",
    "code=1",
    "script=2",
    "TMOUT=1",
    `PWD=${shells.folder}`,
    `MEANWHILE_RUN=${shell.spec.mark}`,
  ])
    expect(lines).toContain(line)
  expect(lines.filter((line) => /^(mw_|MEANWHILE_)/.test(line))).toEqual([`MEANWHILE_RUN=${shell.spec.mark}`])
  if (process.platform === "linux") expect(lines).toContain("SigIgn:\t0000000000000000")
  // 0, 1, 2 and what ls itself opens: not the exit file.
  expect(lines.slice(lines.indexOf("0"), -1)).toEqual(["0", "1", "2", "3"])
})

test("a symbolic link in the working folder's path is kept", async () => {
  await using shells = new Shells()
  mkdirSync(join(shells.folder, "real"))
  const link = join(shells.folder, "link")
  symlinkSync("real", link)
  const shell = await shells.start("pwd", { cwd: link })
  await shell.exited
  expect(shell.output()).toBe(`${link}\n`)
})

test("a working folder that is gone, or is a file, is a clear error", async () => {
  await using shells = new Shells()
  const cwd = join(shells.folder, "gone")
  const gone = await prepareShell(shells.spec("true", { cwd })).catch((error: unknown) => error)
  expect(gone).toBeInstanceOf(UserError)
  expect(String(gone)).toContain(`Cannot run a command in ${cwd}`)
  writeFileSync(cwd, "")
  const file = await prepareShell(shells.spec("true", { cwd })).catch((error: unknown) => error)
  expect(String(file)).toContain("it is not a folder")
})

test("a folder that vanishes after the command has started does no harm", async () => {
  await using shells = new Shells()
  const cwd = join(shells.folder, "soon-gone")
  mkdirSync(cwd)
  const shell = await shells.prepare("printf here", { cwd })
  rmSync(cwd, { recursive: true })
  shell.go()
  expect((await shell.exited).code).toBe(0)
  expect(shell.output()).toEndWith("here")
})

test.each([
  ["a NUL character", { command: "echo a\0b" }],
  ["a variable that is too long for the system", { env: { PATH: process.env.PATH!, BIG: "x".repeat(4 << 20) } }],
] as const)("%s is a clear error", async (_, more) => {
  await using shells = new Shells()
  expect(await prepareShell(shells.spec("true", more)).catch((error: unknown) => error)).toBeInstanceOf(UserError)
})

test("the command is in a group of its own, in the runner's session", async () => {
  await using shells = new Shells()
  const shell = await shells.start("echo SELF=$$; sleep 60")
  const self = await pidFrom(shell, "SELF")
  const group = await until("the group", () => shell.commandGroup())
  const all = await operatingSystem.processes()
  expect(all.find(({ pid }) => pid === self)).toMatchObject({ group: self, parent: shell.pid })
  expect(all.find(({ pid }) => pid === shell.pid)?.group).toBe(shell.pid)
  expect(group).toBe(self)
})

test("a child that is left behind is reported, and its output still arrives", async () => {
  await using shells = new Shells()
  const go = join(shells.folder, "go")
  const shell = await shells.start(`(until [ -e ${go} ]; do sleep 0.01; done; echo later) & echo started`)
  expect(await shell.exited).toEqual({ ...ended, code: 0, liveChildren: true })
  expect(shell.output()).toBe("started\n")
  writeFileSync(go, "")
  await until("the child's output", () => shell.output() === "started\nlater\n")
})

test("a child that ends together with the command is not reported", async () => {
  await using shells = new Shells()
  const shell = await shells.start("sleep 0.005 & true")
  expect((await shell.exited).liveChildren).toBe(false)
})

test("a stopped command is not an ended one", async () => {
  await using shells = new Shells()
  const shell = await shells.start("kill -STOP $$; exit 4")
  const pid = await until("the group", () => shell.commandGroup())
  await until("the stop", () =>
    process.platform === "linux" ? / T /.test(readFileSync(`/proc/${pid}/stat`, "latin1")) : true,
  )
  process.kill(pid, "SIGCONT")
  expect((await shell.exited).code).toBe(4)
})

test.each(["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"] as const)(
  "%s to the runner of a running command does nothing",
  async (signal) => {
    await using shells = new Shells()
    const go = join(shells.folder, "go")
    const shell = await shells.start(`until [ -e ${go} ]; do sleep 0.01; done; exit 5`)
    await until("the group", () => shell.commandGroup())
    process.kill(shell.pid, signal)
    writeFileSync(go, "")
    expect(await shell.exited).toEqual({ ...ended, code: 5 })
  },
)

test("a stop while the exit code is being written does not lose it", async () => {
  await using shells = new Shells()
  for (let round = 0; round < 20; round++) {
    const shell = await shells.start("exit 5")
    await until("the group", () => shell.commandGroup())
    for (const signal of ["SIGTERM", "SIGHUP", "SIGTERM"] as const)
      if (await isAlive(shell.pid)) process.kill(shell.pid, signal)
    expect(await shell.exited).toEqual({ ...ended, code: 5 })
  }
})

test("the command's text is in no argument of the runner, where a pkill would find it", async () => {
  await using shells = new Shells()
  const shell = await shells.start("echo READY=1; : needle-in-a-haystack; sleep 60")
  await pidFrom(shell, "READY")
  const { stdout } = Bun.spawnSync(["ps", "-o", "args=", "-p", String(shell.pid)])
  expect(stdout.toString()).toContain("meanwhile-runner")
  expect(stdout.toString()).not.toContain("needle")
})

test("a runner that is killed leaves an unknown exit code and its command alive", async () => {
  await using shells = new Shells()
  const shell = await shells.start("echo SELF=$$; sleep 60")
  const self = await pidFrom(shell, "SELF")
  await until("the group", () => shell.commandGroup())
  process.kill(shell.pid, "SIGKILL")
  expect(await shell.exited).toEqual({ ...ended, code: null, liveChildren: true })
  expect(await adoptShell({ ...shell.spec, ...shell })).toEqual({ type: "gone", liveChildren: true })
  expect(await shell.stop()).toEqual({ stopped: true, survivors: [] })
  expect(await isAlive(self)).toBe(false)
  expect(await adoptShell({ ...shell.spec, ...shell })).toEqual({ type: "gone", liveChildren: false })
})

test("a hundred short commands at once all give their own output and code", async () => {
  await using shells = new Shells()
  const all = await Promise.all(
    Array.from({ length: 100 }, async (_, n) => {
      const name = join(shells.folder, `many-${n}`)
      const shell = await prepareShell({
        ...shells.spec(`echo ${n}; exit ${n % 100}`),
        spool: `${name}.out`,
        exitFile: `${name}.exit`,
      })
      shell.go()
      return { code: (await shell.exited).code, output: readFileSync(`${name}.out`, "utf8") }
    }),
  )
  expect(all).toEqual(all.map((_, n) => ({ code: n, output: `${n}\n` })))
}, 20_000)
