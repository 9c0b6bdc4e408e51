// The program's version, from the one place that has it. The executable carries the value (a named import of JSON is
// inlined by the bundler), so asking for it costs nothing.
import { version as packageVersion } from "../../package.json"

export const version: string = packageVersion
