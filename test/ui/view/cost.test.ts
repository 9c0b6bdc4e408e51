// What /cost shows of a session, against a hand count.
import { expect, test } from "bun:test"
import { usd } from "../../../src/base/text.ts"
import { usageStats } from "../../../src/session/stats.ts"
import type { Store } from "../../../src/store/store.ts"
import { usageBelow } from "../../../src/task/find.ts"
import { costLines } from "../../../src/ui/tui/screens/cost.ts"
import { createTheme } from "../../../src/ui/tui/theme.ts"
import { type CostRow, sessionCost } from "../../../src/ui/view/cost.ts"
import { addingUp } from "../../../src/ui/view/money.ts"
import { temporaryStore } from "../../../testing/harness.ts"
import { seed, seedSession, seedTask } from "../../../testing/seed.ts"

interface Asked {
  session?: string
  purpose?: string
  model?: string
  cost?: number | null
  state?: string
  read?: number
}

async function asked(store: Store, requests: readonly Asked[]): Promise<void> {
  await store.write((tx) => {
    seedSession(tx, { id: "root" })
    for (const [id, parent] of [
      ["one", "root"],
      ["below", "one"],
      ["two", "root"],
    ] as const) {
      seedSession(tx, { id, root_id: "root", parent_id: parent, depth: parent === "root" ? 1 : 2 })
      seedTask(tx, {
        id: `t-${id}`,
        root: "root",
        task: { kind: "agent", owner_id: parent, session_id: id },
        run: { state: "completed" },
      })
    }
    seedSession(tx, { id: "other" })
    seed(tx, "ledger", { id: "of-another", root_id: "other", session_id: "other", state: "closed", cost_nanos: 9e9 })
    for (const [
      n,
      { session = "root", purpose = "turn", model = "sonnet", cost = 0, state = "closed", read = 0 },
    ] of requests.entries())
      seed(tx, "ledger", {
        id: `l${n}`,
        root_id: "root",
        session_id: session,
        purpose,
        provider: "anthropic",
        model,
        state,
        input_tokens: 100,
        cache_read_tokens: read,
        cost_nanos: cost,
      })
  })
}

const look = (store: Store) => sessionCost(store, { rootId: "root", nameOf: (id) => `agent ${id}` })
const shown = (rows: readonly CostRow[]) => rows.map(({ name, depth, cost }) => `${" ".repeat(depth)}${name} ${cost}`)

test("by model, and by who used it: agents with what they started, and what memory and titles cost", async () => {
  using place = await temporaryStore()
  await asked(place.store, [
    { cost: 1_000_000_000, read: 300 },
    { session: "one", cost: 200_000_000 },
    { session: "below", cost: 50_000_000, model: "haiku" },
    { session: "two", cost: 30_000_000, model: "haiku" },
    { purpose: "memory", cost: 20_000_000, model: "haiku" },
    { purpose: "title", cost: 10_000_000, model: "haiku" },
    { cost: 7_000_000_000, state: "open" },
  ])
  const cost = look(place.store)
  expect(cost.total).toBe("$1.31")
  expect(cost.about).toBe("900 tokens, 33 % of the input from the cache")
  expect(shown(cost.models)).toEqual(["anthropic/sonnet $1.20", "anthropic/haiku $0.11"])
  expect(shown(cost.users)).toEqual([
    "this conversation $1.00",
    "agent one $0.25",
    " agent below $0.05",
    "agent two $0.03",
    "session memory $0.02",
    "title $0.01",
  ])
  expect(cost.notes).toEqual([])
})

test("what crashed is marked as a guess, and what has no price as not known", async () => {
  using place = await temporaryStore()
  await asked(place.store, [
    { cost: 500_000_000 },
    { session: "one", cost: 100_000_000, state: "estimated" },
    { session: "two", cost: null, model: "own" },
  ])
  const cost = look(place.store)
  expect(cost.total).toBe("≈$0.60 + ?")
  expect(shown(cost.users)).toEqual(["this conversation $0.50", "agent one ≈$0.10", "agent two ?"])
  expect(cost.notes).toHaveLength(2)
})

test("each list adds up to the total as it is shown, which is that of the header and of /stats", async () => {
  using place = await temporaryStore()
  const sessions = ["root", "one", "below", "two"]
  // Each of them rounded by itself would be some cents off in the end.
  await asked(
    place.store,
    Array.from({ length: 60 }, (_, n) => ({
      session: sessions[n % 4]!,
      model: `m${n % 7}`,
      purpose: n % 4 === 0 && n % 3 === 0 ? "memory" : "turn",
      cost: 5_400_000 + n * 1_230_007,
    })),
  )
  const { total, models, users } = look(place.store)
  const cents = (text: string) => Math.round(Number(text.replace(/[$<,]/g, "")) * 100) * (text.startsWith("<") ? 0 : 1)
  const added = (rows: readonly CostRow[]) =>
    rows.filter(({ depth }) => depth === 0).reduce((sum, row) => sum + cents(row.cost), 0)
  expect(added(models)).toBe(cents(total))
  expect(added(users)).toBe(cents(total))
  expect(total).toBe(usd(usageBelow(place.store, "root").costNanos!))
  const all = usageStats(place.store, { now: Date.now(), days: "all" }).totals.costNanos
  expect(total).toBe(usd(all - 9e9))
})

test("parts are never more than a cent off, and none that costs something is nothing", () => {
  expect(addingUp([])).toEqual([])
  expect(addingUp([0, 4_000_000, 4_000_000, 4_000_000])).toEqual(["$0.00", "$0.01", "<$0.01", "<$0.01"])
  expect(addingUp([335_000_000, 335_000_000])).toEqual(["$0.34", "$0.33"])
  expect(addingUp([1_234_560_000_000])).toEqual(["$1,234.56"])
})

test("the screen fits into any width", async () => {
  using place = await temporaryStore()
  await asked(place.store, [
    { cost: 5e9, model: `m-${"x".repeat(200)}` },
    { session: "below", cost: null },
  ])
  for (const width of [20, 80, 200]) {
    const theme = createTheme("dark", { hasColour: false })
    for (const { text } of costLines(place.store, { rootId: "root", items: [] }, { width, theme }))
      expect(Bun.stringWidth(text)).toBeLessThanOrEqual(width)
  }
})
