// Holds a command still: SIGSTOP to its process group, and SIGCONT when it may go on. What has left the group goes on.
const LOOK_MS = 5

export class GroupHold {
  readonly #group: () => number | undefined
  #isHeld = false
  #isOver = false
  #timer: ReturnType<typeof setTimeout> | undefined

  /** `group`: the command's, once it has started. */
  constructor(group: () => number | undefined) {
    this.#group = group
  }

  hold(): void {
    this.#isHeld = true
    this.#apply()
  }

  /** Also for one that nobody here has held: an earlier host may have. */
  release(): void {
    this.#isHeld = false
    this.#apply()
  }

  /** Nothing is signalled any more: the command is being ended, or has ended, and its number may be another's. */
  end(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
  }

  #apply(): void {
    clearTimeout(this.#timer)
    if (this.#isOver) return
    const group = this.#group()
    if (group !== undefined) signalGroup(group, this.#isHeld ? "SIGSTOP" : "SIGCONT")
    // It is just starting.
    if (group === undefined && this.#isHeld) this.#timer = setTimeout(() => this.#apply(), LOOK_MS)
  }
}

/** Signals a command's group; one that is gone is no error. */
export function signalGroup(group: number, signal: "SIGSTOP" | "SIGCONT"): void {
  // "Groups" 0 and 1 would be ourselves and everybody.
  if (!(group > 1)) return
  try {
    process.kill(-group, signal)
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined
    if (code !== "ESRCH" && code !== "EPERM") throw error
  }
}
