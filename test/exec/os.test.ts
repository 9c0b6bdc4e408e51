import { expect, test } from "bun:test"
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { findProgram } from "../../src/exec/find-program.ts"
import { operatingSystem, parseLsof, parseMarked, parsePs } from "../../src/exec/os.ts"
import { until } from "./shells.ts"

test("a process is listed with its parent while it lives, and keeps its start time", async () => {
  const child = Bun.spawn(["sleep", "60"])
  const started = await operatingSystem.startTime(child.pid)
  expect(started).toBeString()
  const listed = (await operatingSystem.processes()).find(({ pid }) => pid === child.pid)
  expect(listed).toMatchObject({ parent: process.pid, started: started! })
  child.kill("SIGKILL")
  await child.exited
  expect(await operatingSystem.startTime(child.pid)).toBeUndefined()
})

test("a zombie is not alive", async () => {
  // Its parent never waits for it.
  const parent = Bun.spawn(["perl", "-e", "$|=1; if ($p = fork) { print $p; sleep 60 } exit"], { stdout: "pipe" })
  const { value } = await parent.stdout.getReader().read()
  const zombie = Number(new TextDecoder().decode(value))
  try {
    await until("the zombie", async () => (await operatingSystem.startTime(zombie)) === undefined)
    expect(process.kill(zombie, 0)).toBe(true)
    expect((await operatingSystem.processes()).some(({ pid }) => pid === zombie)).toBe(false)
  } finally {
    parent.kill("SIGKILL")
    await parent.exited
  }
})

test("a process whose name holds blanks and brackets is read right", async () => {
  const folder = mkdtempSync(join(tmpdir(), "os-"))
  const path = join(folder, "a) R 1 (b")
  writeFileSync(path, "#!/bin/sh\nread x\n")
  chmodSync(path, 0o700)
  const child = Bun.spawn([path], { stdin: "pipe" })
  try {
    const listed = (await operatingSystem.processes()).find(({ pid }) => pid === child.pid)
    expect(listed?.parent).toBe(process.pid)
  } finally {
    child.kill("SIGKILL")
    await child.exited
    rmSync(folder, { recursive: true })
  }
})

test("the mark must match as a whole", async () => {
  const child = Bun.spawn(["sleep", "60"], {
    env: { PATH: process.env.PATH!, MEANWHILE_RUN: "abcd", OTHER_MEANWHILE_RUN: "xyz" },
  })
  try {
    // It has its environment a moment after it has its pid.
    await until("the mark", async () => (await operatingSystem.marked([child.pid], "abcd")).includes(child.pid))
    for (const mark of ["abc", "bcd", "xyz", ""]) expect(await operatingSystem.marked([child.pid], mark)).toEqual([])
  } finally {
    child.kill("SIGKILL")
    await child.exited
  }
})

test("what macOS's ps prints is understood", () => {
  const text =
    "    1     0     1 Ss   Mon Jan  5 09:10:11 2026    \n  812     1   812 Z    Mon Jan  5 09:10:12 2026\n  813   812   812 S+   Tue Jan 13 19:10:12 2026\n\n"
  expect(parsePs(text)).toEqual([
    { pid: 1, parent: 0, group: 1, session: 0, started: "Mon Jan 5 09:10:11 2026" },
    { pid: 813, parent: 812, group: 812, session: 0, started: "Tue Jan 13 19:10:12 2026" },
  ])
})

test("what macOS's ps prints with environments is understood", () => {
  const text =
    "  10 /bin/sleep 60 HOME=/Users/u MEANWHILE_RUN=abc LANG=C\n  11 vi MEANWHILE_RUN=abcd\n  12 sh -c true MEANWHILE_RUN=abc\n"
  expect(parseMarked(text, "abc")).toEqual([10, 12])
})

test("what lsof prints is understood: those who write", () => {
  expect(parseLsof("p10\nf1\naw\nf2\naw\np11\nf3\nar\np12\nf4\nau\n")).toEqual([10, 12])
})

test("a program is found by absolute folders of PATH only, in their order", () => {
  const folder = mkdtempSync(join(tmpdir(), "find-"))
  try {
    for (const name of ["one", "two"]) mkdirSync(join(folder, name))
    writeFileSync(join(folder, "one", "prog"), "")
    mkdirSync(join(folder, "two", "folder-only"))
    writeFileSync(join(folder, "two", "prog"), "#!/bin/sh\n")
    chmodSync(join(folder, "two", "prog"), 0o700)
    const path = `.:relative:${folder}/one:${folder}/two`
    expect(findProgram("prog", path)).toBe(join(folder, "two", "prog"))
    expect(findProgram("folder-only", path)).toBeUndefined()
    rmSync(join(folder, "two", "prog"))
    expect(findProgram("prog", path)).toBeUndefined()
    expect(findProgram("sh", undefined)).toStartWith("/")
  } finally {
    rmSync(folder, { recursive: true })
  }
})
