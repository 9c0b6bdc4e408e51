// A tree that another process drives, seen from here: rows and drafts are read, and what somebody wants of it are rows
// for its host, which hears of them at once. Without a host they wait for the next one.
import type { Clock } from "../base/clock.ts"
import type { Ids } from "../base/ids.ts"
import type { UserPart } from "../model/message.ts"
import { feedAfter } from "../store/feed.ts"
import type { FeedRow } from "../store/rows.ts"
import type { Store } from "../store/store.ts"
import { attend, attendSession } from "./audience.ts"
import { type Control, request } from "./controls.ts"
import { type DraftPart, DraftTail, draftPath } from "./draft.ts"
import { admit } from "./inbox.ts"
import { isHeld } from "./lease.ts"

export interface Viewer {
  /** Whether a process drives the tree now. */
  isHosted(): boolean
  /** Puts a prompt into the root's inbox, for good once this resolves; returns its id, which its message will have. */
  prompt(content: UserPart[], options?: { delivery: "steer" | "queue" }): Promise<string>
  /** Takes a prompt back; false when it has entered the conversation, or was taken back before. */
  withdraw(promptId: string): Promise<boolean>
  /** Asks the host to do something; returns the control's id. What it can't do, it tells in the feed (`refused`). */
  control(control: Control): Promise<string>
  /** Calls `listener` when something in the tree may have changed, and every half second, until disposed. */
  listen(listener: () => void): Disposable
  /** What is published after `since`: yields at each change, also when only a draft has grown. Ends with the signal. */
  follow(options: { since: number; signal: AbortSignal }): AsyncGenerator<FeedRow[]>
  /**
   * Beside the root's own, the answers of these sessions are looked at, from their beginnings: all of them, each time.
   * As long as it is followed.
   */
  lookAt(sessionIds: ReadonlySet<string>): void
  /** What was added, since it was last called, to the answers that stream in now in the sessions that are looked at. */
  drafts(): DraftNews[]
}

export interface DraftNews {
  sessionId: string
  stepId: string
  /** What this step's draft had before is taken back. */
  restarted: boolean
  parts: DraftPart[]
}

export function createViewer({ store, clock, ids }: { store: Store; clock: Clock; ids: Ids }, rootId: string): Viewer {
  const tails = new Map<string, { sessionId: string; tail: DraftTail }>()
  const lookedAt = new Map<string, Disposable>()

  const lookAt = (sessionIds: ReadonlySet<string>) => {
    for (const [id, attending] of lookedAt) {
      if (sessionIds.has(id)) continue
      attending[Symbol.dispose]()
      lookedAt.delete(id)
      for (const [stepId, { sessionId }] of tails) if (sessionId === id) tails.delete(stepId)
    }
    for (const id of sessionIds) if (id !== rootId && !lookedAt.has(id)) lookedAt.set(id, attendSession(store, id))
  }

  const listen = (listener: () => void): Disposable => {
    let seen: number | undefined
    const bell = store.listen(`watch:${rootId}`, () => {
      // Readers in this process hear of another one's rows as if they had been written here; of their own they know.
      const version = store.one<{ data_version: number }>("PRAGMA data_version")?.data_version
      const isNew = version !== seen
      seen = version
      if (isNew) store.stir("feed")
      listener()
    })
    const attending = attend(store, rootId)
    return {
      [Symbol.dispose]: () => {
        attending[Symbol.dispose]()
        bell[Symbol.dispose]()
      },
    }
  }

  async function* follow({ since, signal }: { since: number; signal: AbortSignal }): AsyncGenerator<FeedRow[]> {
    let changed = Promise.withResolvers<void>()
    const wake = () => changed.resolve()
    using _ = listen(wake)
    signal.addEventListener("abort", wake, { once: true })
    try {
      for (let seq = since; !signal.aborted; ) {
        changed = Promise.withResolvers()
        const rows = feedAfter(store, rootId, seq)
        seq = rows.at(-1)?.seq ?? seq
        yield rows
        await changed.promise
      }
    } finally {
      signal.removeEventListener("abort", wake)
      lookAt(new Set())
    }
  }

  const drafts = (): DraftNews[] => {
    const asking = store.all<{ id: string; session_id: string }>(
      `SELECT step.id, step.session_id FROM json_each(:ids) AS session JOIN step ON step.session_id = session.value
       WHERE step.state = 'asking' AND step.n = (SELECT MAX(n) FROM step AS newer WHERE newer.session_id = session.value)`,
      { ids: JSON.stringify([rootId, ...lookedAt.keys()]) },
    )
    const live = new Set(asking.map(({ id }) => id))
    for (const id of tails.keys()) if (!live.has(id)) tails.delete(id)
    return asking.flatMap(({ id, session_id: sessionId }) => {
      const tail = tails.get(id)?.tail ?? new DraftTail(draftPath(store, id))
      tails.set(id, { sessionId, tail })
      const news = tail.read()
      return news && (news.restarted || news.parts.length > 0) ? [{ sessionId, stepId: id, ...news }] : []
    })
  }

  return {
    isHosted: () => isHeld(store, rootId),
    prompt: async (content, { delivery } = { delivery: "steer" }) => {
      const id = ids.uuid()
      await store.writeFreely((tx) => {
        admit(tx, clock, { id, sessionId: rootId, origin: "human", delivery, content })
        tx.ring(`host:${rootId}`)
      })
      return id
    },
    withdraw: async (promptId) =>
      (await store.writeFreely((tx) =>
        tx.run("DELETE FROM inbox WHERE id = :promptId AND kind = 'prompt'", { promptId }),
      )) > 0,
    control: (control) => store.writeFreely((tx) => request(tx, { clock, ids }, { rootId, control })),
    listen,
    follow,
    lookAt,
    drafts,
  }
}
