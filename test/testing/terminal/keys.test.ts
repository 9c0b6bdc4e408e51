// Keys as bytes, as xterm's control sequences and the page of kitty's keyboard protocol have them.
import { describe, expect, test } from "bun:test"
import { type KeyboardMode, keyBytes, LEGACY, MOUSE, mouseBytes } from "../../../testing/terminal/keys.ts"

const kitty = (flags: number): KeyboardMode => ({ ...LEGACY, kitty: flags })
const other: KeyboardMode = { ...LEGACY, modifyOtherKeys: 2 }

describe("an ordinary terminal sends", () => {
  test.each([
    ["a", "a"],
    ["shift+a", "A"],
    ["A", "A"],
    ["+", "+"],
    ["ctrl++", "+"],
    ["?", "?"],
    ["ä", "ä"],
    ["space", " "],
    ["enter", "\r"],
    ["shift+enter", "\r"],
    ["alt+enter", "\x1b\r"],
    ["tab", "\t"],
    ["shift+tab", "\x1b[Z"],
    ["esc", "\x1b"],
    ["backspace", "\x7f"],
    ["alt+backspace", "\x1b\x7f"],
    ["ctrl+backspace", "\x08"],
    ["ctrl+a", "\x01"],
    ["ctrl+c", "\x03"],
    ["ctrl+[", "\x1b"],
    ["ctrl+space", "\x00"],
    ["ctrl+_", "\x1f"],
    ["ctrl+alt+b", "\x1b\x02"],
    ["alt+b", "\x1bb"],
    ["up", "\x1b[A"],
    ["shift+up", "\x1b[1;2A"],
    ["alt+left", "\x1b[1;3D"],
    ["ctrl+right", "\x1b[1;5C"],
    ["home", "\x1b[H"],
    ["delete", "\x1b[3~"],
    ["ctrl+delete", "\x1b[3;5~"],
    ["pageup", "\x1b[5~"],
    ["f1", "\x1bOP"],
    ["shift+f1", "\x1b[1;2P"],
    ["f12", "\x1b[24~"],
  ])("%s as %j", (key, bytes) => {
    expect(keyBytes(key)).toBe(bytes)
  })

  test("arrows in the way of applications", () => {
    expect(keyBytes("down", { ...LEGACY, applicationCursor: true })).toBe("\x1bOB")
    expect(keyBytes("ctrl+down", { ...LEGACY, applicationCursor: true })).toBe("\x1b[1;5B")
  })
})

describe("with modifyOtherKeys", () => {
  test.each([
    ["a", "a"],
    ["shift+a", "A"],
    ["enter", "\r"],
    ["shift+enter", "\x1b[27;2;13~"],
    ["ctrl+b", "\x1b[27;5;98~"],
    ["up", "\x1b[A"],
  ])("%s is %j", (key, bytes) => {
    expect(keyBytes(key, other)).toBe(bytes)
  })
})

describe("in kitty's protocol", () => {
  test.each([
    ["a", 1, "a"],
    ["shift+a", 1, "A"],
    ["enter", 1, "\r"],
    ["esc", 1, "\x1b[27u"],
    ["shift+enter", 1, "\x1b[13;2u"],
    ["ctrl+b", 1, "\x1b[98;5u"],
    ["ctrl+shift+b", 1, "\x1b[98;6u"],
    ["ctrl+shift+b", 5, "\x1b[98:66;6u"],
    ["alt+enter", 1, "\x1b[13;3u"],
    ["up", 1, "\x1b[A"],
    ["a", 3, "a\x1b[97;1:3u"],
    ["enter", 3, "\r"],
    ["esc", 3, "\x1b[27u\x1b[27;1:3u"],
    ["up", 3, "\x1b[A\x1b[1;1:3A"],
    ["delete", 3, "\x1b[3~\x1b[3;1:3~"],
    ["a", 9, "\x1b[97u"],
    ["enter", 9, "\x1b[13u"],
  ])("%s with flags %d is %j", (key, flags, bytes) => {
    expect(keyBytes(key, kitty(flags))).toBe(bytes)
  })
})

test("a name that is no key is refused", () => {
  for (const name of ["", "ctrl+", "entre", "ctl+b", "CTRL+b"]) expect(() => keyBytes(name)).toThrow(/no such/)
})

test("the mouse counts cells from 1 and adds its modifiers", () => {
  expect(mouseBytes(MOUSE.left, { x: 0, y: 0, down: true })).toBe("\x1b[<0;1;1M")
  expect(mouseBytes(MOUSE.right, { x: 299, y: 99, down: false, held: { ctrl: true } })).toBe("\x1b[<18;300;100m")
  expect(mouseBytes(MOUSE.wheelUp, { x: 4, y: 2, down: true, held: { shift: true, alt: true } })).toBe("\x1b[<76;5;3M")
})
