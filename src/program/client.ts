// What interfaces are given: a program to open, and sessions to host and to look at.
import type { LoadedAgents } from "../agent/load.ts"
import type { Clock } from "../base/clock.ts"
import type { UserError } from "../base/error.ts"
import type { Log } from "../base/log.ts"
import type { Env } from "../base/paths.ts"
import type { PermissionMode } from "../base/permission-mode.ts"
import type { UserPart } from "../model/message.ts"
import type { KeptRule } from "../permission/kept-rules.ts"
import type { Approvals } from "../session/approvals.ts"
import type { ConversationEnd } from "../session/converse.ts"
import type { Course } from "../session/course.ts"
import type { Fork } from "../session/fork.ts"
import type { MemoryDesk } from "../session/memory/desk.ts"
import type { ModelDesk } from "../session/model-desk.ts"
import type { RewindDesk } from "../session/rewind-desk.ts"
import type { RuleInForce } from "../session/rules-in-force.ts"
import type { Trust, TrustAnswer } from "../session/trust.ts"
import type { Unsent } from "../session/unsent.ts"
import type { Viewer } from "../session/viewer.ts"
import type { SessionRow } from "../store/rows.ts"
import type { Reader, Store } from "../store/store.ts"
import type { Scope, TaskView, usageBelow } from "../task/find.ts"
import type { TaskRuntime } from "../task/runtime.ts"

export interface ProgramOptions {
  env: Env
  cwd: string
  /** Permission rules from the command line. */
  allow?: readonly string[]
  deny?: readonly string[]
  /** A new session is about to begin: what its prompt says of the repository is found out while the rest opens. */
  begins?: boolean
  /** Whether somebody will answer requests for permission. */
  answerable?: boolean
  /** The most that this process may spend on its sessions. */
  maxBudgetUsd?: number | undefined
  /** Most steps of its sessions' own, in this process. */
  maxSteps?: number | undefined
  /** Told when nothing can be stored: what is under way waits until that is possible again. */
  stuck?: ((error: UserError) => void) | undefined
  /** No command line gives it rights or limits: it goes on under those of the process that died (session/given.ts). */
  carriesOn?: boolean
  /** An agent whose cap is reached fails, unless somebody may come who can let it go on. */
  whenCapped?: "pause" | "fail"
  /**
   * Nobody waits for it: unless somebody looks at it, a tree goes on by itself for a while only. As it is then, where
   * that may change.
   */
  unattended?: boolean | (() => boolean)
  /** Agent definitions from the command line, JSON. */
  agents?: string | undefined
  /** Of which sessions a memory is kept in the background: of those that have become long, unless told. */
  memory?: "every" | "long"
  /** A model makes better titles than the beginnings of prompts, in the background; the settings may say no. */
  titles?: boolean
  /** The longest that a command waits until the project was looked at (session/checkpoint.ts); a moment, unless told. */
  lookPatienceMs?: number
  /** For this run the folder is trusted, whatever the person said of it. */
  trust?: boolean | undefined
}

export interface NewSession {
  name?: string | undefined
  agent?: string | undefined
  model?: string | undefined
  permissionMode?: PermissionMode | undefined
  appendSystemPrompt?: string | undefined
  /** In the place of the agent's own prompt. */
  systemPrompt?: string | undefined
}

/** A session that this process drives. */
export interface Hosted {
  readonly row: SessionRow
  /** Accepts a prompt: once this resolves, it is stored for good. */
  prompt(content: UserPart[]): Promise<void>
  /** Resolves when something waits that starts a turn, at once if it does already; rejects when the signal is aborted. */
  woken(signal: AbortSignal): Promise<void>
  /** How many steps of the session's own are left of what the command line gave, or its agent's definition. */
  readonly stepsLeft: number
  /**
   * Runs turns until nothing waits, and, where it `awaits` tasks (that is what it does unless told), until none but
   * services lives; see session/converse.ts.
   */
  converse(options: {
    signal: AbortSignal
    steps: number
    patienceMs?: number
    awaits?: "tasks" | "nothing"
  }): Promise<ConversationEnd>
  /** Stops what still lives in the tree; returns what it stopped. */
  stopAll(by: "user" | "program"): Promise<TaskView[]>
  /** Interrupts the turn under way; background tasks go on. */
  interrupt(): void
  /** Moves all that the turn is blocked on to the background; returns how many runs moved. */
  background(): Promise<number>
  /** Stops a task of this tree, by its id or the beginning of it. */
  stopTask(id: string): Promise<void>
  /** Pauses a task of this tree with all that it started, at their next step boundaries; a foreground one moves to the background. */
  pauseTask(id: string): Promise<void>
  resumeTask(id: string): Promise<void>
  /** Changes what holds for the session's next steps. Throws UserError when there is no such model. */
  change(setting: { permissionMode?: PermissionMode; model?: string }): Promise<void>
  readonly approvals: Approvals
  /** The last text that the root's model said, behind a message with that number (`lastMessage`). */
  lastReply(after?: number): string | undefined
  lastMessage(): number
  /** Aborted with a LeaseLost when another process has taken over the session. */
  readonly lost: AbortSignal
  release(): void
}

