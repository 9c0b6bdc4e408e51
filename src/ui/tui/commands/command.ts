// A slash command: what it is called, what it takes, what it does.
export interface Command {
  name: string
  /** How its arguments are hinted at: "[focus]". */
  hint?: string
  /** One line for the completion and for /help. */
  about: string
  run(args: string): void | Promise<void>
}

/** `/name args`; undefined for anything else, also for a path such as /etc/hosts. */
export function parseCommand(text: string): { name: string; args: string } | undefined {
  const [, name, args = ""] = /^\/([a-z][a-z0-9-]*)(?:\s+([\s\S]*))?$/i.exec(text.trim()) ?? []
  return name === undefined ? undefined : { name: name.toLowerCase(), args: args.trim() }
}
