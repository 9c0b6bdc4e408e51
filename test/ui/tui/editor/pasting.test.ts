import { describe, expect, test } from "bun:test"
import { chmodSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Marks } from "../../../../src/ui/tui/editor/marks.ts"
import { eventually, processorMs, temporaryFolder } from "../../../../testing/harness.ts"
import { createPrompt, key, paste } from "./prompt.ts"

const PNG = Buffer.concat([Buffer.from("89504e470d0a1a0a", "hex"), Buffer.alloc(100)])
const JPEG = Buffer.concat([Buffer.from("ffd8ffe0", "hex"), Buffer.alloc(100)])

describe("a paste", () => {
  test("that is short goes into the text as it is, with its tabs and lines, and nothing of it is a key", () => {
    const prompt = createPrompt()
    prompt.press(paste("all:\r\n\tgo build\r\x1b[31mred\x1b[0m\x03"))
    expect(prompt.text()).toBe("all:\n    go build\nred█")
    prompt.press(key.enter)
    expect(prompt.sent).toMatchObject([{ text: "all:\n\tgo build\nred" }])
  })

  test("that is long is folded into a mark, which goes as one and is sent as it was", () => {
    const prompt = createPrompt()
    const long = Array.from({ length: 50 }, (_, index) => `line ${index}`).join("\n")
    prompt.type("see ")
    prompt.press(paste(long))
    prompt.type(" and ")
    prompt.press(paste("x".repeat(2000)))
    expect(prompt.text()).toBe("see [Pasted text #1 +50 lines] and [Pasted text #2 +2000 characters]█")
    prompt.press(key.left, key.left)
    expect(prompt.text()).toBe("see [Pasted text #1 +50 lines] and█ [Pasted text #2 +2000 characters]")
    prompt.press(key.end, key.backspace)
    expect(prompt.text()).toBe("see [Pasted text #1 +50 lines] and █")
    prompt.press(key.undo, key.enter)
    expect(prompt.sent).toMatchObject([{ text: `see ${long} and ${"x".repeat(2000)}` }])
  })

  test("a mark is cut and put back as one, and counted in the order of the text", () => {
    const prompt = createPrompt()
    prompt.press(paste("a\n".repeat(20)), paste("b\n".repeat(30)))
    prompt.press(key.ctrl("w"), key.home, key.ctrl("y"))
    expect(prompt.text()).toBe("[Pasted text #1 +31 lines]█[Pasted text #2 +21 lines]")
    prompt.press(key.ctrl("w"), key.ctrl("d"))
    expect(prompt.editor.isEmpty).toBe(true)
  })

  test("a mark can be put back after the prompt was sent, and still is what it was", () => {
    const prompt = createPrompt()
    prompt.press(paste("a\n".repeat(20)))
    prompt.press(key.ctrl("u"))
    prompt.type("x")
    prompt.press(key.enter, key.ctrl("y"), key.enter)
    expect(prompt.sent[1]).toMatchObject({ text: "a\n".repeat(20).trim() })
  })

  test("what looks like a mark but was typed is text", () => {
    const prompt = createPrompt()
    prompt.type("[Pasted text #1 +50 lines]")
    prompt.press(key.backspace)
    expect(prompt.text()).toBe("[Pasted text #1 +50 lines█")
  })

  test("comes in pieces, with keys around it, also when its end is torn", () => {
    const prompt = createPrompt()
    prompt.press("\x1b[200~one ", "two", " three\x1b[2", "01~", "!")
    expect(prompt.text()).toBe("one two three!█")
    prompt.press("\x1b[200~ four\x1b[201~\x1b[200~ five\x1b[201~")
    expect(prompt.text()).toBe("one two three! four five█")
  })

  test("without an end is given up when the prompt is cleared", () => {
    const prompt = createPrompt()
    prompt.press("\x1b[200~lost")
    prompt.editor.clear()
    prompt.type("here")
    expect(prompt.text()).toBe("here█")
  })

  test("of 5 MB is taken at once, and typing on is as quick as without it", () => {
    const megabytes = "The quick brown fox jumps over the lazy dog, 世界.\n".repeat(100_000)
    const typing = (pasted: string) => {
      const prompt = createPrompt()
      prompt.press(paste(pasted))
      const took = processorMs(() => {
        for (let count = 0; count < 200; count++) {
          prompt.type("word ")
          prompt.screen()
        }
        prompt.press(key.undo, key.undo)
      })
      return { prompt, took }
    }
    // Warm, and the floor of this machine at this moment.
    const floor = Math.max(typing("").took, typing("").took)
    const { prompt, took } = typing(megabytes)
    expect(took).toBeLessThan(5 * floor + 200)
    prompt.press(key.home, key.enter)
    expect(prompt.sent[0]!.text.length).toBeGreaterThan(megabytes.length)
  })

  test("of one line without an end is drawn within the box", () => {
    const prompt = createPrompt()
    for (let count = 0; count < 10; count++) prompt.press(paste("長".repeat(500)))
    for (const line of prompt.screen(40)) expect(Bun.stringWidth(line)).toBe(40)
  })
})

