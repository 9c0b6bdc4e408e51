import { describe, expect, test } from "bun:test"
import type { Draft } from "../../../../src/ui/tui/editor/draft.ts"
import { Gate } from "../../../../testing/gate.ts"
import { createPrompt, key, type Prompt, paste } from "./prompt.ts"

/** Lets what has been read arrive. */
const arrived = () => new Promise((resolve) => setImmediate(resolve))

async function withHistory(...entries: string[]): Promise<Prompt> {
  const prompt = createPrompt({ history: { entries: async () => entries } })
  prompt.press(key.up)
  await arrived()
  while (!prompt.editor.isEmpty) prompt.press(key.down)
  return prompt
}

describe("earlier prompts", () => {
  test("come with ↑, newest first, and what was being written comes back at the end", async () => {
    const prompt = await withHistory("second", "first")
    prompt.type("draft")
    prompt.press(key.up)
    expect(prompt.text()).toBe("second█")
    prompt.press(key.up)
    expect(prompt.text()).toBe("first█")
    prompt.press(key.up)
    expect(prompt.text()).toBe("first█")
    prompt.press(key.down, key.down)
    expect(prompt.text()).toBe("draft█")
    prompt.press(key.down)
    expect(prompt.text()).toBe("draft█")
  })

  test("the first ↑ waits for them; who types on meanwhile is not interrupted", async () => {
    const gate = new Gate()
    const entries = async () => {
      await gate.wait()
      return ["stored"]
    }
    const prompt = createPrompt({ history: { entries } })
    prompt.press(key.up)
    prompt.type("typed")
    gate.open()
    await arrived()
    await arrived()
    expect(prompt.text()).toBe("typed█")
    prompt.press(key.up)
    expect(prompt.text()).toBe("stored█")
  })

  test("of this run come before those of others, each once", async () => {
    const prompt = createPrompt({ history: { entries: async () => ["old", "same"] } })
    prompt.type("same")
    prompt.press(key.enter)
    prompt.type("!ls")
    prompt.press(key.enter, key.up)
    expect(prompt.text()).toBe("!ls█")
    prompt.press(key.up)
    expect(prompt.text()).toBe("same█")
    prompt.press(key.up)
    await arrived()
    expect(prompt.text()).toBe("old█")
    prompt.press(key.up)
    expect(prompt.text()).toBe("old█")
  })

  test("of many lines are passed by with one key each, until one moves in them", async () => {
    const prompt = await withHistory("one\ntwo\nthree", "older")
    prompt.press(key.up, key.up)
    expect(prompt.text()).toBe("older█")
    prompt.press(key.down)
    expect(prompt.text()).toBe("one\ntwo\nthree█")
    prompt.press(key.left, key.up)
    expect(prompt.text()).toBe("one\ntwo█\nthree")
    prompt.press(key.up, key.up)
    expect(prompt.text()).toBe("older█")
  })

  test("↑ on a later line only moves the cursor", async () => {
    const prompt = await withHistory("earlier")
    prompt.press(paste("one\ntwo"), key.up)
    expect(prompt.text()).toBe("one█\ntwo")
    prompt.press(key.up)
    expect(prompt.text()).toBe("earlier█")
  })

  test("can be changed and sent; the draft is not lost by looking back", async () => {
    const prompt = await withHistory("earlier")
    prompt.press(key.up)
    prompt.type("!")
    prompt.press(key.enter)
    expect(prompt.sent).toMatchObject([{ text: "earlier!" }])
    prompt.press(key.up, key.up)
    expect(prompt.text()).toBe("earlier█")
  })

  test("that are very long are folded", async () => {
    const prompt = await withHistory("x\n".repeat(5000))
    prompt.press(key.up)
    expect(prompt.text()).toBe("[Pasted text #1 +5001 lines]█")
    prompt.press(key.enter)
    expect(prompt.sent[0]!.text).toBe("x\n".repeat(5000).trim())
  })

  test("that can't be read are none, and this run's are there", async () => {
    const prompt = createPrompt({ history: { entries: () => Promise.reject(new Error("disk")) } })
    prompt.press(key.up)
    await arrived()
    prompt.type("a")
    prompt.press(key.enter, key.up)
    expect(prompt.text()).toBe("a█")
  })

  test("what was cleared comes back with ↑, and by undo", async () => {
    const prompt = await withHistory("older")
    prompt.type("written with care")
    prompt.editor.clear()
    expect(prompt.editor.isEmpty).toBe(true)
    prompt.press(key.up)
    expect(prompt.text()).toBe("written with care█")
    prompt.press(key.down, key.undo, key.undo, key.undo)
    expect(prompt.text()).toContain("written with")
  })

  test("bring their images and folded pastes along", () => {
    const image = { name: "a", mediaType: "image/png", bytes: new Uint8Array(1) }
    const long = "line\n".repeat(20)
    const prompt = createPrompt()
    prompt.editor.setDraft({ text: "see [Image #1]", images: [image], mode: "prompt" })
    prompt.press(key.end, paste(long))
    prompt.editor.clear()
    prompt.press(key.up)
    expect(prompt.text()).toBe("see [Image #1][Pasted text #1 +21 lines]█")
    prompt.press(key.enter, key.up, key.enter)
    expect(prompt.sent).toHaveLength(2)
    for (const sent of prompt.sent)
      expect(sent).toMatchObject({ text: `see [Image #1]${long}`.trim(), images: [{ name: "a" }] })
  })

  test("that are long ago are without their images, and very long ones are forgotten", () => {
    const prompt = createPrompt()
    const send = (text: string, images: Draft["images"] = []) => {
      prompt.editor.setDraft({ text, images, mode: "prompt" })
      prompt.press(key.enter)
    }
    const image = { name: "a", mediaType: "image/png", bytes: new Uint8Array(1) }
    send("x\n".repeat(500_000))
    send("see [Image #1]", [image])
    for (let n = 0; n < 10; n++) send(`look at [Image #1], ${n}`, [image])
    for (let n = 0; n < 20; n++) prompt.press(key.up)
    expect(prompt.text()).toBe("see [Image #1]█")
    expect(prompt.editor.draft.images).toEqual([])
  })

  test("have no sign that was cleared before anything followed it", () => {
    const prompt = createPrompt()
    for (const sign of ["/", "!", "@", "  "]) {
      prompt.type(sign)
      prompt.editor.clear()
    }
    prompt.press(key.up)
    expect(prompt.editor.isEmpty).toBe(true)
  })

  test("clearing one that only came back makes it no newer", async () => {
    const prompt = await withHistory("newest", "older")
    prompt.press(key.up, key.up)
    prompt.editor.clear()
    prompt.press(key.up)
    expect(prompt.text()).toBe("newest█")
  })

  test("↑ on an empty prompt takes a queued message back before it looks back", async () => {
    const image = { name: "a", mediaType: "image/png", bytes: new Uint8Array(1) }
    const queued = [{ text: "queued [Image #1]", images: [image], mode: "prompt" as const }]
    const prompt = createPrompt({
      takeBack: () => {
        const draft = queued.pop()
        if (draft) prompt.editor.giveBack(draft)
        return draft !== undefined
      },
      history: { entries: async () => ["earlier"] },
    })
    prompt.press(key.up)
    expect(prompt.text()).toBe("queued [Image #1]█")
    prompt.press(key.backspace, key.undo, key.enter)
    expect(prompt.sent[0]).toMatchObject({ text: "queued [Image #1]", images: [{ name: "a" }] })
    prompt.press(key.up, key.up)
    await arrived()
    expect(prompt.text()).toBe("earlier█")
  })

  test("a draft that comes back leaves what was written meanwhile", () => {
    const prompt = createPrompt()
    prompt.type("the next")
    prompt.editor.giveBack({ text: "could not be stored", images: [], mode: "prompt" })
    expect(prompt.text()).toBe("could not be stored\nthe next█")
    prompt.press(key.undo)
    expect(prompt.text()).toBe("the next█")
  })
})

