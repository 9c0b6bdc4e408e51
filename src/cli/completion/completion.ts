// `meanwhile completion bash|zsh|fish`: a script for the shell; and what that script asks at the press of a key.
import { Exit, type ExitCode } from "../../base/error.ts"
import { writeOut } from "../../runtime/standard.ts"
import type { Command, Shell } from "../command.ts"

export async function completionCommand({ action }: Extract<Command, { type: "completion" }>): Promise<ExitCode> {
  if (action.type === "script") {
    await writeOut(await script(action.shell))
    return Exit.done
  }
  const { offerLine, offers } = await import("./lists.ts")
  const found = await offers(action.list)
  await writeOut(found.map((offer) => `${offerLine(offer)}\n`).join(""))
  return Exit.done
}

async function script(shell: Shell): Promise<string> {
  const { grammar } = await import("./grammar.ts")
  switch (shell) {
    case "bash":
      return (await import("./bash.ts")).bashScript(grammar())
    case "zsh":
      return (await import("./zsh.ts")).zshScript(grammar())
    case "fish":
      return (await import("./fish.ts")).fishScript(grammar())
    default:
      return shell satisfies never
  }
}
