// Where a tree's rows are: every table that holds some, which of its rows they are, and in what order they make sense.
// For whoever must see all of them (export) or be rid of all of them (deletion).

export interface TreeTable {
  readonly name: string
  /** Per session of the tree, or once for the tree: what `scope` is given as :session or :root. */
  readonly per: "session" | "tree"
  /** SQL: which rows. */
  readonly scope: string
  /** The column that orders them; no two of one scope have the same. Undefined where a table has no single one. */
  readonly key?: string
  /** SQL: the order where there is no key. */
  readonly order?: string
  /** The columns that hold JSON. */
  readonly json: readonly string[]
  /** Columns whose values mean something in one database only: an export leaves them out. */
  readonly local?: readonly string[]
}

const tasks = "task_id IN (SELECT id FROM task WHERE root_id = :root)"

/** What a session is made of, in the order in which it came about. The session rows themselves come before these. */
export const treeTables: readonly TreeTable[] = [
  { name: "turn", per: "session", scope: "session_id = :session", key: "rowid", json: [] },
  { name: "message", per: "session", scope: "session_id = :session", key: "seq", json: ["content"] },
  { name: "step", per: "session", scope: "session_id = :session", key: "n", json: [] },
  {
    name: "tool_call",
    per: "session",
    scope: "session_id = :session",
    key: "rowid",
    json: ["input", "intent", "result"],
  },
  {
    name: "inbox",
    per: "session",
    scope: "session_id = :session",
    key: "seq",
    json: ["content"],
    local: ["seq"],
  },
  { name: "compaction", per: "session", scope: "session_id = :session", key: "rowid", json: ["content", "kept"] },
  { name: "memory", per: "session", scope: "session_id = :session", key: "version", json: ["sections"] },
  { name: "task", per: "tree", scope: "root_id = :root", key: "rowid", json: ["input", "caps"] },
  { name: "dependency", per: "tree", scope: tasks, order: "task_id, needs_id", json: [] },
  { name: "run", per: "tree", scope: tasks, key: "rowid", json: [] },
  { name: "approval", per: "tree", scope: "root_id = :root", key: "rowid", json: ["input"] },
  { name: "file_change", per: "tree", scope: "root_id = :root", key: "seq", json: ["before", "after"], local: ["seq"] },
  { name: "rewind", per: "tree", scope: "root_id = :root", key: "rowid", json: ["plan"] },
  { name: "ledger", per: "tree", scope: "root_id = :root", key: "rowid", json: [] },
]

/** The columns of a session's own row that hold JSON. */
export const sessionJson: readonly string[] = ["tools", "limits"]

/** Of a tree as well, but passing: they say what goes on, not what is. */
export const passingTables: readonly string[] = ["feed", "lease"]

/** Made from messages, and made again where they are (session/search/): rows of a message go with it, by a trigger. */
export const searchTables: readonly string[] = [
  "message_search",
  "message_search_config",
  "message_search_data",
  "message_search_docsize",
  "message_search_idx",
  "message_search_mark",
]

/** Sums over the others, kept by triggers (usage-sums.ts): what a tree adds to them goes with its rows. */
export const sumTables: readonly string[] = ["usage_sum", "session_sum", "work_sum"]

/** Of no tree. */
export const otherTables: readonly string[] = ["meta", "trust", "permission_rule"]
