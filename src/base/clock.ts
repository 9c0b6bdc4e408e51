// Time comes in from outside, so that tests own it.

export interface Clock {
  /**
   * The time of day, in milliseconds since the epoch: for rows and for people. It jumps when somebody sets the clock and
   * when the machine has slept, so the difference of two is no duration.
   */
  now(): number
  /** Milliseconds since some moment in the past: for durations. It goes on evenly, and knows nothing of the time of day. */
  monotonic(): number
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when it is aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    if (signal?.aborted) {
      reject(signal.reason)
      return promise
    }
    const onAbort = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort)
      resolve()
    }, ms)
    signal?.addEventListener("abort", onAbort, { once: true })
    return promise
  },
}
