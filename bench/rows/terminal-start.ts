// From starting the program to the echo of the first key, against the barest program that echoes one.
import { mkdtempSync } from "node:fs"
import { join } from "node:path"
import { firstKeyMs } from "../key-echo.ts"
import { compare, type MeasureRows } from "../measure.ts"

export const rows: MeasureRows = async ({ executable, folder }) => {
  const home = mkdtempSync(join(folder, "home-"))
  const env = { PATH: process.env.PATH ?? "", HOME: home, LANG: "C.UTF-8", MEANWHILE_HOME: join(home, "data") }
  const place = { cwd: folder, home, env }
  const cat = { command: ["sh", "-c", "stty raw -echo; printf ready; exec cat"], ready: "ready" }
  return [
    await compare({
      name: "interface, start to the first key's echo / raw cat",
      unit: "ms",
      budget: { most: 60 },
      rounds: 20,
      floor: () => firstKeyMs(place, cat),
      subject: () => firstKeyMs(place, { command: [executable, "--model", "scout"] }),
    }),
  ]
}
