// A session that this process drives: its lease, what its rows call running, and what may be done with it.
import { UserError } from "../base/error.ts"
import { permissionModes } from "../base/permission-mode.ts"
import { parseRules } from "../permission/rules.ts"
import type { Approvals } from "../session/approvals.ts"
import { Audience } from "../session/audience.ts"
import { noteBranch } from "../session/branch.ts"
import { keepCheckpoints } from "../session/checkpoint.ts"
import { compactAsked } from "../session/compactor.ts"
import { obey } from "../session/controls.ts"
import { converse, Interruption } from "../session/converse.ts"
import { enterGiven, type Held, leaveGiven, stepsLeft } from "../session/given.ts"
import { tellStalls } from "../session/health.ts"
import { heed } from "../session/heed.ts"
import { lastSeq, lastText } from "../session/history.ts"
import { admit, waiting } from "../session/inbox.ts"
import { type Lease, takeLease } from "../session/lease.ts"
import { keepMemory, MEMORY_SHARE } from "../session/memory/keep.ts"
import { closeOrphans } from "../session/orphans.ts"
import { performControl } from "../session/perform-control.ts"
import { finishRewinds } from "../session/rewind-files.ts"
import { keepSearchable } from "../session/search/index-messages.ts"
import { openSession, type SessionParts } from "../session/session.ts"
import { resumeShellLines } from "../session/shell-line.ts"
import { keepTidy, storagePolicy } from "../session/tidy.ts"
import { keepTitled } from "../session/titling.ts"
import type { SessionRow } from "../store/rows.ts"
import { until } from "../store/watch.ts"
import { capsOf } from "../task/caps.ts"
import { findTask, listTasks } from "../task/find.ts"
import { type Gap, watchGaps } from "../task/gaps.ts"
import { PAUSED_BY_USER } from "../task/pause.ts"
import type { Hosted } from "./client.ts"
import { setSession } from "./sessions.ts"
import type { Wiring } from "./wiring.ts"

/** What the command line gave, this process's own or that of the one that died, holds for a tree from here on. */
async function takeGiven(
  { store, options, rules, carriedRules, forbidReads }: Wiring,
  row: SessionRow,
  approvals: Approvals,
): Promise<Held> {
  const { allow = [], deny = [], answerable = false, maxBudgetUsd, carriesOn = false } = options
  const own = { allow, deny, answerable, maxBudgetUsd, maxSteps: options.maxSteps ?? row.max_steps ?? undefined }
  const given = await enterGiven(store, row.id, { own, carriesOn })
  if (given.answerable) approvals.open()
  const known = new Set(rules.deny.map(({ text }) => text))
  const carried = {
    allow: given.isCarriedOn ? given.allow.flatMap(parseRules) : [],
    deny: given.deny.flatMap(parseRules).filter(({ text }) => !known.has(text)),
  }
  carriedRules.set(row.id, carried)
  if (carried.deny.length > 0) forbidReads(carried.deny)
  return given
}

/** The longest that the end of a conversation waits for what its last command has done to be found out. */
const LAST_LOOK_MS = 1000

