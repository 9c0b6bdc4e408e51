// Sums over the usage ledger and counts of what was said and done, by the quarter of an hour, for statistics that are
// there at once however long somebody has worked. Triggers keep them, in the transaction that changes the rows that they
// are sums of: so they are never behind, whichever process or version writes, and nothing else ever writes them.

/** All time zones' offsets, and the changes of their clocks, are multiples of this. */
export const QUARTER_MS = 15 * 60 * 1000

const LIVE_STATES = "('queued', 'running', 'paused')"

const USED = (row: string) =>
  `(${row}.input_tokens + ${row}.output_tokens + ${row}.cache_read_tokens + ${row}.cache_write_tokens)`

/** The columns of usage_sum that are added up, each with what one row of the ledger adds to it. */
const ADDED: readonly (readonly [column: string, of: (row: string) => string])[] = [
  ["requests", () => "1"],
  ["input_tokens", (row) => `${row}.input_tokens`],
  ["output_tokens", (row) => `${row}.output_tokens`],
  ["cache_read_tokens", (row) => `${row}.cache_read_tokens`],
  ["cache_write_tokens", (row) => `${row}.cache_write_tokens`],
  ["reasoning_tokens", (row) => `${row}.reasoning_tokens`],
  ["cost_nanos", (row) => `COALESCE(${row}.cost_nanos, 0)`],
  // Used tokens whose price nobody knows.
  ["unpriced", (row) => `(${row}.cost_nanos IS NULL AND ${USED(row)} > 0)`],
  ["estimated", (row) => `(${row}.state = 'estimated')`],
]

const quarter = (row: string) => `${row}.opened_at / ${QUARTER_MS}`
const isBehind = (run: string) => `(${run}.background = 1 AND ${run}.state NOT IN ${LIVE_STATES})`
const key = (row: string) => `quarter = ${quarter(row)} AND provider = ${row}.provider AND model = ${row}.model`

/** What a request adds, or takes away when it goes. */
function ledgerChange(row: "new" | "old", sign: "+" | "-"): string {
  const columns = ADDED.map(([column]) => column)
  const values = ADDED.map(([, of]) => `${sign}${of(row)}`)
  const behind = `${sign}CASE WHEN EXISTS (SELECT 1 FROM run WHERE run.id = ${row}.run_id AND ${isBehind("run")}) THEN ${USED(row)} ELSE 0 END`
  const sums = [...columns, "background_tokens"].map((column) => `${column} = ${column} + excluded.${column}`)
  // How long a request took is known when it came to an end by itself.
  const last = `CASE WHEN ${row}.state = 'closed' THEN COALESCE(${row}.closed_at, ${row}.opened_at) ELSE ${row}.opened_at END`
  return `
    INSERT INTO usage_sum (quarter, provider, model, ${columns.join(", ")}, background_tokens)
      VALUES (${quarter(row)}, ${row}.provider, ${row}.model, ${values.join(", ")}, ${behind})
      ON CONFLICT (quarter, provider, model) DO UPDATE SET ${sums.join(", ")};
    INSERT INTO session_sum (root_id, quarter, requests, first_at, last_at)
      VALUES (${row}.root_id, ${quarter(row)}, ${sign}1, ${row}.opened_at, ${last})
      ON CONFLICT (root_id, quarter) DO UPDATE SET requests = requests + excluded.requests,
        first_at = MIN(first_at, excluded.first_at), last_at = MAX(last_at, excluded.last_at);
    ${
      sign === "+"
        ? ""
        : `DELETE FROM usage_sum WHERE ${key(row)} AND requests = 0;
    DELETE FROM session_sum WHERE root_id = ${row}.root_id AND quarter = ${quarter(row)} AND requests = 0;`
    }`
}

/** A run that has ended in the background takes its tokens with it, and gives them back should that change. */
function runChange(row: "new" | "old", sign: "+" | "-"): string {
  return `
    UPDATE usage_sum SET background_tokens = background_tokens ${sign} part.tokens
      FROM (SELECT ${quarter("ledger")} AS q, provider AS p, model AS m, SUM(${USED("ledger")}) AS tokens
        FROM ledger WHERE run_id = ${row}.id AND state <> 'open' GROUP BY q, p, m) AS part
      WHERE quarter = part.q AND provider = part.p AND model = part.m;`
}

/** Counts one, or takes it back. `name`: SQL. */
function counted({ what, name, at, sign }: { what: string; name: string; at: string; sign: "+" | "-" }): string {
  return `
    INSERT INTO work_sum (quarter, what, name, count)
      SELECT (${at}) / ${QUARTER_MS}, '${what}', ${name}, ${sign}1 WHERE (${at}) IS NOT NULL
      ON CONFLICT (quarter, what, name) DO UPDATE SET count = count + excluded.count;
    ${sign === "+" ? "" : `DELETE FROM work_sum WHERE quarter = (${at}) / ${QUARTER_MS} AND what = '${what}' AND name = ${name} AND count = 0;`}`
}

