// Takes back what is open, until it is killed: rewind-crash.test.ts.
import { systemClock } from "../../src/base/clock.ts"
import { openData } from "../../src/program.ts"
import { finishRewinds } from "../../src/session/rewind-files.ts"

const [id, project] = process.argv.slice(2)
const { store } = await openData({ ...process.env })
await finishRewinds({ store, clock: systemClock, env: { ...process.env } }, { id: id!, project: project! })
