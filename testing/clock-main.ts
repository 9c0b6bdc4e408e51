// The program on a machine whose time of day is set while it runs: src/main.ts with a `Date` that is as many milliseconds
// ahead of the real one as the file that MEANWHILE_CLOCK_FILE names says, and looks at it again and again.
import { readFileSync } from "node:fs"

const file = process.env.MEANWHILE_CLOCK_FILE
delete process.env.MEANWHILE_CLOCK_FILE
let ahead = 0
const look = () => {
  if (file) ahead = Number(readFileSync(file, "utf8")) || 0
}
look()
setInterval(look, 5).unref()

const RealDate = Date
const now = () => RealDate.now() + ahead
globalThis.Date = new Proxy(RealDate, {
  construct: (target, args: [], self) => Reflect.construct(target, args.length === 0 ? [now()] : args, self),
  get: (target, key) => (key === "now" ? now : Reflect.get(target, key)),
})

await import("../src/main.ts")
