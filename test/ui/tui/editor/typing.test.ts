import { describe, expect, test } from "bun:test"
import { createPrompt, key, paste } from "./prompt.ts"

describe("what is typed", () => {
  test("stands in a box, and Enter sends it without the spaces around it", () => {
    const prompt = createPrompt()
    prompt.type("  hello world ")
    expect(prompt.screen(30)).toEqual([
      "╭────────────────────────────╮",
      "│ ›   hello world            │",
      "╰────────────────────────────╯",
    ])
    prompt.press(key.enter)
    expect(prompt.sent).toEqual([{ text: "hello world", images: [], mode: "prompt", how: "send" }])
    expect(prompt.editor.isEmpty).toBe(true)
  })

  test("is not sent while there is nothing but space", () => {
    const prompt = createPrompt()
    prompt.press(key.enter, key.altEnter, key.tab)
    prompt.type("   ")
    prompt.press(key.enter, key.altEnter, key.tab)
    prompt.type("!")
    prompt.press(key.home, key.delete, key.delete, key.delete, key.enter)
    expect(prompt.sent).toEqual([])
  })

  test.each([
    ["Alt+Enter", key.altEnter],
    ["Alt+Enter of the kitty protocol", "\x1b[13;3u"],
    ["Tab", key.tab],
  ])("%s queues it", (_name, bytes) => {
    const prompt = createPrompt()
    prompt.type("later")
    prompt.press(bytes)
    expect(prompt.sent).toMatchObject([{ text: "later", how: "queue" }])
  })

  test.each([
    ["Shift+Enter", [key.shiftEnter]],
    ["Ctrl+J", [key.ctrl("j")]],
    ["a backslash and Enter", ["\\", key.enter]],
  ])("%s makes a new line", (_name, bytes) => {
    const prompt = createPrompt()
    prompt.type("one")
    prompt.press(...bytes)
    prompt.type("two")
    expect(prompt.text()).toBe("one\ntwo█")
    prompt.press(key.enter)
    expect(prompt.sent).toMatchObject([{ text: "one\ntwo" }])
  })

  test("a line that begins with ! is a shell line, and is sent without it", () => {
    const prompt = createPrompt()
    prompt.type("!ls -la")
    expect(prompt.screen(30)[0]).toContain("shell")
    prompt.press(key.enter)
    expect(prompt.sent).toMatchObject([{ text: "ls -la", mode: "shell" }])
    prompt.type("what does ! mean")
    expect(prompt.screen(30)[0]).not.toContain("shell")
    prompt.press(key.enter)
    expect(prompt.sent[1]).toMatchObject({ text: "what does ! mean", mode: "prompt" })
  })

  test("wide characters, emoji and combined ones are each one to the cursor", () => {
    const prompt = createPrompt()
    prompt.type("世界👩‍👩‍👧e\u0301🇩🇪")
    prompt.press(key.left, key.left, key.left, key.backspace)
    expect(prompt.text()).toBe("世█👩‍👩‍👧e\u0301🇩🇪")
    prompt.press(key.delete, key.right, key.right, key.backspace)
    prompt.press(key.enter)
    expect(prompt.sent).toMatchObject([{ text: "世e\u0301" }])
  })

  test("kitty's own encoding of letters and of shifted ones is text", () => {
    const prompt = createPrompt()
    prompt.press("\x1b[97u", "\x1b[98:66;2u", "\x1b[27;2;67~", "\x1b[32;2u", "\x1b[228u")
    expect(prompt.text()).toBe("aBC ä█")
  })

  test("keys that mean nothing, and rubbish, leave no trace", () => {
    const prompt = createPrompt()
    const rubbish = [
      "\x1b[99;99R",
      "\x1b[?1;2c",
      "\x1bOQ",
      "\x1b[I",
      "\x1b[O",
      "\x00",
      "\x1b]11;rgb:0/0/0\x07",
      "\x9b1A",
      "",
    ]
    const lone = ["\ud83d", "a", "\ude00", "\u{10fff0}", "\x1b[<0;1;1M", "\x1b[1;5P", "\ufffd"]
    prompt.type("x")
    prompt.press(...rubbish, ...lone)
    prompt.press(key.enter)
    expect(prompt.sent[0]!.text).toMatch(/^xa[\ufffd]*$/)
    expect(prompt.sent[0]!.text.isWellFormed()).toBe(true)
  })

  test("random bytes never make it throw, and no line is wider than the screen", () => {
    let seed = 7
    const random = (below: number) => {
      seed = (seed * 1103515245 + 12345) & 0x7fffffff
      return seed % below
    }
    const pieces = [
      "\x1b[",
      "200~",
      "\x1b[201~",
      "\t",
      "\r",
      "\n",
      "世",
      "👩‍👩‍👧",
      "!",
      "@",
      "/",
      "\\",
      " ",
      "\x1f",
      "\x0b",
      "\x19",
    ]
    for (let round = 0; round < 60; round++) {
      const prompt = createPrompt({ paths: ["a.ts"], commands: () => [{ name: "help", description: "what there is" }] })
      for (let count = 0; count < 80; count++) {
        const piece = random(3) === 0 ? String.fromCharCode(random(256)) : pieces[random(pieces.length)]!
        prompt.press(piece + (random(4) === 0 ? pieces[random(pieces.length)] : ""))
        prompt.screen([80, 41, 20, 13, 11, 5, 1][random(7)])
      }
    }
  })

  test("keys that the app has are no keys of the editor", () => {
    const prompt = createPrompt()
    prompt.type("abc")
    prompt.press(
      key.left,
      key.ctrl("b"),
      key.ctrl("f"),
      key.ctrl("t"),
      key.ctrl("o"),
      key.ctrl("z"),
      "\x1b[Z",
      "\x1b[5~",
    )
    expect(prompt.text()).toBe("ab█c")
  })
})

