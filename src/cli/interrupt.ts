// Ctrl+C, a terminal that closes and a polite kill, as a signal for what is under way: it ends in order.

export interface Interruption extends Disposable {
  readonly signal: AbortSignal
}

/** From now until it is disposed the process is not ended by them any more. */
export function interruptible(): Interruption {
  const controller = new AbortController()
  const interrupt = () => controller.abort({ by: "user" })
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const
  for (const signal of signals) process.on(signal, interrupt)
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const signal of signals) process.off(signal, interrupt)
    },
  }
}
