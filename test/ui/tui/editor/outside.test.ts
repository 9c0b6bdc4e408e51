import { describe, expect, test } from "bun:test"
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { readClipboardImage } from "../../../../src/ui/tui/editor/clipboard-image.ts"
import { externalEditor } from "../../../../src/ui/tui/editor/external-editor.ts"
import { eventually, type Folder, temporaryFolder } from "../../../../testing/harness.ts"
import { createPrompt, key, paste } from "./prompt.ts"

function program(folder: Folder, name: string, script: string): string {
  const path = join(folder.path, name)
  writeFileSync(path, `#!/bin/sh\n${script}\n`)
  chmodSync(path, 0o755)
  return path
}

function editorWith(folder: Folder, env: Record<string, string>) {
  const steps: string[] = []
  const tmp = join(folder.path, "tmp")
  mkdirSync(tmp, { recursive: true })
  const open = externalEditor({
    env: { PATH: process.env.PATH, ...env },
    tmp,
    suspend: () => void steps.push("suspended"),
    resume: () => void steps.push("resumed"),
  })
  return { open, steps, left: () => readdirSync(tmp) }
}

describe("the person's own editor", () => {
  test("gets the text, has the terminal meanwhile, and what it saves comes back; no file stays", async () => {
    using folder = temporaryFolder()
    const script = program(
      folder,
      "my editor",
      'test "$1" = --wait && shift; stat -c %a "$1" > "$0.mode"; printf "more\\n" >> "$1"',
    )
    const { open, steps, left } = editorWith(folder, { VISUAL: `"${script}" --wait`, EDITOR: "false" })
    expect(await open("text\n")).toEqual({ type: "edited", text: "text\nmore" })
    expect(steps).toEqual(["suspended", "resumed"])
    expect(left()).toEqual([])
    expect((await Bun.file(`${script}.mode`).text()).trim()).toBe("600")
  })

  test.each([
    ["fails", "exit 3", "ended with code 3"],
    ["is killed", "kill -9 $$", "ended with"],
  ])("changes nothing when it %s", async (_name, script, message) => {
    using folder = temporaryFolder()
    const { open, steps, left } = editorWith(folder, { EDITOR: program(folder, "ed", script) })
    const edited = await open("text")
    expect(edited.type === "failed" && edited.message).toContain(message)
    expect(steps).toEqual(["suspended", "resumed"])
    expect(left()).toEqual([])
  })

  test("that is not there is said", async () => {
    using folder = temporaryFolder()
    const { open } = editorWith(folder, { EDITOR: "no-such-editor" })
    expect(await open("text")).toEqual({
      type: "failed",
      message: "no-such-editor was not found; the prompt is as it was.",
    })
  })

  test("the screen comes back whatever goes wrong", async () => {
    using folder = temporaryFolder()
    const steps: string[] = []
    const open = externalEditor({
      env: { EDITOR: "true" },
      tmp: folder.path,
      suspend: () => Promise.reject(new Error("no terminal")),
      resume: () => void steps.push("resumed"),
    })
    expect(await open("text")).toEqual({ type: "failed", message: "The prompt could not be edited: no terminal" })
    expect(steps).toEqual(["resumed"])
    expect(readdirSync(folder.path)).toEqual([])
  })

  test("Ctrl+G gives it long pastes as text, and keeps images", async () => {
    const shown: string[] = []
    const prompt = createPrompt({
      openEditor: async (text) => {
        shown.push(text)
        return { type: "edited", text: `${text} edited` }
      },
    })
    prompt.editor.setDraft({ text: "see [Image #1] ", images: [image], mode: "prompt" })
    prompt.press(key.end, paste("long\n".repeat(20)), key.ctrl("g"))
    await eventually("it is edited", () => prompt.text().includes("edited"))
    expect(shown[0]).toStartWith("see [Image #1] long\nlong\n")
    prompt.press(key.enter)
    expect(prompt.sent[0]).toMatchObject({ images: [image] })
    expect(prompt.sent[0]!.text).toEndWith("edited")
  })

  test("a failure is said, and the prompt stays as it is", async () => {
    const broken = createPrompt({ openEditor: () => Promise.reject(new Error("broken")) })
    broken.press("a", key.ctrl("g"))
    await eventually("it is said", () => broken.said.length > 0)
    expect(broken.said).toEqual(["The prompt could not be edited: broken"])
    const prompt = createPrompt({ openEditor: async () => ({ type: "failed", message: "vi was not found." }) })
    prompt.press(paste("long\n".repeat(20)), key.ctrl("g"))
    await eventually("it is said", () => prompt.said.length > 0)
    expect(prompt.said).toEqual(["vi was not found."])
    expect(prompt.text()).toBe("[Pasted text #1 +21 lines]█")
  })
})