function messageChange(row: "new" | "old", sign: "+" | "-"): string {
  const name = `COALESCE(${row}.origin, ${row}.role)`
  return counted({ what: "message", name, at: `${row}.created_at`, sign })
}

/** By its step's time, because a call that was refused has none. */
function callChange(row: "new" | "old", sign: "+" | "-"): string {
  const at = `SELECT started_at FROM step WHERE step.id = ${row}.step_id`
  return counted({ what: "tool", name: `${row}.name`, at, sign })
}

function trigger(name: string, when: string, body: string): string {
  return `CREATE TRIGGER ${name} ${when} BEGIN ${body} END;`
}

/** For the migration that brings them: tables, what is there already, triggers. */
export const usageSums = `
  -- Of the ledger's rows that are no longer open, by the quarter of an hour (since 1970) in which they were opened.
  -- background_tokens: of runs that have ended in the background.
  CREATE TABLE usage_sum (
    quarter INTEGER NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    ${ADDED.map(([column]) => `${column} INTEGER NOT NULL,`).join("\n    ")}
    background_tokens INTEGER NOT NULL,
    PRIMARY KEY (quarter, provider, model)
  ) STRICT, WITHOUT ROWID;
  -- The same rows by session with the user: when the first was opened, and the last came to its end.
  CREATE TABLE session_sum (
    root_id TEXT NOT NULL,
    quarter INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (root_id, quarter)
  ) STRICT, WITHOUT ROWID;
  -- How many messages (name: whose, an origin or 'assistant') and calls of tools (name: the tool's).
  CREATE TABLE work_sum (
    quarter INTEGER NOT NULL,
    what TEXT NOT NULL CHECK (what IN ('message', 'tool')),
    name TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (quarter, what, name)
  ) STRICT, WITHOUT ROWID;

  INSERT INTO usage_sum
    SELECT ${quarter("ledger")}, provider, model, ${ADDED.map(([, of]) => `SUM(${of("ledger")})`).join(", ")},
      SUM(CASE WHEN ${isBehind("run")} THEN ${USED("ledger")} ELSE 0 END)
    FROM ledger LEFT JOIN run ON run.id = ledger.run_id WHERE ledger.state <> 'open' GROUP BY 1, 2, 3;
  INSERT INTO session_sum
    SELECT root_id, ${quarter("ledger")}, COUNT(*), MIN(opened_at),
      MAX(CASE WHEN state = 'closed' THEN COALESCE(closed_at, opened_at) ELSE opened_at END)
    FROM ledger WHERE state <> 'open' GROUP BY 1, 2;
  INSERT INTO work_sum
    SELECT created_at / ${QUARTER_MS}, 'message', COALESCE(origin, role), COUNT(*) FROM message GROUP BY 1, 3;
  INSERT INTO work_sum
    SELECT step.started_at / ${QUARTER_MS}, 'tool', tool_call.name, COUNT(*)
    FROM tool_call JOIN step ON step.id = tool_call.step_id GROUP BY 1, 3;

  ${trigger("ledger_comes", "AFTER INSERT ON ledger WHEN new.state <> 'open'", ledgerChange("new", "+"))}
  ${trigger("ledger_goes", "AFTER DELETE ON ledger WHEN old.state <> 'open'", ledgerChange("old", "-"))}
  ${trigger("ledger_was", "BEFORE UPDATE ON ledger WHEN old.state <> 'open'", ledgerChange("old", "-"))}
  ${trigger("ledger_becomes", "AFTER UPDATE ON ledger WHEN new.state <> 'open'", ledgerChange("new", "+"))}
  ${trigger("run_comes", `AFTER INSERT ON run WHEN ${isBehind("new")}`, runChange("new", "+"))}
  ${trigger("run_goes", `BEFORE DELETE ON run WHEN ${isBehind("old")}`, runChange("old", "-"))}
  ${trigger("run_ends", `AFTER UPDATE OF state, background ON run WHEN ${isBehind("new")} AND NOT ${isBehind("old")}`, runChange("new", "+"))}
  ${trigger("run_is_back", `AFTER UPDATE OF state, background ON run WHEN ${isBehind("old")} AND NOT ${isBehind("new")}`, runChange("old", "-"))}
  ${trigger("message_comes", "AFTER INSERT ON message", messageChange("new", "+"))}
  ${trigger("message_goes", "AFTER DELETE ON message", messageChange("old", "-"))}
  ${trigger("call_comes", "AFTER INSERT ON tool_call", callChange("new", "+"))}
  ${trigger("call_goes", "AFTER DELETE ON tool_call", callChange("old", "-"))}
`