test("marks that can't come back are forgotten, and those that can are not", () => {
  const marks = new Marks()
  const [kept, gone] = [marks.add({ type: "text", text: "kept" }), marks.add({ type: "text", text: "gone" })]
  marks.keepOnly([`a ${kept}`])
  expect(marks.get(kept)).toEqual({ type: "text", text: "kept" })
  expect(marks.get(gone)).toBeUndefined()
  expect(marks.expand(`${kept}${gone}`).text).toBe("kept")
})

describe("dropped files", () => {
  test("an image becomes an attachment, known by its bytes and not by its name", async () => {
    using folder = temporaryFolder()
    const path = join(folder.path, "shot (1).txt")
    writeFileSync(path, PNG)
    const prompt = createPrompt({ cwd: folder.path })
    prompt.type("what is ")
    prompt.press(paste(path.replace(/[ ()]/g, "\\$&")))
    await eventually("the image is read", () => prompt.text() === "what is [Image #1] █")
    prompt.press(key.enter)
    expect(prompt.sent[0]).toMatchObject({ text: "what is [Image #1]" })
    expect(prompt.sent[0]!.images).toMatchObject([{ name: "shot (1).txt", mediaType: "image/png" }])
    expect(Buffer.from(prompt.sent[0]!.images[0]!.bytes)).toEqual(PNG)
  })

  test("several at once, in quotes and as addresses, become attachments and paths", async () => {
    using folder = temporaryFolder()
    const at = (name: string) => join(folder.path, name)
    writeFileSync(at("a.png"), PNG)
    writeFileSync(at("b c.jpg"), JPEG)
    writeFileSync(at("notes.md"), "text")
    mkdirSync(at("src"))
    const prompt = createPrompt({ cwd: folder.path })
    prompt.press(paste(`'${at("a.png")}' "${at("b c.jpg")}" file://${at("notes.md")} ${at("src")} `))
    await eventually("all are looked at", () => prompt.text() === "[Image #1] [Image #2] @notes.md @src/█")
    prompt.press(key.enter)
    expect(prompt.sent[0]!.images.map(({ mediaType }) => mediaType)).toEqual(["image/png", "image/jpeg"])
  })

  test("an image that is removed is not sent, and the others are counted anew", async () => {
    using folder = temporaryFolder()
    const at = (name: string) => join(folder.path, name)
    writeFileSync(at("a.png"), PNG)
    writeFileSync(at("b.jpg"), JPEG)
    const prompt = createPrompt()
    prompt.press(paste(`${at("a.png")} ${at("b.jpg")}`))
    await eventually("both are read", () => prompt.text().startsWith("[Image #1] [Image #2]"))
    prompt.press(key.home, key.delete, key.enter)
    expect(prompt.sent[0]).toMatchObject({ text: "[Image #1]", images: [{ name: "b.jpg" }] })
  })

  test("an image that is put back twice is one image, named twice", async () => {
    using folder = temporaryFolder()
    const at = (name: string) => join(folder.path, name)
    writeFileSync(at("a.png"), PNG)
    writeFileSync(at("b.jpg"), JPEG)
    const prompt = createPrompt()
    prompt.press(paste(`${at("a.png")} ${at("b.jpg")}`))
    await eventually("both are read", () => prompt.text().startsWith("[Image #1] [Image #2]"))
    prompt.press(key.ctrl("u"), key.ctrl("y"), key.ctrl("y"), key.enter)
    expect(prompt.sent[0]!.text).toBe("[Image #1] [Image #2] [Image #1] [Image #2]")
    expect(prompt.sent[0]!.images.map(({ name }) => name)).toEqual(["a.png", "b.jpg"])
  })

  test("a path outside of the working folder stays absolute; one with spaces is quoted", async () => {
    using folder = temporaryFolder()
    const path = join(folder.path, "my notes.md")
    writeFileSync(path, "text")
    const prompt = createPrompt({ cwd: "/somewhere/else" })
    prompt.press(paste(path.replaceAll(" ", "\\ ")))
    await eventually("it is looked at", () => prompt.text() === `@"${path}" █`)
  })

  test("what is no file stays text; a folder's name within a sentence is not touched", async () => {
    const prompt = createPrompt()
    prompt.press(paste("/no/such/file.png"))
    prompt.press(paste(" and /usr is a folder"))
    prompt.press(key.enter)
    await eventually("it is sent", () => prompt.sent.length === 1)
    expect(prompt.sent[0]!.text).toBe("/no/such/file.png and /usr is a folder")
  })

  test("an image that is too large is said, and stays a path", async () => {
    using folder = temporaryFolder()
    const path = join(folder.path, "huge.png")
    writeFileSync(path, Buffer.concat([PNG, Buffer.alloc(6 * 1024 * 1024)]))
    const prompt = createPrompt({ cwd: folder.path })
    prompt.press(paste(path))
    await eventually("it is looked at", () => prompt.text() === "@huge.png █")
    expect(prompt.said).toEqual(["huge.png has 6.0 MB; images can have 3.5 MB. Its path was put in instead."])
  })

  test("a pipe without a writer holds nothing up", async () => {
    using folder = temporaryFolder()
    const path = join(folder.path, "pipe")
    Bun.spawnSync(["mkfifo", path])
    const prompt = createPrompt({ cwd: folder.path })
    prompt.press(paste(path))
    await eventually("it is looked at", () => prompt.text() === "@pipe █")
  })

  test("a file that may not be read is still a path", async () => {
    using folder = temporaryFolder()
    const path = join(folder.path, "secret.png")
    writeFileSync(path, PNG)
    chmodSync(path, 0)
    const prompt = createPrompt({ cwd: folder.path })
    prompt.press(paste(path))
    // Root may read anything.
    const wanted = process.getuid?.() === 0 ? "[Image #1] █" : "@secret.png █"
    await eventually("it is looked at", () => prompt.text() === wanted)
  })

  test("Enter right after a drop sends the image along", async () => {
    using folder = temporaryFolder()
    const path = join(folder.path, "a.png")
    writeFileSync(path, PNG)
    const prompt = createPrompt()
    prompt.press(paste(path), key.enter, key.enter)
    await eventually("it is sent", () => prompt.sent.length > 0)
    expect(prompt.sent).toMatchObject([{ text: "[Image #1]", images: [{ name: "a.png" }] }])
  })

  test("in a shell line a path is what the shell is given", () => {
    const prompt = createPrompt()
    prompt.type("!cat ")
    prompt.press(paste("/etc/hosts"), key.enter)
    expect(prompt.sent).toMatchObject([{ text: "cat /etc/hosts", mode: "shell" }])
  })

  test("what is typed while a file is looked at keeps its place, and undo does not bring the path back", async () => {
    using folder = temporaryFolder()
    writeFileSync(join(folder.path, "a.md"), "text")
    const prompt = createPrompt({ cwd: folder.path })
    prompt.press(paste(join(folder.path, "a.md")))
    prompt.type(" is old")
    await eventually("it is looked at", () => prompt.text() === "@a.md is old█")
    prompt.press(key.undo, key.undo)
    expect(prompt.text()).toBe("@a.md █")
    prompt.press(key.undo, key.undo)
    expect(prompt.editor.isEmpty).toBe(true)
  })
})

