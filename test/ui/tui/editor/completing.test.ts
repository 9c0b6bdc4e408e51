import { describe, expect, test } from "bun:test"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { createFileIndex } from "../../../../src/ui/tui/editor/file-index.ts"
import { listFiles } from "../../../../src/ui/tui/editor/list-files.ts"
import { Gate } from "../../../../testing/gate.ts"
import { eventually, temporaryFolder } from "../../../../testing/harness.ts"
import { createPrompt, key, type Prompt, paste } from "./prompt.ts"

const commands = () => [
  { name: "model", description: "choose the model", argumentHint: "[name]" },
  { name: "memory", description: "what this session remembers" },
  { name: "rename", description: "another name", argumentHint: "<name>" },
  { name: "review:pr", description: "reads a pull request", argumentHint: "<number>" },
]

/** What is offered below the box. */
function offered(prompt: Prompt, width = 80): string[] {
  const lines = prompt.screen(width)
  return lines.slice(lines.findIndex((line) => line.startsWith("╰")) + 1)
}

describe("/ commands", () => {
  test("are offered with their arguments and what they do, and narrowed by each letter", () => {
    const prompt = createPrompt({ commands })
    prompt.type("/")
    expect(offered(prompt, 60)).toEqual([
      " ❯ /memory              what this session remembers",
      "   /model [name]        choose the model",
      "   /rename <name>       another name",
      "   /review:pr <number>  reads a pull request",
    ])
    prompt.type("mod")
    expect(offered(prompt)).toEqual([" ❯ /model [name]  choose the model"])
    prompt.type("x")
    expect(offered(prompt)).toEqual([])
    prompt.press(key.backspace)
    expect(offered(prompt)).toHaveLength(1)
  })

  test("are found by a part of their name, and by letters in their order", () => {
    const prompt = createPrompt({ commands })
    prompt.type("/pr")
    expect(offered(prompt)[0]).toContain("/review:pr")
    prompt.press(key.ctrl("u"))
    prompt.type("/mry")
    expect(offered(prompt)[0]).toContain("/memory")
  })

  test("are not offered in the middle of a word", () => {
    const prompt = createPrompt({ commands })
    prompt.type("/model")
    prompt.press(key.left, key.left)
    expect(offered(prompt)).toEqual([])
    prompt.press(key.end, key.backspace)
    expect(offered(prompt)).toHaveLength(1)
  })

  test("Tab puts the chosen one in, and its arguments are hinted at", () => {
    const prompt = createPrompt({ commands })
    prompt.type("/r")
    prompt.press(key.down)
    expect(offered(prompt)[1]).toContain("❯ /review:pr")
    prompt.press(key.up, key.up, key.down)
    expect(prompt.editor.hasCompletion).toBe(true)
    prompt.press(key.tab)
    expect(prompt.editor.hasCompletion).toBe(false)
    expect(prompt.sent).toEqual([])
    expect(prompt.text()).toBe("/rename █ <name>")
    prompt.type("shop")
    expect(prompt.text()).toBe("/rename shop█")
    expect(offered(prompt)).toEqual([])
    prompt.press(key.enter)
    expect(prompt.sent).toMatchObject([{ text: "/rename shop" }])
  })

  test("Enter runs the chosen one at once, unless it needs something more", () => {
    const prompt = createPrompt({ commands })
    prompt.type("/mod")
    prompt.press(key.enter)
    expect(prompt.sent).toMatchObject([{ text: "/model", how: "send" }])
    prompt.type("/ren")
    prompt.press(key.enter)
    expect(prompt.sent).toHaveLength(1)
    expect(prompt.text()).toBe("/rename █ <name>")
    prompt.press(key.enter)
    expect(prompt.sent[1]).toMatchObject({ text: "/rename" })
  })

  test("are no concern of a slash within the text, on a later line, or in a shell line", () => {
    const prompt = createPrompt({ commands })
    for (const text of ["a /mo", "!/mo", "one\n/mo", " /mo"]) {
      prompt.press(paste(text))
      expect(offered(prompt)).toEqual([])
      prompt.editor.clear()
    }
  })

  test("Esc closes them for this word; Tab queues then", () => {
    const prompt = createPrompt({ commands })
    prompt.type("/mod")
    expect(prompt.editor.dismiss()).toBe(true)
    prompt.type("e")
    expect(offered(prompt)).toEqual([])
    expect(prompt.editor.dismiss()).toBe(false)
    prompt.press(key.tab)
    expect(prompt.sent).toMatchObject([{ text: "/mode", how: "queue" }])
    prompt.type("/mod")
    expect(offered(prompt)).toHaveLength(1)
  })

  test("never take more than the screen has, down to 20 columns", () => {
    const many = Array.from({ length: 40 }, (_, index) => ({ name: `command-${index}`, description: "d".repeat(100) }))
    const prompt = createPrompt({ commands: () => many, rows: 24 })
    prompt.type("/")
    expect(offered(prompt)).toHaveLength(8)
    for (let count = 0; count < 45; count++) {
      prompt.press(key.down)
      expect(offered(prompt).filter((line) => line.startsWith(" ❯"))).toHaveLength(1)
    }
    for (const width of [120, 40, 20, 12, 6]) prompt.screen(width)
  })

  test("a click takes one", () => {
    const prompt = createPrompt({ commands })
    prompt.type("/")
    prompt.screen()
    const where = { x: 5, y: 5, screenX: 5, screenY: 5, width: 80, height: 7, shift: false, alt: false, ctrl: false }
    prompt.editor.handleMouse({ ...where, type: "wheel", button: "none", wheelDelta: 3 })
    expect(offered(prompt)[1]).toContain("❯")
    prompt.editor.handleMouse({ ...where, type: "click", button: "left" })
    expect(prompt.text()).toBe("/rename █ <name>")
  })
})

