// The terminal for as long as the program has it: one conversation after another on the same screen, and what becomes of
// their work at the end.
import { join } from "node:path"
import { type Env, homePaths } from "../../base/paths.ts"
import type { NewSession, Program, Trust } from "../../program.ts"
import { writeOut } from "../../runtime/standard.ts"
import type { SessionRow } from "../../store/rows.ts"
import { createDriver, type Driver } from "../drive.ts"
import { farewell } from "./farewell.ts"
import { readKeybindings } from "./keys/keybindings-file.ts"
import { createKeys, type Keys } from "./keys/keys.ts"
import { bindLibraryKeys } from "./keys/pi-keys.ts"
import { askTrust, type Trusting } from "./screens/trust.ts"
import { Surface } from "./surface.ts"
import { createTheme, type ThemeName, themeOfEnvironment, wantsColour } from "./theme.ts"
import { type Left, sit } from "./tui.ts"

export { Surface }

export interface Opening {
  program: Program
  row: SessionRow
  /** What a conversation that is begun later has in common with this one. */
  next: NewSession
  env: Env
  prompt: string | undefined
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
  const { keys } = keysOf(env)
  const { name, hasColour } = themeOf(env)
  return askTrust(surface, { ...asked, keys, theme: createTheme(name, { hasColour }) })
}

function keysOf(env: Env): { keys: Keys; path: string; notes: readonly string[] } {
  const path = join(homePaths(env).config, "keybindings.json")
  const { config, notes } = readKeybindings(path)
  const keys = createKeys(config)
  bindLibraryKeys(keys)
  return { keys, path, notes: [...notes, ...keys.notes] }
}

function themeOf(env: Env): { name: ThemeName; hasColour: boolean } {
  return { name: themeOfEnvironment(env) ?? "dark", hasColour: wantsColour(env) }
}

export async function runTui(surface: Surface, opening: Opening): Promise<Departure> {
  const { program, row: first, next, env, prompt, hangUp } = opening
  const { keys, path: keybindings, notes } = keysOf(env)
  const theme = themeOf(env)
  const drivers = new Map<string, Driver>()
  let row = first
  let asked = prompt
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
        opening: () => [],
        prompt: asked,
        hangUp,
      })
      asked = undefined
      const isForgotten = driver.state === "host" && (await program.forgetIfEmpty(row))
      if (left.type === "new") {
        row = await program.createSession(next)
        continue
      }
      surface.hide()
      if (hangUp.aborted) return { how: left.how === "keep" ? "keep" : "exit", drivers: [...drivers.values()] }
      if (!isForgotten)
        await writeOut(farewell(program, row, { width: surface.columns, theme: createTheme(theme.name, theme) }))
      if (left.how === "stop") await writeOut("Stopping what still runs …\n")
      return await depart(left.how, [...drivers.values()])
    }
  } finally {
    surface.hide()
    for (const note of notes) program.log.warn(note)
  }
}

async function depart(how: Extract<Left, { type: "left" }>["how"], drivers: readonly Driver[]): Promise<Departure> {
  const own = drivers.filter(({ state }) => state === "host")
  if (how === "pause") await Promise.all(own.map((driver) => driver.pauseAll()))
  if (how === "stop") await Promise.all(own.map((driver) => driver.stopAll()))
  return { how: how === "keep" ? "keep" : "exit", drivers }
}
