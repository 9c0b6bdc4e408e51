// A prompt that could not be stored is not lost: whoever wrote it gets it back with the error. One that was stored goes
// on later, and the error says how.
import { isStorageError, UserError } from "../../base/error.ts"

/** `storedIn`: the session in which the prompt is by now. */
export async function orGivenBack<T>(doing: Promise<T>, text: string, storedIn = noSession): Promise<T> {
  try {
    return await doing
  } catch (error) {
    if (!isStorageError(error)) throw error
    const sessionId = storedIn()?.slice(0, 8)
    const then =
      sessionId === undefined
        ? `The prompt was not stored. Here it is:\n${text}`
        : `The prompt is stored, with what was done for it so far. The session goes on from there with: meanwhile -p --resume ${sessionId} "Go on."`
    throw new UserError(error.code, `${error.message}\n${then}`, error.exit)
  }
}

function noSession(): string | undefined {
  return undefined
}