const image = { name: "a.png", mediaType: "image/png", bytes: new Uint8Array(3) }

describe("a draft", () => {
  test("goes out and comes in as it was, shell lines and images too", () => {
    const prompt = createPrompt()
    prompt.editor.setDraft({ text: "ls -la", images: [], mode: "shell" })
    expect(prompt.text()).toBe("!ls -la█")
    expect(prompt.editor.draft).toEqual({ text: "ls -la", images: [], mode: "shell" })
    const draft = {
      text: "[Image #2] and [Image #1]",
      images: [image, { ...image, name: "b.png" }],
      mode: "prompt" as const,
    }
    prompt.editor.setDraft(draft)
    expect(prompt.text()).toBe("[Image #1] and [Image #2]█")
    expect(prompt.editor.draft.images.map(({ name }) => name)).toEqual(["b.png", "a.png"])
    prompt.press(key.undo)
    expect(prompt.text()).toBe("!ls -la█")
  })

  test("images that its text does not name come last; a label without an image is text", () => {
    const prompt = createPrompt()
    prompt.editor.setDraft({ text: "[Image #7] text", images: [image], mode: "prompt" })
    expect(prompt.text()).toBe("[Image #7] text [Image #1]█")
  })

  test("is never what a terminal would act on", () => {
    const prompt = createPrompt()
    prompt.editor.setDraft({ text: "a\x1b]52;c;aGk=\x07b\x9bc", images: [], mode: "prompt" })
    expect(prompt.editor.draft.text).not.toMatch(/[\x1b\x07\x9b]/)
  })
})

describe("the clipboard's image", () => {
  test.each([
    ["wl-paste", { WAYLAND_DISPLAY: "wayland-0" }, 'test "$3" = image/png && printf PNG'],
    ["xclip", { DISPLAY: ":0" }, 'test "$4" = image/png && printf PNG'],
    ["powershell.exe", { WSL_DISTRO_NAME: "Debian" }, "echo UE5H"],
  ])("is read by %s", async (name, env, script) => {
    using folder = temporaryFolder()
    program(folder, name, script)
    const found = await readClipboardImage({ env: { ...env, PATH: folder.path }, platform: "linux" })
    expect(found).toEqual({ type: "image", bytes: Buffer.from("PNG") })
  })

  test("is read by osascript on a Mac", async () => {
    using folder = temporaryFolder()
    program(folder, "osascript", 'echo "«data PNGf504E47»"')
    const found = await readClipboardImage({ env: { PATH: folder.path }, platform: "darwin" })
    expect(found).toEqual({ type: "image", bytes: Buffer.from("PNG") })
  })

  test("is none when the tool has none, and a tool is named where one is missing", async () => {
    using folder = temporaryFolder()
    program(folder, "wl-paste", "echo 'No selection' >&2; exit 1")
    const env = { WAYLAND_DISPLAY: "wayland-0", PATH: folder.path }
    expect(await readClipboardImage({ env, platform: "linux" })).toEqual({ type: "none" })
    const bare = await readClipboardImage({ env: { PATH: folder.path }, platform: "linux" })
    expect(bare.type === "no-tool" && bare.message).toContain("Paste or drop the path")
  })
})