export interface Program {
  readonly store: Reader & Pick<Store, "listen">
  readonly log: Log
  readonly clock: Clock
  readonly project: string
  readonly agents: LoadedAgents
  /** What the settings left out, for standard error; a new session adds what its instructions did. */
  readonly notes: readonly string[]
  /** Whether the folder is trusted, and what it holds that is not used: what was so at the beginning is so to the end. */
  readonly trust: Trust
  /** Holds from the next start on; undefined takes an answer back. */
  answerTrust(answer: TrustAnswer | undefined): Promise<void>
  /** Which permission rules hold for a session, and where each comes from. */
  rules(row: SessionRow): RuleInForce[]
  /** Takes back a rule that "always" has added, for all that runs in the project. */
  dropRule(row: SessionRow, rule: KeptRule): Promise<void>
  readonly models: ModelDesk
  readonly memory: MemoryDesk
  readonly rewind: RewindDesk
  createSession(options: NewSession): Promise<SessionRow>
  /** The session by name or id, or the last one of this project; with what the options change for its next turns. */
  continueSession(wanted: string | undefined, options: NewSession): Promise<SessionRow>
  /** A new session that goes on from where that one stands (session/fork.ts); `options.name` is its name. */
  forkSession(wanted: string | undefined, options: NewSession): Promise<Fork>
  /** The session with that id, for somebody who leaves another one for it; also one that this process drives already. */
  goTo(id: string): Promise<SessionRow>
  /** Names a session, and returns the name that it got: another one when that is taken. Throws a UserError for a bad one. */
  rename(id: string, name: string): Promise<string>
  /** Throws a UserError that says why when the session can't be deleted now; to be asked before the person is. */
  checkRemovable(id: string): void
  /** Deletes a session with all that belongs to it, for good. Throws a UserError while it is at work. */
  removeSession(id: string): Promise<void>
  /** Whether a process drives that session's tree, this one or another. */
  isHosted(id: string): boolean
  /** Brings the full-text search up to date, in parts of a few milliseconds. */
  indexMessages(signal: AbortSignal): Promise<void>
  /** Forgets a session in which nothing was said; true when it did. */
  forgetIfEmpty(row: SessionRow): Promise<boolean>
  /** Takes the lease of a session's tree; undefined when another process drives it. */
  host(row: SessionRow): Promise<Hosted | undefined>
  /** A session's tree as somebody sees it who does not drive it. */
  view(row: SessionRow): Viewer
  /** What came of a prompt, by its id. */
  courseOf(promptId: string): Course
  /** The last text that the session's own model said in these turns. */
  lastReply(row: SessionRow, turns: readonly string[]): string | undefined
  /** The last text that the session's own model said at all. */
  lastText(row: SessionRow): string | undefined
  /** The number of the session's newest message. */
  lastMessage(row: SessionRow): number
  /** When somebody looked at the session last, in milliseconds of the wall clock; undefined: never, or it is not known. */
  lastLook(row: SessionRow): number | undefined
  /** Stores what stands unsent in the session's prompt; undefined: nothing does. */
  keepUnsent(row: SessionRow, unsent: Unsent | undefined): Promise<void>
  /** What somebody left unsent there who is gone. */
  leftUnsent(row: SessionRow): Promise<Unsent | undefined>
  readonly tasks: TaskRuntime
  listTasks(scope: Scope): TaskView[]
  usageBelow(sessionId: string): ReturnType<typeof usageBelow>
  /** Path of the ripgrep that comes with the program. */
  ripgrep(): Promise<string>
  /** The environment variable that holds the key for a model's provider, or "none". */
  apiKeySource(model: string): string
  close(): void
}
