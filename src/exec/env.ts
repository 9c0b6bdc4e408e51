// The environment of the processes that we start for a model or a person: the user's own, without what belongs to this
// program, and without anything that would make a command wait for a person. Why: docs/decisions/0007-child-environment.md.

/** Every process of a run's command has this variable, with the run's id: a stop finds by it who left the group. */
export const RUN_MARK = "MEANWHILE_RUN"

/** Keys that pay for models. AWS's ordinary credentials are not among them: `aws` is a command that people use. */
const PROVIDER_KEYS: ReadonlySet<string> = new Set([
  "ANTHROPIC_API_KEY",
  "ANTHROPIC_AUTH_TOKEN",
  "OPENAI_API_KEY",
  "GEMINI_API_KEY",
  "GOOGLE_GENERATIVE_AI_API_KEY",
  "AWS_BEARER_TOKEN_BEDROCK",
])

/** Settings of ours that a person sets, so that a `meanwhile` inside a command uses the same data. */
const PUBLIC_SETTINGS: ReadonlySet<string> = new Set(["MEANWHILE_HOME", "MEANWHILE_MODEL"])

/** They describe our terminal, or force what suits one; the command has none. */
const OF_OUR_TERMINAL: ReadonlySet<string> = new Set(["FORCE_COLOR", "CLICOLOR_FORCE", "COLUMNS", "LINES"])

/** Flags of another shell: bash would take them over, and ours would hand its own on in them. */
const SHELL_FLAGS: ReadonlySet<string> = new Set(["SHELLOPTS", "BASHOPTS"])

const NON_INTERACTIVE: Readonly<Record<string, string>> = {
  // A pager would wait for a key.
  PAGER: "cat",
  GIT_PAGER: "cat",
  MANPAGER: "cat",
  SYSTEMD_PAGER: "cat",
  // The empty string is how the AWS command line is told to use no pager.
  AWS_PAGER: "",
  // An editor would wait for a person: "true" leaves the text as it is.
  EDITOR: "true",
  VISUAL: "true",
  GIT_EDITOR: "true",
  // Asking for a password becomes an error that says so.
  GIT_TERMINAL_PROMPT: "0",
  // Debian's package scripts would ask questions.
  DEBIAN_FRONTEND: "noninteractive",
}

export interface ChildEnvironment {
  /** Ours, such as `process.env`. */
  inherited: Readonly<Record<string, string | undefined>>
  /** `env` of the settings; wins over what is inherited, but brings no key in. */
  settings?: Readonly<Record<string, string>> | undefined
  /** Names of further variables that hold providers' keys (`apiKeyEnv` of the settings). */
  keys?: Iterable<string> | undefined
}

export interface ChildUse {
  /** Id of the run that the process serves. */
  mark?: string | undefined
  /** Whether a person sees the output as it is, in colours, rather than a model. */
  forPerson: boolean
}

/** The whole environment of a child process. */
export function childEnvironment(
  { inherited, settings, keys }: ChildEnvironment,
  use: ChildUse,
): Record<string, string> {
  const secret = new Set([...PROVIDER_KEYS, ...(keys ?? [])])
  const mayPass = (name: string) => !secret.has(name) && !SHELL_FLAGS.has(name) && !isOurs(name)
  const env: Record<string, string> = {}
  for (const [name, value] of Object.entries(inherited))
    if (value !== undefined && mayPass(name) && !OF_OUR_TERMINAL.has(name)) env[name] = value
  // There is no terminal, only files; a few programs write escapes on the strength of TERM alone.
  Object.assign(env, NON_INTERACTIVE, { TERM: "dumb" })
  if (use.forPerson && !env.NO_COLOR)
    Object.assign(env, { TERM: "xterm-256color", FORCE_COLOR: "1", CLICOLOR_FORCE: "1" })
  for (const [name, value] of Object.entries(settings ?? {})) if (mayPass(name)) env[name] = value
  if (use.mark !== undefined) env[RUN_MARK] = use.mark
  return env
}

/** BUN_* steers the runtime that we happen to use; the rest of MEANWHILE_* is between our own processes. */
function isOurs(name: string): boolean {
  return (
    SHELL_FLAGS.has(name) || name.startsWith("BUN_") || (name.startsWith("MEANWHILE_") && !PUBLIC_SETTINGS.has(name))
  )
}
