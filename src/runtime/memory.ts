// Giving memory back: the runtime collects what is no longer used when it needs room, and until then keeps it.

/** Takes some 20 ms, in which nothing else happens: for a moment when nobody waits for anything. */
export function giveMemoryBack(): void {
  Bun.gc(true)
}