export async function host(wiring: Wiring, parts: SessionParts, row: SessionRow): Promise<Hosted | undefined> {
  const { store, clock, ids, tasks, log, audiences } = wiring
  const lease: Lease | undefined = await takeLease(store, clock, row.id)
  if (!lease) return undefined
  if (!store.one("SELECT 1 FROM session WHERE id = :id", { id: row.id })) {
    lease.release()
    throw new UserError("no-session", `The session ${row.id} was removed at this moment. Start a new one.`)
  }
  const audience = new Audience(store, clock, row.id)
  audiences.set(row.id, audience)
  const eager = wiring.options.memory === "every"
  let given: Held
  try {
    await closeOrphans({ store, clock, models: parts.models }, row.id)
    given = await takeGiven(wiring, row, parts.approvals)
    parts.budget.begin(store, {
      rootId: row.id,
      own: capsOf(wiring.agents.agents.find(({ name }) => name === row.agent)?.caps ?? {}),
      ...(given.isCarriedOn && { call: { caps: capsOf({ costUsd: given.maxBudgetUsd }), ledger: given.ledger } }),
    })
    const { env, lookPatienceMs: patienceMs } = wiring.options
    for (const { path, why } of (await finishRewinds({ store, clock, env }, row)).left)
      log.warn(`${path} was not taken back: ${why}`, { session: row.id })
    wiring.checkpoints.set(row.id, keepCheckpoints({ store, clock, log, env }, row, { eager, patienceMs }))
    await tasks.recover(row.id)
  } catch (error) {
    wiring.checkpoints.get(row.id)?.[Symbol.dispose]()
    wiring.checkpoints.delete(row.id)
    lease.release()
    throw error
  }
  const session = openSession(parts, row, null)
  const interruption = new Interruption()
  const change: Hosted["change"] = async (setting) => {
    const model = setting.model === undefined ? row.model : wiring.desk.idOf(setting.model)
    const mode = setting.permissionMode ?? row.permission_mode
    if (!permissionModes.some((known) => known === mode))
      throw new UserError(
        "no-mode",
        `There is no permission mode "${mode}". Use one of: ${permissionModes.join(", ")}.`,
      )
    await store.write((tx) => setSession(tx, { id: row.id, model, mode }))
    // The session looks at its row in each step and call.
    Object.assign(row, { model, permission_mode: mode })
  }
  const controlFailed = (error: unknown) => log.error("a control failed", { error, session: row.id })
  const controls = obey(store, row.id, {
    clock,
    perform: (control, asked) =>
      performControl(control, asked, {
        row,
        store,
        clock,
        tasks,
        interruption,
        approvals: parts.approvals,
        budget: parts.budget,
        change,
        updateMemory: () => memory.update(),
        compact: () => compactAsked(session, parts, { during: "idle" }),
        failed: controlFailed,
      }),
    failed: controlFailed,
  })
  await resumeShellLines({ store, clock, tasks, failed: controlFailed }, row)
  const failed = (error: unknown) => log.error("looking for gaps and stalled tasks failed", { error, session: row.id })
  const excused = (gap: Gap) => parts.budget.excuse(row.id, gap)
  const gaps = watchGaps({ store, clock }, { rootId: row.id, excused, failed })
  const stalls = tellStalls({ store, clock }, { rootId: row.id, excuse: gaps.look, failed })
  const heeding = heed(store, { lease, audience, controls })
  const { titles = "model" } = wiring.settings
  const titling = wiring.options.titles && titles === "model" ? keepTitled(parts, row.id) : undefined
  const { updates = true, share = MEMORY_SHARE } = wiring.settings.memory ?? {}
  const memory = keepMemory(parts, row, { updates, share, of: wiring.options.memory ?? "long" })
  const tidying = keepTidy({ store, clock, log, policy: storagePolicy(wiring.settings.storage) })
  const searchable = keepSearchable({ store, clock, log }, row.id)
  const orLost = (signal: AbortSignal) => AbortSignal.any([signal, lease.lost])
  const idOf = (id: string) => findTask(store, id, row.id).task.id
  return {
    row,
    prompt: (content) =>
      store.writeDurably((tx) =>
        admit(tx, clock, { id: ids.uuid(), sessionId: row.id, origin: "human", delivery: "steer", content }),
      ),
    woken: async (signal) => {
      if (!waiting(store, row.id))
        await until(store, [`inbox:${row.id}`], { signal: orLost(signal), look: () => waiting(store, row.id) })
    },
    stepsLeft: stepsLeft(store, row.id, given),
    converse: async ({ signal: outer, steps, patienceMs, awaits = "tasks" }) => {
      const signal = orLost(outer)
      const patience = patienceMs === undefined ? {} : { patienceMs }
      const options = { signal, interruption, ...patience, awaits, allowance: { steps } }
      await noteBranch(store, row)
      const end = await converse(session, parts, options)
      // A process that ends with its conversation has no other time to see what the last command has done.
      if (!eager) await wiring.checkpoints.get(row.id)?.settled(LAST_LOOK_MS)
      lease.lost.throwIfAborted()
      return end
    },
    interrupt: () => interruption.interrupt({ by: "user" }),
    background: async () => (await tasks.backgroundAll(row.id)).length,
    stopTask: async (id) => void (await tasks.stop([idOf(id)], "user")),
    pauseTask: async (id) => void (await tasks.pause([idOf(id)], PAUSED_BY_USER)),
    resumeTask: async (id) => void (await tasks.resume([idOf(id)])),
    change,
    approvals: parts.approvals,
    stopAll: async (by) => {
      const live = listTasks(store, { rootId: row.id, live: true })
      await tasks.stop(
        live.map((view) => view.task.id),
        by,
      )
      return live
    },
    lastReply: (after) => lastText(store, row.id, after),
    lastMessage: () => lastSeq(store, row.id),
    lost: lease.lost,
    release: () => {
      stalls[Symbol.dispose]()
      gaps[Symbol.dispose]()
      heeding[Symbol.dispose]()
      tidying[Symbol.dispose]()
      searchable[Symbol.dispose]()
      titling?.[Symbol.dispose]()
      memory[Symbol.dispose]()
      audiences.delete(row.id)
      wiring.checkpoints.get(row.id)?.[Symbol.dispose]()
      wiring.checkpoints.delete(row.id)
      wiring.carriedRules.delete(row.id)
      // Done by the time that this returns, but where another program has the database locked: then it is left over.
      if (!lease.lost.aborted)
        leaveGiven(store, row.id).catch((error) => log.error("forgetting a call's rights failed", { error }))
      lease.release()
      // Whoever looks on may take over at once.
      if (audience.isPresent) store.ring(`watch:${row.id}`)
    },
  }
}
