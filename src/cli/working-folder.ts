// The folder that the program was started in, which may have been deleted since.
import { UserError } from "../base/error.ts"

export function workingFolder(): string {
  try {
    return process.cwd()
  } catch {
    throw new UserError(
      "no-folder",
      "The current folder does not exist any more. Change into one that does and run this again.",
    )
  }
}
