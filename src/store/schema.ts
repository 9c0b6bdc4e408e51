// The tables. Every fact is a row, written before its effect is acted on; each statement says what its rows mean.
// A version only ever adds; `MIN_WRITER` is raised when older programs could no longer write without harm.
import { usageSums } from "./usage-sums.ts"

/** Version of the schema that this program writes (`PRAGMA user_version`). */
export const SCHEMA_VERSION = 4
/** The oldest program, by schema version, that may still write a database that this one made. */
const MIN_WRITER = 1

/** `migrations[n]` takes a database from version n to n + 1, inside one transaction. */
export const migrations: readonly string[] = [
  `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

  -- One conversation. A sub-agent's is a child: it serves a task and has the root of its tree. The system prompt and
  -- the list of tools are frozen here, so that the prefix of its requests never changes; so are the limits that its
  -- agent's definition sets on tools (agent/tools.ts), so that a changed file never gives it more authority.
  -- shell_cwd: where its last foreground command ended, when that is not cwd. todos: the model's checklist, JSON.
  -- told_tasks: the live tasks that its model was told of last, JSON; null: nobody knows, so it is told of all.
  CREATE TABLE session (
    id TEXT PRIMARY KEY,
    root_id TEXT NOT NULL,
    parent_id TEXT,
    task_id TEXT,
    depth INTEGER NOT NULL DEFAULT 0,
    cwd TEXT NOT NULL,
    project TEXT NOT NULL,
    name TEXT,
    agent TEXT NOT NULL,
    model TEXT NOT NULL,
    permission_mode TEXT NOT NULL,
    system TEXT NOT NULL,
    tools TEXT NOT NULL,
    limits TEXT NOT NULL,
    shell_cwd TEXT,
    todos TEXT,
    told_tasks TEXT,
    max_steps INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX session_project ON session (project, updated_at) WHERE parent_id IS NULL;
  CREATE INDEX session_root ON session (root_id);

  -- What waits to enter a session. Draining deletes the row and inserts the message under the same id, in one
  -- transaction. wake = 0: it does not start a turn by itself, it goes along with the next one.
  CREATE TABLE inbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    session_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('prompt', 'notice', 'answer', 'control')),
    delivery TEXT NOT NULL CHECK (delivery IN ('steer', 'queue')),
    wake INTEGER NOT NULL,
    origin TEXT NOT NULL CHECK (origin IN ('human', 'task', 'peer', 'system')),
    content TEXT NOT NULL,
    run_id TEXT,
    created_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX inbox_session ON inbox (session_id, seq);

  CREATE TABLE turn (
    id TEXT PRIMARY KEY,
    session_id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'done', 'failed', 'interrupted')),
    cause TEXT NOT NULL CHECK (cause IN ('human', 'task', 'peer', 'system')),
    error TEXT,
    started_at INTEGER NOT NULL,
    ended_at INTEGER
  ) STRICT;
  CREATE INDEX turn_session ON turn (session_id, started_at);

  -- What was said, in order (seq, per session). content: JSON array of parts (model/message.ts). The results of an
  -- assistant message's tool calls are not messages: they live on its step's tool_call rows.
  CREATE TABLE message (
    id TEXT PRIMARY KEY,
    session_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
    origin TEXT CHECK (origin IN ('human', 'task', 'peer', 'system')),
    content TEXT NOT NULL,
    turn_id TEXT NOT NULL,
    step_id TEXT,
    created_at INTEGER NOT NULL,
    UNIQUE (session_id, seq)
  ) STRICT;

  -- One model request with the tool calls it led to. 'asking' → 'calling' → 'done'; 'asking' → 'failed' | 'aborted'.
  CREATE TABLE step (
    id TEXT PRIMARY KEY,
    session_id TEXT NOT NULL,
    turn_id TEXT NOT NULL,
    n INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('asking', 'calling', 'done', 'failed', 'aborted')),
    model TEXT NOT NULL,
    message_id TEXT NOT NULL,
    stop_reason TEXT,
    error TEXT,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    UNIQUE (session_id, n)
  ) STRICT;
  CREATE INDEX step_turn ON step (turn_id);

  -- One call of a tool. result: JSON (tool/tool.ts, ToolOutput) under the id that the model gave the call (call_id).
  -- intent: what a 'never' call is about to do, e.g. a file's hash before and after.
  CREATE TABLE tool_call (
    id TEXT PRIMARY KEY,
    call_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    step_id TEXT NOT NULL,
    idx INTEGER NOT NULL,
    name TEXT NOT NULL,
    input TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'running', 'done')),
    replay TEXT NOT NULL CHECK (replay IN ('safe', 'never')),
    intent TEXT,
    task_id TEXT,
    result TEXT,
    is_error INTEGER NOT NULL DEFAULT 0,
    denied INTEGER NOT NULL DEFAULT 0,
    started_at INTEGER,
    ended_at INTEGER,
    UNIQUE (step_id, idx)
  ) STRICT;
  CREATE INDEX tool_call_session ON tool_call (session_id);

  -- A unit of asynchronous work. owner_id is the session that started it; session_id, for agents, the child session.
  -- twin: equal for starts that ask for the same work, of which one is enough at a time; null where each start counts.
  CREATE TABLE task (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    root_id TEXT NOT NULL,
    parent_task_id TEXT,
    call_id TEXT,
    session_id TEXT,
    description TEXT NOT NULL,
    input TEXT NOT NULL,
    group_id TEXT,
    wake TEXT NOT NULL CHECK (wake IN ('each', 'all', 'none')),
    service INTEGER NOT NULL DEFAULT 0,
    deadline_ms INTEGER,
    caps TEXT,
    twin TEXT,
    created_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX task_twin ON task (twin) WHERE twin IS NOT NULL;
  CREATE INDEX task_owner ON task (owner_id);
  CREATE INDEX task_root ON task (root_id);
  CREATE INDEX task_group ON task (group_id) WHERE group_id IS NOT NULL;

  -- task_id begins when needs_id has completed. met: one of its runs has; that is never taken back.
  CREATE TABLE dependency (
    task_id TEXT NOT NULL,
    needs_id TEXT NOT NULL,
    met INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (task_id, needs_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX dependency_needs ON dependency (needs_id) WHERE met = 0;
  CREATE INDEX dependency_unmet ON dependency (task_id) WHERE met = 0;

  -- One execution of a task. background: whether its owner's turn is free of it. The notice columns say what became
  -- of its settled notice, for ever: 'none' (it ran in the foreground), 'pending' (in the inbox), 'delivered' (a
  -- message), 'consumed' (a wait returned it). told_bytes: how much of a monitor's output its owner was told.
  CREATE TABLE run (
    id TEXT PRIMARY KEY,
    task_id TEXT NOT NULL,
    n INTEGER NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 1,
    state TEXT NOT NULL CHECK (state IN
      ('queued', 'running', 'paused', 'completed', 'failed', 'stopped', 'timed_out', 'skipped', 'lost')),
    background INTEGER NOT NULL DEFAULT 0,
    backgrounded_at INTEGER,
    service INTEGER NOT NULL DEFAULT 0,
    pid INTEGER,
    pid_started TEXT,
    pgid INTEGER,
    exit_code INTEGER,
    reason TEXT,
    result TEXT,
    spool TEXT,
    bytes INTEGER NOT NULL DEFAULT 0,
    tail TEXT NOT NULL DEFAULT '',
    tool_uses INTEGER NOT NULL DEFAULT 0,
    last_tool TEXT,
    activity TEXT,
    stop_by TEXT CHECK (stop_by IN ('user', 'model', 'program')),
    notice TEXT NOT NULL DEFAULT 'none' CHECK (notice IN ('none', 'pending', 'delivered', 'consumed')),
    quiet INTEGER NOT NULL DEFAULT 0,
    notice_count INTEGER NOT NULL DEFAULT 0,
    told_bytes INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    event_at INTEGER NOT NULL,
    UNIQUE (task_id, n)
  ) STRICT;
  CREATE INDEX run_live ON run (state) WHERE state IN ('queued', 'running', 'paused');

  -- A request for permission; shown in the root's inbox of approvals. First answer wins.
  CREATE TABLE approval (
    id TEXT PRIMARY KEY,
    root_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    task_id TEXT,
    tool_call_id TEXT NOT NULL,
    tool TEXT NOT NULL,
    input TEXT NOT NULL,
    rule TEXT,
    state TEXT NOT NULL CHECK (state IN ('open', 'allowed', 'denied', 'withdrawn')),
    reason TEXT,
    created_at INTEGER NOT NULL,
    answered_at INTEGER
  ) STRICT;
  CREATE INDEX approval_open ON approval (root_id) WHERE state = 'open';

  -- The usage ledger: one row per model request, 'open' with the most it may cost, then 'closed' with what it did
  -- cost, or 'estimated' when that is not known. Tokens as the provider counts them; input_tokens is without cached
  -- ones. Costs in nano-dollars, NULL while no
  -- price is known. Every total shown is a sum over these rows.
  CREATE TABLE ledger (
    id TEXT PRIMARY KEY,
    root_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    run_id TEXT,
    step_id TEXT,
    purpose TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'closed', 'estimated')),
    input_tokens INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0,
    cache_read_tokens INTEGER NOT NULL DEFAULT 0,
    cache_write_tokens INTEGER NOT NULL DEFAULT 0,
    reasoning_tokens INTEGER NOT NULL DEFAULT 0,
    cost_nanos INTEGER,
    opened_at INTEGER NOT NULL,
    closed_at INTEGER
  ) STRICT;
  CREATE INDEX ledger_session ON ledger (session_id);
  CREATE INDEX ledger_root ON ledger (root_id);
  CREATE INDEX ledger_run ON ledger (run_id) WHERE run_id IS NOT NULL;
  CREATE INDEX ledger_time ON ledger (opened_at);

  -- Who drives a tree now. The lock itself is the operating system's (session/lease.ts); generation is checked by
  -- every write of a host.
  CREATE TABLE lease (
    root_id TEXT PRIMARY KEY,
    generation INTEGER NOT NULL,
    pid INTEGER NOT NULL,
    taken_at INTEGER NOT NULL
  ) STRICT;

  -- What changed, in order, for those who watch: a kind and the id of the row to read. Pruned; never the truth.
  CREATE TABLE feed (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    root_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    ref TEXT NOT NULL,
    data TEXT,
    at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX feed_root ON feed (root_id, seq);
  `,
  `
  -- When a paused run was paused, and for how many milliseconds it had been before: its deadline's clock stops meanwhile.
  ALTER TABLE run ADD COLUMN paused_at INTEGER;
  ALTER TABLE run ADD COLUMN paused_ms INTEGER NOT NULL DEFAULT 0;
  -- The schema version of the program that drives the tree: what it can't write waits for its end (store/open.ts).
  ALTER TABLE lease ADD COLUMN writer INTEGER NOT NULL DEFAULT 1;
  `,
  `
  -- What the person said about a folder, by the real path of the project's root. 'never': it is not used and not asked
  -- about. Only this folder is meant: none below it, and none above.
  CREATE TABLE trust (
    project TEXT PRIMARY KEY,
    answer TEXT NOT NULL CHECK (answer IN ('trusted', 'never')),
    answered_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- Permission rules that the person gave with "always", by the real path of the project's root. folder: the working
  -- folder that paths in the rule are meant from; '' where the rule holds in the whole project.
  CREATE TABLE permission_rule (
    project TEXT NOT NULL,
    rule TEXT NOT NULL,
    folder TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (project, rule, folder)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- What the conversation is about, made by the program: from its first prompt at once, then by a model. The user's own
  -- word for it is name.
  ALTER TABLE session ADD COLUMN title TEXT;
  ALTER TABLE session ADD COLUMN title_by TEXT CHECK (title_by IN ('prompt', 'model'));
  -- A fork shares the messages of the session that it comes from, up to and including that number, without copying
  -- them; its own are numbered from there on.
  ALTER TABLE session ADD COLUMN forked_from TEXT;
  ALTER TABLE session ADD COLUMN fork_seq INTEGER;
  -- The branch of the repository that it was begun on, or last worked on.
  ALTER TABLE session ADD COLUMN branch TEXT;
  CREATE INDEX session_forks ON session (forked_from) WHERE forked_from IS NOT NULL;
  -- For looking back through what the user has asked.
  CREATE INDEX message_prompt ON message (session_id, seq) WHERE role = 'user' AND origin = 'human';
  -- The memory of a session with the user, by versions: the newest is in force, none is changed, old ones are pruned.
  -- Messages with numbers up to covers_seq are in its sections, and none behind; sections: JSON, by name, the lines of
  -- each (session/memory/kept.ts). made_by 'fork': copied when the session was split off. What rows say anyway (files,
  -- commands, tasks) is not in here.
  CREATE TABLE memory (
    session_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    covers_seq INTEGER NOT NULL,
    sections TEXT NOT NULL,
    made_by TEXT NOT NULL CHECK (made_by IN ('model', 'rules', 'user', 'fork')),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (session_id, version)
  ) STRICT;
  -- A compaction: from then on the model sees content (JSON, a user message's parts) in the place of the messages up to
  -- kept_after, and those behind it, of which the ones up to seq, the newest when it was made, as kept says (JSON:
  -- session/compaction.ts). The messages themselves stay. Tokens are estimates, except where a provider has counted.
  CREATE TABLE compaction (
    id TEXT PRIMARY KEY,
    session_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    kept_after INTEGER NOT NULL,
    content TEXT NOT NULL,
    kept TEXT NOT NULL,
    focus TEXT,
    cause TEXT NOT NULL CHECK (cause IN ('user', 'auto', 'overflow')),
    tokens_before INTEGER NOT NULL,
    tokens_after INTEGER NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX compaction_session ON compaction (session_id, seq);
  -- What a session's tools, commands and agents have done to the project's files, one row for each file and change, in
  -- order; also what was taken back. path: relative to the project; '': nobody knows what changed. before and after:
  -- JSON (session/checkpoint-state.ts); contents of before are kept by their oid, in the repository or as copies.
  -- after_seq: the number of the root's newest message then. ref: the call, or the rewind, that did it.
  CREATE TABLE file_change (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    root_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    after_seq INTEGER NOT NULL,
    path TEXT NOT NULL,
    cause TEXT NOT NULL CHECK (cause IN ('write', 'shell', 'rewind')),
    ref TEXT,
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    kept TEXT NOT NULL CHECK (kept IN ('git', 'copy')),
    created_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX file_change_root ON file_change (root_id, after_seq);
  -- Files that are taken back: what is to be done, written before the first of them is touched. 'open': not all is done.
  CREATE TABLE rewind (
    id TEXT PRIMARY KEY,
    root_id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'done')),
    plan TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    ended_at INTEGER
  ) STRICT;
  CREATE INDEX rewind_root ON rewind (root_id);
  -- For the facts in a memory, which are read with each compaction: what each change did, without its texts.
  CREATE INDEX tool_call_change ON tool_call (session_id,
    json_extract(result, '$.data.path', '$.data.added', '$.data.removed'), json_type(result, '$.data.before'), ended_at)
    WHERE name IN ('Write', 'Edit') AND state = 'done' AND is_error = 0;
  -- For the files that a session has seen, which a process reads once for all of its calls: without their results.
  CREATE INDEX tool_call_seen ON tool_call (session_id, json_extract(result, '$.data.seen'))
    WHERE state = 'done' AND json_extract(result, '$.data.seen') IS NOT NULL;
  -- What can be searched: a row for each message of the user's or a model's, by the message's rowid, made behind it when
  -- there is time (session/search/). text is its words; project is one word that stands for the project. The text itself
  -- is not stored here a second time. Segments are merged by us, in parts, and never in the middle of an insert.
  CREATE VIRTUAL TABLE message_search USING fts5 (text, project, content = '', contentless_delete = 1,
    tokenize = "unicode61 remove_diacritics 2");
  INSERT INTO message_search (message_search, rank) VALUES ('automerge', 0);
  INSERT INTO message_search (message_search, rank) VALUES ('crisismerge', 1000);
  -- One row: messages with a rowid up to this one are in message_search, as far as they can be searched.
  CREATE TABLE message_search_mark (upto INTEGER NOT NULL) STRICT;
  INSERT INTO message_search_mark (upto) VALUES (0);
  -- Also when an older program deletes. The newest message's rowid is given again to the next one, which is not in yet.
  CREATE TRIGGER message_unsearched AFTER DELETE ON message BEGIN
    DELETE FROM message_search WHERE rowid = OLD.rowid;
    UPDATE message_search_mark SET upto = COALESCE((SELECT MAX(rowid) FROM message), 0)
      WHERE upto > COALESCE((SELECT MAX(rowid) FROM message), 0);
  END;
  -- Lists of sessions are read from here: a row of session is long, and what a list needs stands behind its prompt.
  CREATE INDEX session_list ON session (project, updated_at, id, name, title, cwd, branch, model, agent, created_at,
    forked_from, fork_seq, parent_id) WHERE parent_id IS NULL;
  ${usageSums}
  `,
]

/** A version of the tables, as a program knows it. */
export interface Schema {
  version: number
  minWriter: number
  migrations: readonly string[]
}

export const schema: Schema = { version: SCHEMA_VERSION, minWriter: MIN_WRITER, migrations }
