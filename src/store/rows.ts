// The rows as queries return them: columns by their names, booleans as 0 and 1, JSON as text. Meanings: schema.ts.

export type Origin = "human" | "task" | "peer" | "system"
export type RunState =
  | "queued"
  | "running"
  | "paused"
  | "completed"
  | "failed"
  | "stopped"
  | "timed_out"
  | "skipped"
  | "lost"
export type Flag = 0 | 1

export interface SessionRow {
  id: string
  root_id: string
  parent_id: string | null
  task_id: string | null
  depth: number
  cwd: string
  project: string
  name: string | null
  agent: string
  model: string
  permission_mode: string
  system: string
  tools: string
  limits: string
  shell_cwd: string | null
  todos: string | null
  told_tasks: string | null
  max_steps: number | null
  created_at: number
  updated_at: number
  title: string | null
  title_by: "prompt" | "model" | null
  forked_from: string | null
  fork_seq: number | null
  branch: string | null
}

export interface InboxRow {
  seq: number
  id: string
  session_id: string
  kind: "prompt" | "notice" | "answer" | "control"
  delivery: "steer" | "queue"
  wake: Flag
  origin: Origin
  content: string
  run_id: string | null
  created_at: number
}

export interface TurnRow {
  id: string
  session_id: string
  state: "open" | "done" | "failed" | "interrupted"
  cause: Origin
  error: string | null
  started_at: number
  ended_at: number | null
}

export interface MessageRow {
  id: string
  session_id: string
  seq: number
  role: "user" | "assistant"
  origin: Origin | null
  content: string
  turn_id: string
  step_id: string | null
  created_at: number
}

export interface StepRow {
  id: string
  session_id: string
  turn_id: string
  n: number
  state: "asking" | "calling" | "done" | "failed" | "aborted"
  model: string
  message_id: string
  stop_reason: string | null
  error: string | null
  started_at: number
  ended_at: number | null
}

export interface ToolCallRow {
  id: string
  call_id: string
  session_id: string
  step_id: string
  idx: number
  name: string
  input: string
  state: "pending" | "running" | "done"
  replay: "safe" | "never"
  intent: string | null
  task_id: string | null
  result: string | null
  is_error: Flag
  denied: Flag
  started_at: number | null
  ended_at: number | null
}

export interface TaskRow {
  id: string
  kind: string
  owner_id: string
  root_id: string
  parent_task_id: string | null
  call_id: string | null
  session_id: string | null
  description: string
  input: string
  group_id: string | null
  wake: "each" | "all" | "none"
  service: Flag
  deadline_ms: number | null
  caps: string | null
  twin: string | null
  created_at: number
}

export interface RunRow {
  id: string
  task_id: string
  n: number
  attempt: number
  state: RunState
  background: Flag
  backgrounded_at: number | null
  service: Flag
  pid: number | null
  pid_started: string | null
  pgid: number | null
  exit_code: number | null
  reason: string | null
  result: string | null
  spool: string | null
  bytes: number
  tail: string
  tool_uses: number
  last_tool: string | null
  activity: string | null
  stop_by: "user" | "model" | "program" | null
  notice: "none" | "pending" | "delivered" | "consumed"
  quiet: Flag
  notice_count: number
  told_bytes: number
  paused_at: number | null
  paused_ms: number
  created_at: number
  started_at: number | null
  ended_at: number | null
  event_at: number
}

export interface ApprovalRow {
  id: string
  root_id: string
  session_id: string
  task_id: string | null
  tool_call_id: string
  tool: string
  input: string
  rule: string | null
  state: "open" | "allowed" | "denied" | "withdrawn"
  reason: string | null
  created_at: number
  answered_at: number | null
}

export interface MemoryRow {
  session_id: string
  version: number
  covers_seq: number
  sections: string
  made_by: "model" | "rules" | "user" | "fork"
  created_at: number
}

export interface TrustRow {
  project: string
  answer: "trusted" | "never"
  answered_at: number
}

export interface PermissionRuleRow {
  project: string
  rule: string
  folder: string
  created_at: number
}

export interface CompactionRow {
  id: string
  session_id: string
  seq: number
  kept_after: number
  content: string
  kept: string
  focus: string | null
  cause: "user" | "auto" | "overflow"
  tokens_before: number
  tokens_after: number
  created_at: number
}

export interface FileChangeRow {
  seq: number
  root_id: string
  session_id: string
  after_seq: number
  path: string
  cause: "write" | "shell" | "rewind"
  ref: string | null
  before: string
  after: string
  kept: "git" | "copy"
  created_at: number
}

export interface RewindRow {
  id: string
  root_id: string
  state: "open" | "done"
  plan: string
  created_at: number
  ended_at: number | null
}

export interface LedgerRow {
  id: string
  root_id: string
  session_id: string
  run_id: string | null
  step_id: string | null
  purpose: string
  provider: string
  model: string
  state: "open" | "closed" | "estimated"
  input_tokens: number
  output_tokens: number
  cache_read_tokens: number
  cache_write_tokens: number
  reasoning_tokens: number
  cost_nanos: number | null
  opened_at: number
  closed_at: number | null
}

export interface FeedRow {
  seq: number
  root_id: string
  session_id: string
  kind: FeedKind
  ref: string
  data: string | null
  at: number
}

/**
 * What `ref` names: a message, a tool_call, a run, a run, a run, a run, a step, a turn, an approval, a control that could
 * not be done (`data`: its action, and the message for a person), a compaction.
 */
export type FeedKind =
  | "message"
  | "tool_result"
  | "task_started"
  | "task_progress"
  | "task_updated"
  | "task_settled"
  | "retry"
  | "turn"
  | "approval"
  | "refused"
  | "compaction"
