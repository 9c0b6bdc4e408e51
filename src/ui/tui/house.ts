// The terminal for as long as the program has it: one conversation after another on the same screen, and what becomes of
// their work at the end.
import { messageOf } from "../../base/error.ts"
import type { Env } from "../../base/paths.ts"
import { oneLine } from "../../base/text.ts"
import type { NewSession, Program, Trust } from "../../program.ts"
import { writeOut } from "../../runtime/standard.ts"
import type { SessionRow } from "../../store/rows.ts"
import { createDriver, type Driver } from "../drive.ts"
import { workElsewhere } from "../view/elsewhere.ts"
import { openingNotes } from "./conversation/opening-lines.ts"
import type { EarlyPrompt } from "./early.ts"
import type { Draft } from "./editor/draft.ts"
import { farewell } from "./farewell.ts"
import { ownKeys } from "./keys/own-keys.ts"
import { type Destination, pickSession } from "./resume/resume.ts"
import { askTrust, type Trusting } from "./screens/trust.ts"
import { Surface } from "./surface.ts"
import { createTheme, themeOf } from "./theme.ts"
import { type Left, sit } from "./tui.ts"

export { Surface }

export interface Opening {
  program: Program
  row: SessionRow
  /** What a conversation that is begun later has in common with this one. */
  next: NewSession
  env: Env
  prompt: string | undefined
  /** The message that one comes for. */
  at?: Destination["at"]
  /** What was typed while the program opened. */
  early?: EarlyPrompt | undefined
  /** Aborted when the terminal goes: the work is to go on without it. */
  hangUp: AbortSignal
}

/** How somebody left: `keep`: the work is to go on without the terminal. */
export interface Departure {
  how: "exit" | "keep"
  drivers: readonly Driver[]
}

/** Asks whether the folder is trusted, before anything that it says is used. */
export function askFolderTrust(
  surface: Surface,
  { env, ...asked }: { env: Env; trust: Trust; isOpenToOthers: boolean; hangUp: AbortSignal },
): Promise<Trusting> {
  const { keys } = ownKeys(env)
  const { name, hasColour } = themeOf(env)
  return askTrust(surface, { ...asked, keys, theme: createTheme(name, { hasColour }) })
}

/** Lets the user pick a session, before any conversation is shown. */
export function askSession(
  surface: Surface,
  { env, ...picking }: { env: Env; program: Program; hangUp: AbortSignal },
): Promise<Destination | undefined> {
  return pickSession(surface, { ...picking, keys: ownKeys(env).keys, theme: themeOf(env) })
}

export async function runTui(surface: Surface, opening: Opening): Promise<Departure> {
  const { program, row: first, next, env, prompt, hangUp } = opening
  const { keys, path: keybindings, notes } = opening.early?.own ?? ownKeys(env)
  const theme = themeOf(env)
  // Whoever goes to another session leaves the one before at work, in this process.
  const drivers = new Map<string, Driver>()
  /** Each note is said once, above the conversation that comes next. */
  const told = new Set<string>()
  let row = first
  let asked = prompt
  let { early } = opening
  let said: string | undefined
  let { at } = opening
  let draft: Draft | undefined
  try {
    for (;;) {
      const lastLook = program.lastLook(row)
      const driver = drivers.get(row.id) ?? (await createDriver(program, row))
      drivers.set(row.id, driver)
      const left: Left = await sit({
        surface,
        program,
        row,
        driver,
        keys,
        env,
        keybindings,
        theme,
        lastLook,
        notes: untold([...notes, ...openingNotes(program)], told),
        prompt: asked,
        early,
        said,
        at,
        draft,
        elsewhere: () => othersThan(row, drivers),
        hangUp,
      })
      asked = undefined
      early = undefined
      said = undefined
      at = undefined
      draft = undefined
      const there = left.type === "session" ? await program.goTo(left.id).catch(messageOf) : undefined
      if (typeof there === "string") {
        said = there
        continue
      }
      const isForgotten = there?.id !== row.id && driver.state === "host" && (await program.forgetIfEmpty(row))
      if (isForgotten) {
        driver.dispose()
        drivers.delete(row.id)
      }
      if (left.type === "new") {
        row = await program.createSession(next)
        continue
      }
      if (left.type === "session") {
        said = left.said
        at = left.at
        draft = left.draft
        row = there ?? row
        continue
      }
      surface.hide()
      if (hangUp.aborted) return { how: left.how === "keep" ? "keep" : "exit", drivers: [...drivers.values()] }
      if (!isForgotten)
        await writeOut(
          farewell(program, row, {
            width: surface.columns,
            theme: createTheme(theme.name, theme),
            note: left.how === "keep" ? alsoAtWork(program, othersThan(row, drivers)) : undefined,
          }),
        )
      if (left.how === "stop") await writeOut("Stopping what still runs …\n")
      return await depart(left.how, [...drivers.values()])
    }
  } finally {
    surface.hide()
    for (const note of notes) program.log.warn(note)
  }
}

/** Sessions that somebody has left for another one, and that go on without the terminal as well. */
function alsoAtWork({ store, clock }: Program, rootIds: readonly string[]): string | undefined {
  const work = workElsewhere(store, rootIds, clock.now())
  if (work.length === 0) return undefined
  return `Also at work: ${work.map(({ rootId, name }) => `${oneLine(name, 40)} (meanwhile --resume ${rootId.slice(0, 8)})`).join(", ")}`
}

/** Of the sessions that this process drives, the others. */
function othersThan(row: SessionRow, drivers: ReadonlyMap<string, Driver>): string[] {
  return [...drivers].flatMap(([id, { state }]) => (id !== row.id && state === "host" ? [id] : []))
}

function untold(notes: readonly string[], told: Set<string>): string[] {
  const news = notes.filter((note) => !told.has(note))
  for (const note of news) told.add(note)
  return news
}

async function depart(how: Extract<Left, { type: "left" }>["how"], drivers: readonly Driver[]): Promise<Departure> {
  const own = drivers.filter(({ state }) => state === "host")
  if (how === "pause") await Promise.all(own.map((driver) => driver.pauseAll()))
  if (how === "stop") await Promise.all(own.map((driver) => driver.stopAll()))
  return { how: how === "keep" ? "keep" : "exit", drivers }
}
