// The sums that triggers keep, against the same sums over the rows themselves, after changes of every kind.
import { expect, test } from "bun:test"
import { systemClock } from "../../src/base/clock.ts"
import { openStore } from "../../src/store/open.ts"
import { migrations, SCHEMA_VERSION, schema } from "../../src/store/schema.ts"
import type { Reader, Tx } from "../../src/store/store.ts"
import { temporaryFolder, temporaryStore } from "../../testing/harness.ts"
import { seed } from "../../testing/seed.ts"
import { random } from "../session/usage-year.ts"

const QUARTER = 900_000

function kept(reader: Reader) {
  return {
    usage: reader.all("SELECT * FROM usage_sum ORDER BY quarter, provider, model"),
    work: reader.all("SELECT * FROM work_sum ORDER BY quarter, what, name"),
    sessions: reader.all("SELECT root_id, quarter, requests FROM session_sum ORDER BY root_id, quarter"),
  }
}

function recounted(reader: Reader) {
  return {
    usage: reader.all(`
      SELECT opened_at / ${QUARTER} AS quarter, provider, ledger.model AS model, COUNT(*) AS requests,
        SUM(input_tokens) AS input_tokens, SUM(output_tokens) AS output_tokens,
        SUM(cache_read_tokens) AS cache_read_tokens, SUM(cache_write_tokens) AS cache_write_tokens,
        SUM(reasoning_tokens) AS reasoning_tokens, SUM(COALESCE(cost_nanos, 0)) AS cost_nanos,
        SUM(cost_nanos IS NULL AND input_tokens + output_tokens + cache_read_tokens + cache_write_tokens > 0) AS unpriced,
        SUM(ledger.state = 'estimated') AS estimated,
        SUM(CASE WHEN run.background = 1 AND run.state NOT IN ('queued', 'running', 'paused')
          THEN input_tokens + output_tokens + cache_read_tokens + cache_write_tokens ELSE 0 END) AS background_tokens
      FROM ledger LEFT JOIN run ON run.id = ledger.run_id WHERE ledger.state <> 'open'
      GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`),
    work: reader.all(`
      SELECT * FROM (
        SELECT created_at / ${QUARTER} AS quarter, 'message' AS what, COALESCE(origin, role) AS name, COUNT(*) AS count
        FROM message GROUP BY 1, 3
        UNION ALL
        SELECT step.started_at / ${QUARTER}, 'tool', name, COUNT(*)
        FROM tool_call JOIN step ON step.id = tool_call.step_id GROUP BY 1, 3)
      ORDER BY quarter, what, name`),
    sessions: reader.all(`
      SELECT root_id, opened_at / ${QUARTER} AS quarter, COUNT(*) AS requests FROM ledger WHERE state <> 'open'
      GROUP BY 1, 2 ORDER BY 1, 2`),
  }
}

/** One change of those that the program makes, and some that it doesn't. */
function change(tx: Tx, below: (n: number) => number, n: number): void {
  const run = `r${below(6)}`
  const old = `l${below(n + 1)}`
  const tokens = { input_tokens: below(900), output_tokens: below(90), cache_read_tokens: below(3) * 100 }
  switch (below(11)) {
    case 0:
    case 1:
    case 2:
      seed(tx, "ledger", {
        id: `l${n}`,
        root_id: `s${below(3)}`,
        session_id: "x",
        run_id: below(3) ? run : null,
        provider: "p",
        model: `m${below(2)}`,
        state: (["open", "closed", "estimated"] as const)[below(3)]!,
        opened_at: below(6) * QUARTER + below(QUARTER),
        cost_nanos: below(4) ? below(1e9) : null,
        ...tokens,
      })
      return
    case 3:
      tx.run(
        "UPDATE ledger SET state = 'closed', input_tokens = :input, cost_nanos = 5, closed_at = 9 WHERE id = :old",
        {
          old,
          input: below(500),
        },
      )
      return
    case 4:
      tx.run("UPDATE ledger SET state = 'estimated' WHERE id = :old", { old })
      return
    case 5:
      tx.run("DELETE FROM ledger WHERE id = :old", { old })
      return
    case 6:
      tx.run("DELETE FROM run WHERE id = :run", { run })
      seed(tx, "run", { id: run, task_id: run, n, state: "running", background: below(2) })
      return
    case 7:
      tx.run("UPDATE run SET state = :state, background = :background WHERE id = :run", {
        run,
        state: (["running", "completed", "failed", "paused"] as const)[below(4)]!,
        background: below(2),
      })
      return
    case 8:
      seed(tx, "message", {
        id: `m${n}`,
        session_id: "x",
        seq: n,
        role: "user",
        origin: below(2) ? "human" : "task",
        content: "[]",
        created_at: below(6) * QUARTER,
      })
      return
    case 9:
      seed(tx, "step", { id: `t${n}`, session_id: "x", n, state: "done", started_at: below(6) * QUARTER })
      seed(tx, "tool_call", {
        id: `c${n}`,
        session_id: "x",
        step_id: `t${n}`,
        name: `n${below(3)}`,
        input: "",
        state: "done",
        replay: "safe",
      })
      return
    default:
      tx.run("DELETE FROM message WHERE id = :id", { id: `m${below(n + 1)}` })
      tx.run("DELETE FROM tool_call WHERE id = :id", { id: `c${below(n + 1)}` })
  }
}

test("whatever is written, changed and deleted, in any order: the sums are those of the rows", async () => {
  using place = await temporaryStore()
  for (const start of [1, 2, 3]) {
    const below = random(start)
    for (let n = 0; n < 400; n++) {
      await place.store.write((tx) => change(tx, below, start * 1000 + n))
      if (n % 20 === 0) expect(kept(place.store)).toEqual(recounted(place.store))
    }
  }
  expect(kept(place.store)).toEqual(recounted(place.store))
  expect(kept(place.store).usage.length).toBeGreaterThan(5)
  await place.store.write((tx) => {
    for (const table of ["tool_call", "step", "message", "ledger", "run"]) tx.run(`DELETE FROM ${table}`)
  })
  expect(kept(place.store)).toEqual({ usage: [], work: [], sessions: [] })
})

test("a database from before has its sums as soon as it is opened", async () => {
  using folder = temporaryFolder()
  const before = { ...schema, version: SCHEMA_VERSION - 1, migrations: migrations.slice(0, SCHEMA_VERSION - 1) }
  const old = await openStore({ folder: folder.path, clock: systemClock, schema: before })
  const below = random(9)
  for (let n = 0; n < 300; n++) await old.write((tx) => change(tx, below, n))
  old.close()
  const store = await openStore({ folder: folder.path, clock: systemClock })
  expect(kept(store)).toEqual(recounted(store))
  expect(kept(store).usage.length).toBeGreaterThan(5)
  store.close()
})
