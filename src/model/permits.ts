// Request permits: who may talk to a model now. A permit is held while an answer streams and at no other time (not while
// waiting for children, tools, permissions or the next try), so agents that wait for agents can never block each other.
//
// The user's own turn has a permit kept for it, one per root, outside of every limit: it never waits behind its agents.
// All other requests are served first come, first served among those whose model has room. A model's limit is halved
// when the provider answers 429 and grows by one for each round of requests that go well. What is asked for beside the
// conversation waits until nobody else wants that model, and the user's own turn is not being answered.

export interface PermitRequest {
  model: string
  /** The root session's id. */
  root: string
  /** Whether this is the root session's own request, and not one of its agents. */
  isRoot: boolean
  /** Beside the conversation: everybody else comes first. */
  isAside?: boolean | undefined
  signal?: AbortSignal
}

export interface Permit extends Disposable {
  /** Tells how the request ended, so that the model's limit follows. */
  report(outcome: "ok" | "limited"): void
}

export interface PermitLimits {
  /** Requests at a time, except the kept ones. */
  global: number
  /** The most for one model, to which its limit recovers. Default: `global`. */
  perModel?: number
}

/**
 * What Bun allows at a time (256 unless `BUN_CONFIG_MAX_HTTP_REQUESTS`, which it reads when it starts), less some for
 * kept permits and for whatever else fetches.
 */
export function defaultPermitLimits(env: Readonly<Record<string, string | undefined>>): PermitLimits {
  const most = Number.parseInt(env.BUN_CONFIG_MAX_HTTP_REQUESTS ?? "", 10)
  return { global: Math.max(8, (most > 0 ? most : 256) - 16) }
}

interface ModelState {
  inUse: number
  /** A fraction grows into the next whole permit. */
  limit: number
  /** Raised by each cut of the limit, so that the other refusals of the same burst do not cut it again. */
  epoch: number
}

interface Waiter {
  model: string
  root: string
  isAside: boolean
  grant(): void
}

export class Permits {
  private readonly global: number
  private readonly perModel: number
  private inUse = 0
  private readonly models = new Map<string, ModelState>()
  /** Roots whose kept permit is out. */
  private readonly kept = new Set<string>()
  private readonly waiting = new Set<Waiter>()

  constructor({ global, perModel = global }: PermitLimits) {
    this.global = Math.max(1, global)
    this.perModel = Math.max(1, perModel)
  }

  /** Resolves when the request may be sent; rejects with the signal's reason. A permit must be disposed of. */
  acquire({ model, root, isRoot, isAside = false, signal }: PermitRequest): Promise<Permit> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (isRoot && !this.kept.has(root)) {
      this.kept.add(root)
      return Promise.resolve(this.permit(model, () => this.kept.delete(root)))
    }
    const { promise, resolve, reject } = Promise.withResolvers<Permit>()
    const onAbort = () => {
      this.waiting.delete(waiter)
      reject(signal?.reason)
    }
    const waiter: Waiter = {
      model,
      root,
      isAside,
      grant: () => {
        signal?.removeEventListener("abort", onAbort)
        const state = this.state(model)
        state.inUse++
        this.inUse++
        resolve(
          this.permit(model, () => {
            state.inUse--
            this.inUse--
          }),
        )
      },
    }
    signal?.addEventListener("abort", onAbort, { once: true })
    this.waiting.add(waiter)
    this.serve()
    return promise
  }

  /** For the interface and for tests. */
  snapshot(model: string): { inUse: number; limit: number; waiting: number } {
    const { inUse, limit } = this.state(model)
    return { inUse, limit: Math.floor(limit), waiting: [...this.waiting].filter((one) => one.model === model).length }
  }

  private permit(model: string, release: () => void): Permit {
    const state = this.state(model)
    const { epoch } = state
    let held = true
    return {
      report: (outcome) => {
        if (outcome === "limited") this.shrink(state, epoch)
        if (outcome === "ok") state.limit = Math.min(this.perModel, state.limit + 1 / Math.floor(state.limit))
        this.serve()
      },
      [Symbol.dispose]: () => {
        if (!held) return
        held = false
        release()
        this.serve()
      },
    }
  }

  /** From what was really in use: half of an untouched limit of hundreds would change nothing. */
  private shrink(state: ModelState, epoch: number): void {
    if (epoch !== state.epoch) return
    state.epoch++
    state.limit = Math.max(1, Math.floor(Math.min(state.limit, Math.max(state.inUse, 1)) / 2))
  }

  private serve(): void {
    for (const waiter of this.waiting) {
      if (this.inUse >= this.global) return
      const { inUse, limit } = this.state(waiter.model)
      if (inUse >= Math.floor(limit) || (waiter.isAside && this.isWanted(waiter))) continue
      this.waiting.delete(waiter)
      waiter.grant()
    }
  }

  /** Whether somebody comes before what is asked for beside the conversation. */
  private isWanted({ model, root }: Waiter): boolean {
    if (this.kept.has(root)) return true
    for (const other of this.waiting) if (!other.isAside && other.model === model) return true
    return false
  }

  private state(model: string): ModelState {
    const known = this.models.get(model)
    if (known) return known
    const fresh = { inUse: 0, limit: this.perModel, epoch: 0 }
    this.models.set(model, fresh)
    return fresh
  }
}