describe("the box", () => {
  test.each([80, 40, 20, 12])("has the width of the screen: %i", (width) => {
    const prompt = createPrompt()
    prompt.type("The quick brown fox jumps over the lazy dog. 敏捷的棕色狐狸跳过了懒狗。👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧")
    for (const line of prompt.screen(width)) expect(Bun.stringWidth(line)).toBe(width)
  })

  test("breaks lines between words, and a word that is too long anywhere", () => {
    const prompt = createPrompt()
    prompt.type("one two three fourfourfourfourfour")
    expect(prompt.text(20)).toBe("one two three\nfourfourfourfo\nurfour█")
  })

  test("keeps the cursor in the box at the end of a full line", () => {
    const prompt = createPrompt()
    prompt.type("a".repeat(14))
    expect(prompt.screen(20)).toEqual(["╭──────────────────╮", `│ › ${"a".repeat(14)} │`, "╰──────────────────╯"])
    expect(prompt.text(20)).toBe(`${"a".repeat(14)}█`)
    prompt.type(" ")
    prompt.type("b")
    expect(prompt.text(20)).toBe(`${"a".repeat(14)}\nb█`)
  })

  test("grows to a third of the screen, then scrolls and says how much is hidden", () => {
    const prompt = createPrompt({ rows: 24 })
    for (let line = 1; line < 20; line++) {
      prompt.type(`line ${line}`)
      prompt.press(key.ctrl("j"))
    }
    expect(prompt.screen()).toHaveLength(8)
    expect(prompt.screen()[0]).toContain("↑ 14")
    prompt.press("\x1b[1;5H")
    expect(prompt.text().split("\n")[0]).toBe("█line 1")
    expect(prompt.screen().at(-1)).toContain("↓ 14")
  })

  test("shows the placeholder while it is empty, and the mode in its corner", () => {
    const prompt = createPrompt()
    prompt.editor.placeholder = "Ask anything"
    prompt.editor.title = "plan"
    expect(prompt.text(30)).toBe("█Ask anything")
    expect(prompt.screen(30)[0]).toBe("╭───────────────────── plan ─╮")
    prompt.type("a")
    expect(prompt.text(30)).toBe("a█")
  })

  test("a placeholder of wide characters fits as well", () => {
    const prompt = createPrompt()
    prompt.editor.placeholder = "世界世界世界世界世界世界世界"
    for (const width of [80, 20, 13, 7]) prompt.screen(width)
  })
})