describe("Ctrl+R", () => {
  test("finds the newest that has what is typed, then older ones; Enter takes it and does not send", async () => {
    const prompt = await withHistory("fix the login", "add tests", "log in by cookie")
    prompt.type("draft")
    prompt.press(key.ctrl("r"))
    prompt.type("log")
    expect(prompt.text()).toBe("fix the █login")
    expect(prompt.screen(40).at(-1)).toContain("search: log")
    prompt.press(key.ctrl("r"))
    expect(prompt.text()).toBe("█log in by cookie")
    prompt.press(key.ctrl("r"))
    expect(prompt.text()).toBe("█log in by cookie")
    prompt.press(key.enter)
    expect(prompt.sent).toEqual([])
    expect(prompt.text()).toBe("log in by cookie█")
    prompt.press(key.undo)
    expect(prompt.text()).toBe("draft█")
  })

  test("says when nothing has it, and a letter less finds it again", async () => {
    const prompt = await withHistory("fix the login")
    prompt.press(key.ctrl("r"))
    prompt.type("logx")
    expect(prompt.screen(40).at(-1)).toContain("not found: logx")
    prompt.press(key.backspace)
    expect(prompt.text()).toBe("fix the █login")
  })

  test("Esc ends it and leaves what was there", async () => {
    const prompt = await withHistory("fix the login")
    prompt.type("draft")
    prompt.press(key.ctrl("r"), "l")
    expect(prompt.editor.dismiss()).toBe(true)
    expect(prompt.text()).toBe("draft█")
    expect(prompt.editor.dismiss()).toBe(false)
    prompt.press(key.ctrl("r"), "l", key.escape)
    expect(prompt.text()).toBe("draft█")
  })

  test("another key takes what is found and does what it does", async () => {
    const prompt = await withHistory("fix the login")
    prompt.press(key.ctrl("r"), "l", key.home, "x")
    expect(prompt.text()).toBe("x█fix the login")
  })

  test("capitals matter when some are typed; a paste is searched for", async () => {
    const prompt = await withHistory("Login", "login")
    prompt.press(key.ctrl("r"), paste("login"))
    expect(prompt.text()).toBe("█Login")
    prompt.press(key.escape, key.ctrl("r"), paste("Login"), key.ctrl("r"))
    expect(prompt.text()).toBe("█Login")
  })
})
