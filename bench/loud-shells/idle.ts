// A process that does nothing but look how late its event loop is, until its input ends: what any program beside loud
// commands has to live with. Argument: the file for its report.
import { recordLag } from "../../src/runtime/lag.ts"

recordLag(process.argv[2]!)
for await (const _ of process.stdin);
process.exit(0)
