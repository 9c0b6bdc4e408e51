import { describe, expect, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { getKeybindings } from "@earendil-works/pi-tui"
import { type Action, actionNames, actions, contextOf, contexts } from "../../../../src/ui/tui/keys/actions.ts"
import { parseKey } from "../../../../src/ui/tui/keys/key-name.ts"
import { parseKeybindings, readKeybindings } from "../../../../src/ui/tui/keys/keybindings-file.ts"
import { CHORD_MS, createKeys, type KeyConfig } from "../../../../src/ui/tui/keys/keys.ts"
import { bindLibraryKeys } from "../../../../src/ui/tui/keys/pi-keys.ts"
import { temporaryFolder } from "../../../../testing/harness.ts"

/** A clock that the test moves. */
function handTimer() {
  const waiting: { done: () => void; at: number }[] = []
  let now = 0
  return {
    timer: (done: () => void, ms: number) => {
      const one = { done, at: now + ms }
      waiting.push(one)
      return () => void waiting.splice(waiting.indexOf(one), waiting.includes(one) ? 1 : 0)
    },
    pass: (ms: number) => {
      now += ms
      for (const one of waiting.filter(({ at }) => at <= now)) {
        waiting.splice(waiting.indexOf(one), 1)
        one.done()
      }
    },
  }
}

describe("the keys when nobody says otherwise", () => {
  test("are all understood, and none has two meanings in one place", () => {
    const keys = createKeys()
    expect(keys.notes).toEqual([])
    for (const context of contexts) {
      const listed = keys.list(context)
      expect(listed.length).toBeGreaterThan(0)
      const all = listed.flatMap((one) => one.keys)
      expect(new Set(all).size).toBe(all.length)
      for (const { action, keys: names } of listed) expect(names).toHaveLength(actions[action].keys.length)
    }
    expect(contexts.flatMap((context) => keys.list(context))).toHaveLength(actionNames.length)
  })

  test.each<[string, Action]>([
    ["\x02", "conversation.background"],
    ["\x1b[98;5u", "conversation.background"],
    ["\x1b[27;5;98~", "conversation.background"],
    // A Russian layout: the key where b is on a US keyboard.
    ["\x1b[1080::98;5u", "conversation.background"],
    ["\x14", "conversation.tasks"],
    ["\x1b[Z", "conversation.mode"],
    ["\x1b[9;2u", "conversation.mode"],
    ["\x03", "conversation.clear"],
    ["\x1b", "conversation.interrupt"],
    ["\x1b[27u", "conversation.interrupt"],
    ["\x1b[91;5u", "conversation.interrupt"],
    ["\x0f", "conversation.unfold"],
    ["\x1a", "conversation.leave"],
    ["\x06", "conversation.find"],
    ["?", "conversation.help"],
    ["\x1b[5~", "conversation.pageUp"],
    ["\r", "editor.send"],
    ["\x1b[13u", "editor.send"],
    ["\x1b\r", "editor.queue"],
    ["\x1b[13;3u", "editor.queue"],
    ["\n", "editor.newLine"],
    ["\x1b[13;2u", "editor.newLine"],
    ["\x1b[106;5u", "editor.newLine"],
    ["\x1bOA", "editor.up"],
    ["\x08", "editor.deleteBack"],
    ["\x1b\x7f", "editor.deleteWordBack"],
    ["y", "approvals.once"],
    ["x", "tasks.stop"],
  ])("%j is %s", (bytes, action) => {
    expect(createKeys().match(contextOf(action), bytes)).toBe(action)
  })

  test("a key that is let go, and what is no key, mean nothing", () => {
    const keys = createKeys()
    for (const data of ["\x1b[98;5:3u", "\x1b[<0;1;1M", "\x1b[I", "", "\x1b[", "hello", "\x1b[200~\x02\x1b[201~"])
      for (const context of contexts) expect(keys.match(context, data)).toBeUndefined()
  })
})

describe("two strokes", () => {
  test("are one key; the first is shown while it waits", () => {
    const keys = createKeys()
    const told: (string | undefined)[] = []
    keys.onPending = () => told.push(keys.pending)
    expect(keys.match("conversation", "\x18")).toBe("pending")
    expect(keys.match("conversation", "\x1b[120;5:3u")).toBeUndefined()
    expect(keys.match("conversation", "\x02")).toBe("conversation.background")
    expect(keys.match("conversation", "\x18")).toBe("pending")
    expect(keys.match("conversation", "\x0b")).toBe("conversation.stopAll")
    expect(told).toEqual(["ctrl+x", undefined, "ctrl+x", undefined])
  })

  test("a second one that does not belong to it keeps its own meaning", () => {
    const keys = createKeys()
    keys.match("conversation", "\x18")
    expect(keys.match("conversation", "\x14")).toBe("conversation.tasks")
    keys.match("conversation", "\x18")
    expect(keys.match("conversation", "a")).toBeUndefined()
    expect(keys.pending).toBeUndefined()
    expect(keys.match("conversation", "\x0b")).toBeUndefined()
  })

  test("that are too far apart are two keys", () => {
    const { timer, pass } = handTimer()
    const keys = createKeys({}, timer)
    let told = 0
    keys.onPending = () => told++
    keys.match("conversation", "\x18")
    pass(CHORD_MS)
    expect(keys.pending).toBeUndefined()
    expect(told).toBe(2)
    expect(keys.match("conversation", "\x0b")).toBeUndefined()
    keys.match("conversation", "\x18")
    pass(CHORD_MS - 1)
    expect(keys.match("conversation", "\x0b")).toBe("conversation.stopAll")
  })

  test("pressed twice, the first one waits anew", () => {
    const keys = createKeys()
    keys.match("conversation", "\x18")
    expect(keys.match("conversation", "\x18")).toBe("pending")
    expect(keys.match("conversation", "\x0b")).toBe("conversation.stopAll")
  })
})

describe("the person's own keys", () => {
  const own = (config: KeyConfig) => createKeys(config)

  test("take the place of the usual ones, in any spelling", () => {
    const keys = own({ "conversation.tasks": ["Control-Shift-T", "f2"], "conversation.stopAll": ["C-x K"] })
    expect(keys.match("conversation", "\x14")).toBeUndefined()
    expect(keys.match("conversation", "\x1bOQ")).toBe("conversation.tasks")
    expect(keys.match("conversation", "\x1b[116;6u")).toBe("conversation.tasks")
    keys.match("conversation", "\x18")
    expect(keys.match("conversation", "K")).toBe("conversation.stopAll")
    expect(keys.hint("conversation.tasks")).toBe("ctrl+shift+t")
    expect(keys.list("conversation").find(({ action }) => action === "conversation.tasks")).toMatchObject({
      keys: ["ctrl+shift+t", "f2"],
      isOwn: true,
    })
    expect(keys.notes).toEqual([])
  })

  test("an action can be without a key, but not the ones to send and to get out", () => {
    const keys = own({ "conversation.leave": [], "conversation.clear": [], "editor.send": ["nonsense+x"] })
    expect(keys.match("conversation", "\x1a")).toBeUndefined()
    expect(keys.hint("conversation.leave")).toBeUndefined()
    expect(keys.match("conversation", "\x03")).toBe("conversation.clear")
    expect(keys.match("editor", "\r")).toBe("editor.send")
    expect(keys.notes).toHaveLength(3)
    expect(keys.notes.join("\n")).toContain("conversation.clear keeps ctrl+c")
  })

  test("a key that is taken from an action by default is gone there, and that is said when it was the last", () => {
    const keys = own({ "editor.undo": ["ctrl+t"] })
    expect(keys.match("editor", "\x14")).toBe("editor.undo")
    expect(keys.match("conversation", "\x14")).toBeUndefined()
    expect(keys.notes).toEqual(["conversation.tasks has no key left: you gave ctrl+t to another action."])
  })

  test("one key for two actions is told, and the first has it", () => {
    const keys = own({ "conversation.tasks": ["f5"], "conversation.unfold": ["f5", "f6"] })
    expect(keys.match("conversation", "\x1b[15~")).toBe("conversation.tasks")
    expect(keys.match("conversation", "\x1b[17~")).toBe("conversation.unfold")
    expect(keys.notes).toEqual([
      '"f5" is asked for by conversation.tasks and conversation.unfold; conversation.tasks has it.',
    ])
  })

  test("a key that begins two strokes is told", () => {
    const { notes } = own({ "conversation.tasks": ["ctrl+x"] })
    expect(notes.some((note) => note.startsWith('"ctrl+x" of conversation.tasks is not seen alone'))).toBe(true)
  })

  test("a key that types is refused in the editor, and allowed in a list", () => {
    const keys = own({ "editor.undo": ["u"], "tasks.stop": ["K"] })
    expect(keys.match("editor", "u")).toBeUndefined()
    expect(keys.notes).toEqual(['editor.undo: "u" is needed for typing. Use one with ctrl or alt.'])
    expect(keys.match("tasks", "K")).toBe("tasks.stop")
    expect(keys.match("tasks", "k")).toBeUndefined()
  })
})

describe("names of keys", () => {
  test.each([
    ["ctrl+b", "ctrl+b"],
    ["Ctrl-B", "ctrl+b"],
    ["C-M-x", "ctrl+alt+x"],
    ["alt+ctrl+x", "ctrl+alt+x"],
    ["Shift+Tab", "shift+tab"],
    ["Esc", "escape"],
    ["ctrl+[", "escape"],
    ["ctrl+i", "tab"],
    ["PgUp", "pageUp"],
    ["ctrl+-", "ctrl+-"],
    ["ctrl++", "ctrl++"],
    ["?", "?"],
    ["G", "shift+g"],
    ["ctrl+x   ctrl+k", "ctrl+x ctrl+k"],
  ])("%s is %s", (text, name) => {
    expect(parseKey(text)).toMatchObject({ type: "key", name })
  })

  test.each(["", "  ", "ctrl", "hyper+x", "ctrl+foo", "a b", "ctrl+x ctrl+y ctrl+z", "ctrl+ä", "+", "ctrl+"])(
    "%j is a mistake, or a sign",
    (text) => {
      const parsed = parseKey(text)
      if (text === "+") expect(parsed).toMatchObject({ type: "key", name: "+" })
      else expect(parsed.type).toBe("mistake")
    },
  )
})

describe("keybindings.json", () => {
  test("names actions and their keys; null takes them away", () => {
    const text =
      '{ "$schema": "x", "conversation.tasks": "ctrl+y", "editor.undo": ["f1", "f2"], "conversation.leave": null }'
    expect(parseKeybindings(text)).toEqual({
      config: { "conversation.tasks": ["ctrl+y"], "editor.undo": ["f1", "f2"], "conversation.leave": [] },
      notes: [],
    })
  })

  test.each([
    ["{", "line 1, column 2:"],
    ['{\n  // mine\n  "a": 1\n}', "comments are not allowed"],
    ["[]", "must be an object such as"],
    ['"ctrl+b"', "must be an object such as"],
    ['{ "conversation.task": "ctrl+y" }', "Did you mean conversation.tasks"],
    ['{ "xyzzy": "ctrl+y" }', "The screen of keys (?) lists them."],
    ['{ "editor.undo": 7 }', "must be a key in quotes, a list of keys, or null"],
    ['{ "editor.undo": [["a"]] }', "must be a key in quotes"],
    ['{ "bindings": [{ "context": "Chat", "bindings": {} }] }', "another program's form"],
    ['{ "__proto__": { "editor.undo": "a" }, "constructor": "x" }', "there is no action"],
  ])("a mistake is told with what is right: %s", (text, message) => {
    const { config, notes } = parseKeybindings(text)
    expect(config).toEqual({})
    expect(notes.join("\n")).toContain(message)
    expect(createKeys(config).match("conversation", "\x02")).toBe("conversation.background")
  })

  test("a mistake costs its own line only", () => {
    const { config, notes } = parseKeybindings('{ "nothing.here": "x", "editor.undo": "f1" }')
    expect(config).toEqual({ "editor.undo": ["f1"] })
    expect(notes).toHaveLength(1)
  })

  test("is read from its file; none, a folder and rubbish never stop the program", () => {
    using folder = temporaryFolder()
    const path = join(folder.path, "keybindings.json")
    expect(readKeybindings(path)).toEqual({ config: {}, notes: [] })
    writeFileSync(path, '\ufeff{ "editor.undo": "f1" }')
    expect(readKeybindings(path).config).toEqual({ "editor.undo": ["f1"] })
    writeFileSync(path, "")
    expect(readKeybindings(path)).toEqual({ config: {}, notes: [] })
    writeFileSync(path, Buffer.from([0xff, 0xfe, 0x00]))
    expect(readKeybindings(path).notes[0]).toContain("keybindings.json is not text in UTF-8")
    expect(readKeybindings(folder.path).notes[0]).toContain("is not a regular file")
  })
})

test("the terminal library scrolls and searches by our keys and has none of its own", () => {
  const keys = createKeys({ "conversation.pageUp": ["f7"] })
  bindLibraryKeys(keys, new Set(["conversation.bottom"]))
  const library = getKeybindings()
  expect(library.matches("\x1b[18~", "tui.altScreen.pageUp")).toBe(true)
  expect(library.matches("\x1b[5~", "tui.altScreen.pageUp")).toBe(false)
  for (const bytes of ["\x1b[H", "\x1b[F", "\x02"])
    for (const name of Object.keys(library.getResolvedBindings()))
      if (!name.startsWith("tui.editor.cursorLine"))
        expect(library.matches(bytes, name as Parameters<typeof library.matches>[1])).toBe(false)
  expect(library.getKeys("tui.altScreen.bottom")).toEqual([])
  expect(library.getKeys("tui.altScreen.search")).toEqual(["ctrl+f"])
})
