// A host hears what other processes have written: prompts and messages in the inboxes of its tree, answers, controls,
// that somebody looks, and that the tree is no longer its own. It looks when its bell rings, and every half second.
import type { Store } from "../store/store.ts"
import type { Audience } from "./audience.ts"
import type { Lease } from "./lease.ts"

export interface Heeding {
  lease: Lease
  audience: Audience
  /** Looks for controls. */
  controls(): void
}

export function heed(store: Store, { lease, audience, controls }: Heeding): Disposable {
  let seen: number | undefined
  const look = () => {
    lease.look()
    audience.look()
    // Changes whenever another connection has changed the file (sqlite.org, pragma.html): read before the rows are.
    const version = store.one<{ data_version: number }>("PRAGMA data_version")?.data_version
    if (version === seen) return
    seen = version
    controls()
    store.stir("inbox")
    store.stir("approval")
  }
  const bell = store.listen(`host:${lease.rootId}`, look)
  const feed = store.listen(`feed:${lease.rootId}`, () => {
    if (audience.isPresent) store.ring(`watch:${lease.rootId}`)
  })
  look()
  return {
    [Symbol.dispose]: () => {
      bell[Symbol.dispose]()
      feed[Symbol.dispose]()
    },
  }
}