describe("moving", () => {
  test("by characters, words, lines, and to the ends of the text", () => {
    const prompt = createPrompt()
    prompt.type("foo.bar baz")
    prompt.press(key.alt("b"))
    expect(prompt.text()).toBe("foo.bar █baz")
    prompt.press(key.alt("b"))
    expect(prompt.text()).toBe("foo.█bar baz")
    prompt.press("\x1b[1;5D", "\x1b[1;3D")
    expect(prompt.text()).toBe("█foo.bar baz")
    prompt.press("\x1b[1;5C")
    expect(prompt.text()).toBe("foo█.bar baz")
    prompt.press(key.end, key.ctrl("j"))
    prompt.type("next")
    prompt.press(key.ctrl("a"))
    expect(prompt.text()).toBe("foo.bar baz\n█next")
    prompt.press(key.left)
    expect(prompt.text()).toBe("foo.bar baz█\nnext")
    prompt.press(key.alt("<"))
    expect(prompt.text()).toBe("█foo.bar baz\nnext")
  })

  test("↑ and ↓ keep to their column, over short and wide lines", () => {
    const prompt = createPrompt()
    prompt.press(paste("abcdef\nx\n世界世界"))
    prompt.press(key.left)
    expect(prompt.text()).toBe("abcdef\nx\n世界世█界")
    prompt.press(key.up)
    expect(prompt.text()).toBe("abcdef\nx█\n世界世界")
    prompt.press(key.up)
    expect(prompt.text()).toBe("abcdef█\nx\n世界世界")
    prompt.press(key.left, key.down, key.down)
    expect(prompt.text()).toBe("abcdef\nx\n世界█世界")
  })

  test("↑ and ↓ go through the rows of one long line", () => {
    const prompt = createPrompt()
    prompt.type("one two three four five six")
    prompt.text(20)
    prompt.press(key.up)
    expect(prompt.text(20)).toBe("one two three█\nfour five six")
    prompt.press(key.down)
    expect(prompt.text(20)).toBe("one two three\nfour five six█")
  })

  test("a click puts the cursor there, on wide characters too", () => {
    const prompt = createPrompt()
    prompt.press(paste("hello\n世界世界"))
    prompt.screen()
    const click = (x: number, y: number) =>
      prompt.editor.handleMouse({
        type: "click",
        button: "left",
        x,
        y,
        screenX: x,
        screenY: y,
        width: 80,
        height: 4,
        shift: false,
        alt: false,
        ctrl: false,
      })
    expect(click(6, 1)).toMatchObject({ handled: true, focus: true })
    expect(prompt.text()).toBe("he█llo\n世界世界")
    click(7, 2)
    expect(prompt.text()).toBe("hello\n世█界世界")
    click(70, 1)
    expect(prompt.text()).toBe("hello█\n世界世界")
    click(0, 3)
    expect(prompt.text()).toBe("hello\n█世界世界")
  })
})

describe("cutting, putting back, undoing", () => {
  test("Ctrl+K, Ctrl+U and Ctrl+W cut; Ctrl+Y puts back, Alt+Y what was cut before", () => {
    const prompt = createPrompt()
    prompt.type("one two three")
    prompt.press(key.ctrl("w"), key.ctrl("w"))
    expect(prompt.text()).toBe("one █")
    prompt.press(key.home, key.ctrl("k"))
    expect(prompt.text()).toBe("█")
    prompt.press(key.ctrl("y"))
    expect(prompt.text()).toBe("one █")
    prompt.press(key.alt("y"))
    expect(prompt.text()).toBe("two three█")
    prompt.press(key.alt("y"))
    expect(prompt.text()).toBe("one █")
    prompt.press(key.ctrl("u"))
    expect(prompt.text()).toBe("█")
  })

  test("Alt+Y without a yank before it does nothing", () => {
    const prompt = createPrompt()
    prompt.type("a b")
    prompt.press(key.ctrl("w"), key.alt("y"))
    expect(prompt.text()).toBe("a █")
  })

  test("cutting joins lines at their ends", () => {
    const prompt = createPrompt()
    prompt.press(paste("one\ntwo"))
    prompt.press(key.ctrl("u"), key.ctrl("u"))
    expect(prompt.text()).toBe("one█")
    prompt.press(key.ctrl("y"))
    expect(prompt.text()).toBe("one\ntwo█")
  })

  test("each of a Chinese sentence's words is cut by itself", () => {
    const prompt = createPrompt()
    prompt.type("我喜欢咖啡")
    prompt.press(key.ctrl("w"))
    expect(prompt.text()).toBe("我喜欢█")
  })

  test("undo takes back a word at a time, also a paste, a cut and a clearing", () => {
    const prompt = createPrompt()
    prompt.type("one two")
    prompt.press(paste(" three"))
    prompt.press(key.undo)
    expect(prompt.text()).toBe("one two█")
    prompt.press(key.undo)
    expect(prompt.text()).toBe("one █")
    prompt.editor.clear()
    prompt.press(key.undo)
    expect(prompt.text()).toBe("one █")
    for (let count = 0; count < 5; count++) prompt.press(key.undo)
    expect(prompt.text()).toBe("█")
  })

  test.each(["\x1f", "\x1b[45;5u", "\x1b[95;6u", "\x1b[45:95;6u"])("%j undoes", (bytes) => {
    const prompt = createPrompt()
    prompt.type("a")
    prompt.press(bytes)
    expect(prompt.text()).toBe("█")
  })

  test("what was sent cannot come back by undo", () => {
    const prompt = createPrompt()
    prompt.type("a")
    prompt.press(key.enter, key.undo)
    expect(prompt.editor.isEmpty).toBe(true)
  })
})
