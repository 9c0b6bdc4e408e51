import { expect, test } from "bun:test"
import { isAllowed } from "../../../src/session/memory/allowance.ts"
import type { SessionRow } from "../../../src/store/rows.ts"
import { temporaryStore } from "../../../testing/harness.ts"
import { seed, seedSession } from "../../../testing/seed.ts"

const USD = 1e9

interface Spent {
  purpose: string
  tokens: number
  usd: number | null
}

/** One dollar for a million tokens of input, ten for output; or a price that nobody knows. */
async function allowed(spent: readonly Spent[], asked: { share?: number; characters?: number; priced?: boolean }) {
  using it = await temporaryStore()
  await it.store.write((tx) => {
    seedSession(tx, { id: "s" })
    for (const [n, { purpose, tokens, usd }] of spent.entries()) {
      const cost = usd === null ? null : usd * USD
      seed(tx, "ledger", {
        id: `l${n}`,
        root_id: "s",
        session_id: "s",
        purpose,
        state: "closed",
        input_tokens: tokens,
        cost_nanos: cost,
      })
    }
  })
  const { share = 0.1, characters = 35_000, priced = true } = asked
  const models = {
    price: async (_: string, usage: { inputTokens: number; outputTokens: number }) =>
      priced ? usage.inputTokens * 1000 + usage.outputTokens * 10_000 : null,
  }
  const row = it.store.one<SessionRow>("SELECT * FROM session")!
  return await isAllowed({ store: it.store, models }, { row, model: "p/m", share, characters })
}

test("a short session has something to be remembered by", async () => {
  expect(await allowed([{ purpose: "turn", tokens: 1000, usd: 0.001 }], {})).toBe(true)
  expect(await allowed([{ purpose: "memory", tokens: 1000, usd: 0.049 }], {})).toBe(false)
})

test("a long one pays a share of what it has used itself", async () => {
  const turns = { purpose: "turn", tokens: 1_000_000, usd: 10 }
  expect(await allowed([turns, { purpose: "memory", tokens: 1000, usd: 0.9 }], {})).toBe(true)
  expect(await allowed([turns, { purpose: "memory", tokens: 1000, usd: 0.99 }], {})).toBe(false)
  expect(await allowed([turns, { purpose: "memory", tokens: 1000, usd: 0.99 }], { share: 0.2 })).toBe(true)
  expect(await allowed([turns, { purpose: "memory", tokens: 1000, usd: 0.06 }], { share: 0 })).toBe(false)
})

test("where prices are not known, tokens count", async () => {
  const turns = { purpose: "turn", tokens: 1_000_000, usd: null }
  expect(await allowed([turns, { purpose: "memory", tokens: 50_000, usd: null }], { priced: false })).toBe(true)
  expect(await allowed([turns, { purpose: "memory", tokens: 90_000, usd: null }], { priced: false })).toBe(false)
  expect(await allowed([turns, { purpose: "memory", tokens: 90_000, usd: 0 }], { priced: true })).toBe(false)
})