describe("@ files", () => {
  const paths = ["README.md", "src/app.ts", "src/ui/editor.ts", "src/ui/my notes.md", "test/app.test.ts"]

  test("are found by letters of their path, folders too", async () => {
    const prompt = createPrompt({ paths })
    prompt.type("look at @edit")
    expect(prompt.editor.hasCompletion).toBe(true)
    await eventually("they are found", () => offered(prompt).length > 0)
    expect(offered(prompt)).toEqual([" ❯ src/ui/editor.ts"])
    prompt.press(key.tab)
    expect(prompt.text()).toBe("look at @src/ui/editor.ts █")
    prompt.type("and @ui/")
    await eventually("the folder is found", () => offered(prompt)[0]?.includes("src/ui/") ?? false)
    prompt.press(key.enter)
    expect(prompt.text()).toContain("and @src/ui/█")
    expect(prompt.sent).toEqual([])
  })

  test("the top of the project is offered for a bare @", async () => {
    const prompt = createPrompt({ paths })
    prompt.type("@")
    await eventually("it is listed", () => offered(prompt).length > 0)
    expect(offered(prompt)).toEqual([" ❯ src/", "   test/", "   README.md"])
  })

  test("a name with spaces is put in quotes, and can be typed so", async () => {
    const prompt = createPrompt({ paths })
    prompt.type('@"my no')
    await eventually("it is found", () => offered(prompt).length > 0)
    prompt.press(key.tab)
    expect(prompt.text()).toBe('@"src/ui/my notes.md" █')
  })

  test("an address is no file, and in a shell line nothing is", () => {
    const prompt = createPrompt({ paths })
    for (const text of ["ada@app", "!git show @app"]) {
      prompt.type(text)
      expect(prompt.editor.hasCompletion).toBe(false)
      prompt.editor.clear()
    }
  })

  test("Tab before they are found waits for them and does not queue", async () => {
    const gate = new Gate()
    const files = createFileIndex({
      list: async (add) => {
        await gate.wait()
        add("src/app.ts")
      },
      now: () => 0,
    })
    const prompt = createPrompt({ files })
    prompt.type("@app")
    prompt.press(key.tab)
    expect(prompt.sent).toEqual([])
    gate.open()
    await eventually("it is put in", () => prompt.text() === "@src/app.ts █")
    expect(prompt.sent).toEqual([])
  })

  test("Enter on a path that is whole sends", async () => {
    const prompt = createPrompt({ paths })
    prompt.type("@src/app.ts")
    await eventually("they are found", () => offered(prompt).length > 0)
    prompt.press(key.enter)
    expect(prompt.sent).toMatchObject([{ text: "@src/app.ts" }])
  })

  test("an answer for what is no longer there is not shown", async () => {
    const gate = new Gate()
    const files = { search: () => gate.wait().then(() => ["late.ts"]) }
    const prompt = createPrompt({ files })
    prompt.type("@l")
    prompt.press(key.backspace, key.backspace)
    gate.open()
    await new Promise((resolve) => setImmediate(resolve))
    expect(offered(prompt)).toEqual([])
    expect(prompt.editor.hasCompletion).toBe(false)
  })

  test("outside of the project they are found folder by folder", async () => {
    using folder = temporaryFolder()
    mkdirSync(join(folder.path, "sub"))
    writeFileSync(join(folder.path, "sub", "one.txt"), "")
    writeFileSync(join(folder.path, "sub.txt"), "")
    writeFileSync(join(folder.path, ".hidden"), "")
    const prompt = createPrompt({ home: folder.path, cwd: join(folder.path, "sub") })
    prompt.type("@~/su")
    await eventually("they are found", () => offered(prompt).length === 2)
    prompt.press(key.tab)
    expect(prompt.text()).toBe("@~/sub/█")
    await eventually("its files are found", () => offered(prompt).join().includes("~/sub/one.txt"))
    prompt.editor.clear()
    prompt.type("@../")
    await eventually("they are found", () => offered(prompt).join().includes("../sub.txt"))
    expect(offered(prompt).join()).not.toContain("hidden")
    prompt.type(".h")
    await eventually("it is found", () => offered(prompt).join().includes("../.hidden"))
    prompt.editor.clear()
    prompt.type("@/no/such/")
    await eventually("nothing is found", () => !prompt.editor.hasCompletion)
  })

  test("a failing search offers nothing and breaks nothing", async () => {
    const prompt = createPrompt({ files: { search: () => Promise.reject(new Error("no ripgrep")) } })
    prompt.type("@a")
    await eventually("it has failed", () => !prompt.editor.hasCompletion)
    prompt.press(key.enter)
    expect(prompt.sent).toMatchObject([{ text: "@a" }])
  })
})

