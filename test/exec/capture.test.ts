// What a short program of ours printed, and that it always ends.
import { afterEach, beforeEach, expect, test } from "bun:test"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { type CaptureSpec, capture } from "../../src/exec/capture.ts"
import { eventually, type Folder, isAlive, temporaryFolder } from "../../testing/harness.ts"

let folder: Folder

beforeEach(() => {
  folder = temporaryFolder()
})
afterEach(() => folder[Symbol.dispose]())

function sh(script: string, more: Partial<CaptureSpec> = {}) {
  return capture({
    program: "/bin/sh",
    args: ["-c", script],
    cwd: folder.path,
    env: { PATH: "/usr/bin:/bin", GREETING: "hello" },
    timeoutMs: 20_000,
    maxBytes: 1000,
    ...more,
  })
}

/** The pid that the script wrote to the file `pid`. */
async function pid(): Promise<number> {
  const path = join(folder.path, "pid")
  await eventually("it runs", () => existsSync(path) && readFileSync(path, "utf8").endsWith("\n"))
  return Number(readFileSync(path, "utf8"))
}

test("the output, the complaints and the exit code come back; the environment is the one given", async () => {
  const { end, code, stdout, stderr } = await sh('echo "$GREETING $HOME"; cat; echo bad >&2; exit 3')
  expect({ end, code, stdout: stdout.toString(), stderr }).toEqual({
    end: "exited",
    code: 3,
    stdout: "hello \n",
    stderr: "bad\n",
  })
})

test("a program that prints without end is ended when there is enough", async () => {
  const { end, stdout } = await sh("yes")
  expect(end).toBe("cut")
  expect(stdout.length).toBe(1000)
})

test("a program that hangs is ended at its time, with what it started", async () => {
  const { end, stdout } = await sh("echo first; sleep 600 & echo $! > pid; wait", { timeoutMs: 300 })
  expect(end).toBe("timeout")
  expect(stdout.toString()).toBe("first\n")
  const child = await pid()
  await eventually("the child is gone", async () => !(await isAlive(child)))
})

test("a child that leaves the group and keeps the pipes open does not hold up the end", async () => {
  const { end } = await sh("setsid sh -c 'echo $$ > pid; exec sleep 600' & sleep 600", { timeoutMs: 500 })
  expect(end).toBe("timeout")
  process.kill(await pid(), "SIGKILL")
})

test("an interruption ends it and is what it rejects with", async () => {
  const stop = new AbortController()
  const running = sh("echo $$ > pid; exec sleep 600", { signal: stop.signal })
  const child = await pid()
  stop.abort(new Error("enough"))
  await expect(running).rejects.toThrow("enough")
  await eventually("it is gone", async () => !(await isAlive(child)))
  await expect(sh("true", { signal: stop.signal })).rejects.toThrow("enough")
})

test("a program that is not there is an error", async () => {
  await expect(sh("", { program: join(folder.path, "missing") })).rejects.toThrow("ENOENT")
})
