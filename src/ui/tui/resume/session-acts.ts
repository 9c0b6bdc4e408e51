// What is done to a session from the list: another name, or deleting it. What can't be done is said.
import { messageOf } from "../../../base/error.ts"
import type { ResumeStage } from "./resume-stage.ts"

/** Resolves to whether it has the name now, or another one because that was taken. */
export async function rename(stage: ResumeStage, id: string, wanted: string): Promise<boolean> {
  try {
    const name = await stage.program.rename(id, wanted)
    if (name !== wanted) stage.say(`There is a session "${wanted}" in this project already: this one is "${name}".`)
    return true
  } catch (error) {
    stage.say(messageOf(error), "error")
    return false
  }
}

export interface Removal {
  id: string
  /** The session that one comes from, and others that this process drives. */
  here: string | undefined
  ours: readonly string[]
}

/** Whether it could be deleted now. */
export function isRemovable(stage: ResumeStage, { id, here, ours }: Removal): boolean {
  if (id === here) {
    stage.say("You are in this session: go to another one first.", "error")
    return false
  }
  if (ours.includes(id)) {
    stage.say("This window still drives that session: delete it after you have left.", "error")
    return false
  }
  try {
    stage.program.checkRemovable(id)
    return true
  } catch (error) {
    stage.say(messageOf(error), "error")
    return false
  }
}

export async function remove(stage: ResumeStage, id: string, name: string): Promise<void> {
  stage.say(`Deleting "${name}" …`)
  try {
    await stage.program.removeSession(id)
    stage.say(`"${name}" is deleted.`)
  } catch (error) {
    stage.say(messageOf(error), "error")
  }
}
