// Waiting for rows: look, and look again after each ring of a doorbell.
import type { Store, Topic } from "./store.ts"

/**
 * Resolves with what `look` returns as soon as that is not undefined. It looks at once and after each ring of one of
 * the topics; a ring between two looks is never lost. Rejects with the signal's reason when that is aborted.
 */
export async function until<T>(
  store: Store,
  topics: readonly Topic[],
  { look, signal }: { look: () => T | undefined; signal?: AbortSignal | undefined },
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const check = () => {
    try {
      const found = look()
      if (found !== undefined) resolve(found)
    } catch (error) {
      reject(error)
    }
  }
  const onAbort = () => reject(signal?.reason)
  const bells = topics.map((topic) => store.listen(topic, check))
  signal?.addEventListener("abort", onAbort, { once: true })
  try {
    signal?.throwIfAborted()
    check()
    return await promise
  } finally {
    signal?.removeEventListener("abort", onAbort)
    for (const bell of bells) bell[Symbol.dispose]()
  }
}