describe("Ctrl+V", () => {
  test("takes the image of the clipboard", async () => {
    const prompt = createPrompt({ pasteImage: async () => ({ type: "image", bytes: PNG }) })
    prompt.press(key.ctrl("v"))
    await eventually("it is there", () => prompt.text() === "[Image #1] █")
    prompt.press(key.enter)
    expect(prompt.sent[0]!.images).toMatchObject([{ name: "clipboard", mediaType: "image/png" }])
  })

  test.each([
    ["there is none", async () => ({ type: "none" as const }), "There is no image in the clipboard."],
    ["no tool can", async () => ({ type: "no-tool" as const, message: "Install xclip." }), "Install xclip."],
    [
      "it is none",
      async () => ({ type: "image" as const, bytes: Buffer.from("text") }),
      "The clipboard's image is not PNG, JPEG, GIF or WebP.",
    ],
    ["it fails", async () => Promise.reject(new Error("broken")), "The clipboard could not be read: broken"],
  ])("says so when %s", async (_name, pasteImage, message) => {
    const prompt = createPrompt({ pasteImage })
    prompt.press(key.ctrl("v"))
    await eventually("it is said", () => prompt.said.length > 0)
    expect(prompt.said).toEqual([message])
    expect(prompt.editor.isEmpty).toBe(true)
  })

  test("an empty paste is a terminal's way of saying that there is an image; nothing is said when there is none", async () => {
    const prompt = createPrompt({ pasteImage: async () => ({ type: "image", bytes: PNG }) })
    prompt.press(paste(""))
    await eventually("it is there", () => prompt.text() === "[Image #1] █")
    const none = createPrompt({ pasteImage: async () => ({ type: "none" }) })
    none.press(paste(""), "a", key.enter)
    await eventually("it is sent", () => none.sent.length === 1)
    expect(none.said).toEqual([])
  })
})
