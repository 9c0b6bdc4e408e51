// Holds every line of a headless stream against docs/stream.schema.json, and the stream as a whole against what the
// schema cannot say. The workbench does this with each stream that a test sees.
import Ajv2020, { type ValidateFunction } from "ajv/dist/2020"
import schema from "../docs/stream.schema.json" with { type: "json" }

export type StreamLine = { type: string; subtype?: string } & Record<string, unknown>

let ajv: Ajv2020 | undefined

function validator(name: string): ValidateFunction {
  ajv ??= new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true, allErrors: true }).addSchema(
    schema,
    "stream",
  )
  const validate = ajv.getSchema(`stream#/$defs/${name}`)
  if (!validate) throw new Error(`docs/stream.schema.json has no $defs/${name}`)
  return validate
}

/** What is wrong with a line, or undefined. `output` lines are judged by their own kind: the message is about it alone. */
export function lineMistake(line: StreamLine, side: "output" | "input" = "output"): string | undefined {
  const kind = line.type === "system" ? line.subtype : line.type
  const known = side === "output" && schema.$defs.output.oneOf.some(({ $ref }) => $ref === `#/$defs/${kind}`)
  const validate = validator(known ? kind! : side)
  if (validate(line)) return undefined
  const mistakes = known ? (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`) : []
  return mistakes.join("; ") || `no line of the ${side}`
}

/** Looks at a stream line by line, in order. */
export class StreamCheck {
  readonly #mistakes: string[] = []
  readonly #uuids = new Set<unknown>()
  readonly #notified = new Set<unknown>()
  #begun = false
  #tasks = "[]"

  add(line: StreamLine): void {
    const mistake = lineMistake(line) ?? this.#outOfPlace(line)
    if (mistake) this.#mistakes.push(`${mistake}\n  in ${JSON.stringify(line)}`)
  }

  /** Throws when a line was not as it must be. */
  verify(): void {
    if (this.#mistakes.length === 0) return
    throw new Error(`the stream is not as docs/stream.schema.json has it:\n${this.#mistakes.splice(0).join("\n")}`)
  }

  #outOfPlace(line: StreamLine): string | undefined {
    const isInit = line.subtype === "init"
    if (isInit === this.#begun) return isInit ? "a second init" : "a line before init"
    this.#begun = true
    if (line.uuid !== undefined && this.#uuids.has(line.uuid)) return `the uuid ${line.uuid} was there before`
    this.#uuids.add(line.uuid)
    if (line.subtype === "task_notification") {
      if (this.#notified.has(line.run_id)) return "a second notification of this run"
      this.#notified.add(line.run_id)
    }
    if (line.subtype !== "background_tasks_changed") return undefined
    const tasks = JSON.stringify(line.tasks)
    if (tasks === this.#tasks) return "the list of background tasks has not changed"
    this.#tasks = tasks
    return undefined
  }
}
