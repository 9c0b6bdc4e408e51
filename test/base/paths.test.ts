// Where the program looks, and where it must not.
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { UserError } from "../../src/base/error.ts"
import { displayPath, foldersUp, homePaths, projectRoot, tildify } from "../../src/base/paths.ts"

let folder: string
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "meanwhile-paths-")))
})
afterAll(() => rmSync(folder, { recursive: true }))

describe("homePaths", () => {
  const HOME = "/home/ada"
  test("follows XDG by default", () => {
    const paths = { home: HOME, config: "/home/ada/.config/meanwhile", data: "/home/ada/.local/share/meanwhile" }
    expect(homePaths({ HOME })).toEqual(paths)
    expect(homePaths({ HOME, XDG_CONFIG_HOME: "", XDG_DATA_HOME: "relative/data", MEANWHILE_HOME: "" })).toEqual(paths)
  })
  test("uses absolute XDG folders", () => {
    expect(homePaths({ HOME, XDG_CONFIG_HOME: "/c", XDG_DATA_HOME: "/d/" })).toEqual({
      home: HOME,
      config: "/c/meanwhile",
      data: "/d/meanwhile",
    })
  })
  test("MEANWHILE_HOME is one folder for both", () => {
    expect(homePaths({ HOME, XDG_DATA_HOME: "/d", MEANWHILE_HOME: "/m/" })).toEqual({
      home: HOME,
      config: "/m",
      data: "/m",
    })
  })
  test("a relative MEANWHILE_HOME is refused with what to do", () => {
    const start = () => homePaths({ HOME, MEANWHILE_HOME: "~/mw\n" })
    expect(start).toThrow(UserError)
    expect(start).toThrow('MEANWHILE_HOME is "~/mw\\n", which is not an absolute path.')
  })
})

describe("projectRoot", () => {
  const make = (path: string) => {
    mkdirSync(join(folder, path), { recursive: true })
    return join(folder, path)
  }
  test("is the nearest folder with .git, a folder or a file", () => {
    make("repo/.git")
    const module = make("repo/module/src")
    expect(projectRoot(module, "/home/ada")).toBe(join(folder, "repo"))
    writeFileSync(join(folder, "repo/module/.git"), "gitdir: ../.git/modules/module\n")
    expect(projectRoot(module, "/home/ada")).toBe(join(folder, "repo/module"))
  })
  test("is the working folder outside of any repository", () => {
    const cwd = make("plain/inner")
    expect(projectRoot(cwd, join(folder, "plain"))).toBe(cwd)
  })
  test("is never the home folder or above it, for somebody who keeps dotfiles in git", () => {
    make("users/.git")
    make("users/ada/.git")
    const cwd = make("users/ada/notes")
    expect(projectRoot(cwd, join(folder, "users/ada"))).toBe(cwd)
    symlinkSync(join(folder, "users/ada"), join(folder, "linked-home"))
    expect(projectRoot(cwd, join(folder, "linked-home"))).toBe(cwd)
  })
})

test("foldersUp goes from a folder to the one above that is asked for", () => {
  expect(foldersUp("/a/b/c", "/a")).toEqual(["/a/b/c", "/a/b", "/a"])
  expect(foldersUp("/a", "/a")).toEqual(["/a"])
  expect(foldersUp("/a/b")).toEqual(["/a/b", "/a", "/"])
  expect(foldersUp("/ab", "/a")).toEqual(["/ab"])
  expect(foldersUp("/a/..b", "/a")).toEqual(["/a/..b", "/a"])
})

test("paths are shown short and harmless", () => {
  expect(["/home/ada", "/home/ada/x", "/home/adam", "/"].map((path) => tildify(path, "/home/ada"))).toEqual([
    "~",
    "~/x",
    "/home/adam",
    "/",
  ])
  expect(tildify("/x", "/")).toBe("/x")
  expect(displayPath("/home/ada/e\x1b[31m\nvil", "/home/ada")).toBe("~/e\\x1b[31m\\nvil")
})
