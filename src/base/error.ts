// Errors that a person will read: what happened, to what, and what to do next. Anything else that reaches the top is
// an internal error and is logged.

/** Exit codes of the program (docs/headless.md): other programs depend on them. */
export const Exit = { done: 0, failed: 1, usage: 2, cutOff: 3, permission: 4, cap: 5, interrupted: 130 } as const
export type ExitCode = (typeof Exit)[keyof typeof Exit]

/** A mistake or a condition that the person can mend. Its message is shown as it is, without a stack. */
export class UserError extends Error {
  override readonly name = "UserError"
  constructor(
    readonly code: string,
    message: string,
    readonly exit: ExitCode = Exit.failed,
  ) {
    super(message)
  }
}

const STORAGE: ReadonlySet<string> = new Set(["disk-full", "disk-error", "database-busy", "database-read-only"])

/** Nothing could be stored now, which may pass: a full disk, a database that another program has locked. */
export function isStorageError(error: unknown): error is UserError {
  return error instanceof UserError && STORAGE.has(error.code)
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
