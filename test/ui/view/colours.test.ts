// Which colours are on at the end of a text.
import { expect, test } from "bun:test"
import { coloursAfter } from "../../../src/ui/view/colours.ts"

test("is the shortest sequence for what is on", () => {
  expect(coloursAfter("plain")).toBe("")
  expect(coloursAfter("\x1b[31mred")).toBe("\x1b[31m")
  expect(coloursAfter("\x1b[31m\x1b[1m\x1b[44mx\x1b[22m")).toBe("\x1b[31;44m")
  expect(coloursAfter("\x1b[38;5;200m\x1b[48;2;1;2;3mx")).toBe("\x1b[38;5;200;48;2;1;2;3m")
  expect(coloursAfter("\x1b[38:2::1:2:3mx")).toBe("\x1b[38:2::1:2:3m")
})

test("ends with whatever turns it off", () => {
  expect(coloursAfter("\x1b[31mred\x1b[39m")).toBe("")
  expect(coloursAfter("\x1b[1;31;42mx\x1b[m")).toBe("")
  expect(coloursAfter("\x1b[31mx\x1b[0;32my")).toBe("\x1b[32m")
  expect(coloursAfter("more", "\x1b[1m")).toBe("\x1b[1m")
  expect(coloursAfter("\x1b[0mmore", "\x1b[1m")).toBe("")
})

test("rubbish turns nothing on, and does not grow", () => {
  expect(coloursAfter("\x1b[;;;m\x1b[999m\x1b[:::m")).toBe("")
  let on = ""
  for (let i = 0; i < 1000; i++) on = coloursAfter(`\x1b[${30 + (i % 8)}m\x1b[4mx`, on)
  expect(on.length).toBeLessThan(16)
})
