import { expect, test } from "bun:test"
import { Gate } from "../../testing/gate.ts"

test("a gate holds until it is opened, and then lets everybody through", async () => {
  const gate = new Gate()
  const passed: string[] = []
  const held = ["a", "b"].map((name) => gate.wait().then(() => passed.push(name)))
  await gate.reached()
  expect(gate.waiting).toBe(2)
  expect(passed).toEqual([])
  gate.open()
  await Promise.all(held)
  await gate.wait()
  expect(passed).toEqual(["a", "b"])
  expect(gate.waiting).toBe(0)
  expect(gate.opened).toBe(true)
})

test("a wait that is aborted rejects with the reason, before or while it waits, and the gate stays shut", async () => {
  const gate = new Gate()
  const abort = new AbortController()
  const held = gate.wait(abort.signal)
  abort.abort(new Error("enough"))
  expect(held).rejects.toThrow("enough")
  await held.catch(() => undefined)
  expect(gate.wait(abort.signal)).rejects.toThrow("enough")
  expect(gate.waiting).toBe(0)
  expect(gate.opened).toBe(false)
})

test("reached resolves when the first one arrives", async () => {
  const gate = new Gate()
  const reached = gate.reached().then(() => gate.waiting)
  const held = gate.wait()
  expect(await reached).toBe(1)
  gate.open()
  await held
})