describe("the list of files", () => {
  test("is what git would not ignore, with hidden files and without git's own", async () => {
    using folder = temporaryFolder()
    const write = (path: string) => {
      mkdirSync(join(folder.path, path, ".."), { recursive: true })
      writeFileSync(join(folder.path, path), path === ".gitignore" ? "dist\n" : "")
    }
    for (const path of [".gitignore", ".git/config", ".github/ci.yml", "src/a b.ts", "dist/a.js", "世界.md"])
      write(path)
    const { rgPath } = await import("@vscode/ripgrep")
    const list = listFiles({
      ripgrep: async () => rgPath,
      cwd: folder.path,
      env: process.env,
      signal: new AbortController().signal,
    })
    const found: string[] = []
    await list((path) => (found.push(path) > 0 ? "more" : "enough"))
    expect(found.sort()).toEqual([".github/ci.yml", ".gitignore", "src/a b.ts", "世界.md"])
  })

  test("is read once, again when it has aged, and the old one serves meanwhile", async () => {
    const gate = new Gate()
    let [lists, now] = [0, 0]
    const index = createFileIndex({
      list: async (add) => {
        if (++lists === 2) await gate.wait()
        add(`file-${lists}.ts`)
      },
      now: () => now,
      maxAgeMs: 10,
    })
    const search = (query: string) => index.search(query, 10, new AbortController().signal)
    expect(await search("file")).toEqual(["file-1.ts"])
    expect(await search("f")).toEqual(["file-1.ts"])
    expect(lists).toBe(1)
    now = 11
    expect(await search("file")).toEqual(["file-1.ts"])
    expect(lists).toBe(2)
    gate.open()
    await eventually("the new one is there", async () => (await search("file"))[0] === "file-2.ts")
  })

  test("of 100,000 files is searched in slices: keys are answered meanwhile, and a newer search ends it", async () => {
    const words = "src test app session store task model runtime editor index util view shell agent auth cookie".split(
      " ",
    )
    const index = createFileIndex({
      list: async (add) => {
        for (let n = 0; n < 100_000; n++)
          add(`${words[n % 16]}/${words[(n >> 4) % 16]}/${words[(n >> 8) % 16]}-${n}.ts`)
      },
      now: () => 0,
    })
    const never = new AbortController().signal
    await index.search("warm", 10, never)
    let turns = 0
    let searching = true
    const count = () => {
      turns++
      if (searching) setImmediate(count)
    }
    setImmediate(count)
    const found = await index.search("authcookie", 50, never)
    searching = false
    expect(found).toHaveLength(50)
    expect(found[0]).toMatch(/auth.*cookie/)
    expect(turns).toBeGreaterThan(40)

    const stale = new AbortController()
    const search = index.search("sess", 50, stale.signal)
    stale.abort(new Error("newer"))
    expect(search).rejects.toThrow("newer")
  })
})
