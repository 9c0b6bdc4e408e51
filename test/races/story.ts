// What the races share: the calls that a scripted model makes, and what may have become of an end.
import { expect } from "bun:test"
import type { Driving } from "../../testing/driving.ts"

export const bash = (name: string, more: object = {}) => ({
  name: "Bash",
  input: { command: name, description: name, ...more },
})
export const behind = (name: string, more: object = {}) => bash(name, { run_in_background: true, ...more })
export const agent = (name: string, more: object = {}) => ({
  name: "Agent",
  input: { subagent_type: "general-purpose", description: name, prompt: `Be ${name}.`, ...more },
})

/** The call's result told it, so there is no notice. */
export const RETURNED = { notice: "none", inbox: 0, messages: 0 } as const
export const TOLD_ONCE = { notice: "delivered", inbox: 0, messages: 1 } as const
export const CONSUMED = { notice: "consumed", inbox: 0, messages: 0 } as const
export const WAITING = { notice: "pending", inbox: 1, messages: 0 } as const

/**
 * Everything rests, the model has read the text so often, nothing that it was sent was out of order, and nothing has
 * gone wrong behind it.
 */
export async function rests(it: Driving, talk: Promise<{ type: string }>, text: string, times = 1): Promise<void> {
  const { type } = await talk
  it.server.check()
  expect(it.errors()).toEqual([])
  expect(type).toBe("done")
  expect(it.read(text)).toBe(times)
}
