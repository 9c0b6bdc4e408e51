// The keys in force: the defaults with the person's own on top, and what a stroke means in a context. Two strokes in a
// row (ctrl+x ctrl+b) are one key when the second comes in time; a first stroke that comes to nothing swallows nothing
// but itself.
import type { KeyId } from "@earendil-works/pi-tui"
import { type Action, actionNames, actions, contextOf, contexts, type KeyContext } from "./actions.ts"
import { isPlain, type KeySequence, parseKey } from "./key-name.ts"
import { isKey, isNoPress } from "./match-key.ts"

/** How long the second stroke is waited for. */
export const CHORD_MS = 2000

/** By action: its keys, or none. What is not named keeps its default. */
export type KeyConfig = Partial<Record<Action, readonly string[]>>

export interface ListedKey {
  action: Action
  keys: readonly string[]
  does: string
  /** Whether the person chose these. */
  isOwn: boolean
}

export interface Keys {
  /** `pending`: the first of two strokes; it is used up, whatever comes next. */
  match(context: KeyContext, data: string): Action | "pending" | undefined
  /** The first stroke that waits for its second, as it is shown: "ctrl+x". */
  readonly pending: string | undefined
  /** Called when `pending` begins or ends, also by time. */
  onPending: (() => void) | undefined
  /** The action's first key, for hints: "ctrl+b"; undefined when it has none. */
  hint(action: Action): string | undefined
  list(context: KeyContext): ListedKey[]
  /** What could not be done as it was asked for, and what was done instead. */
  readonly notes: readonly string[]
}

interface Binding {
  action: Action
  sequence: KeySequence
}

export function createKeys(config: KeyConfig = {}, timer: Timer = systemTimer): Keys {
  const { names, notes } = resolve(config)
  const bindings = new Map<KeyContext, Binding[]>(contexts.map((context) => [context, []]))
  for (const action of actionNames)
    for (const name of names.get(action) ?? []) {
      const key = parseKey(name)
      if (key.type === "key") bindings.get(contextOf(action))!.push({ action, sequence: key.sequence })
    }

  let pending: { context: KeyContext; stroke: KeyId; disarm: () => void } | undefined
  const settle = () => {
    pending?.disarm()
    pending = undefined
    keys.onPending?.()
  }
  const begin = (context: KeyContext, stroke: KeyId) => {
    pending = { context, stroke, disarm: timer(settle, CHORD_MS) }
    keys.onPending?.()
  }

  const keys: Keys = {
    notes,
    onPending: undefined,
    get pending() {
      return pending?.stroke
    },
    match: (context, data) => {
      if (isNoPress(data)) return undefined
      const known = bindings.get(context)!
      if (pending?.context === context) {
        const { stroke } = pending
        settle()
        const second = known.find(({ sequence: [a, b] }) => a === stroke && b !== undefined && isKey(data, b))
        if (second) return second.action
      }
      const chord = known.find(({ sequence: [a, b] }) => b !== undefined && isKey(data, a))
      if (chord) {
        begin(context, chord.sequence[0])
        return "pending"
      }
      return known.find(({ sequence: [a, b] }) => b === undefined && isKey(data, a))?.action
    },
    hint: (action) => names.get(action)?.[0],
    list: (context) =>
      actionNames
        .filter((action) => contextOf(action) === context)
        .map((action) => ({
          action,
          keys: names.get(action) ?? [],
          does: actions[action].does,
          isOwn: config[action] !== undefined,
        })),
  }
  return keys
}

type Timer = (done: () => void, ms: number) => () => void

const systemTimer: Timer = (done, ms) => {
  const timer = setTimeout(done, ms)
  return () => clearTimeout(timer)
}

/** Without these one could not get out, or say anything. */
const NEVER_WITHOUT: readonly Action[] = ["conversation.clear", "editor.send"]

/** Decides who has which key, by one spelling for each key. The person's choice beats a default. */
function resolve(config: KeyConfig): { names: Map<Action, string[]>; notes: string[] } {
  const notes: string[] = []
  const names = new Map<Action, string[]>()
  const owners = new Map<string, Action>()
  const take = (action: Action, name: string, own: boolean) => {
    const rival = shared(action)
      .map((context) => owners.get(`${context} ${name}`))
      .find((owner) => owner !== undefined && owner !== action)
    if (rival && own) notes.push(`"${name}" is asked for by ${rival} and ${action}; ${rival} has it.`)
    if (rival) return
    owners.set(`${contextOf(action)} ${name}`, action)
    names.get(action)!.push(name)
  }

  for (const action of actionNames) {
    names.set(action, [])
    for (const text of config[action] ?? []) {
      const key = parseKey(text)
      if (key.type === "mistake") notes.push(`${action}: "${text}" ${key.message}. Write it like "ctrl+b".`)
      else if (contextOf(action) === "editor" && isPlain(key.sequence[0]))
        notes.push(`${action}: "${text}" is needed for typing. Use one with ctrl or alt.`)
      else take(action, key.name, true)
    }
  }
  for (const action of actionNames) {
    const isOpen = config[action] === undefined || (names.get(action)!.length === 0 && NEVER_WITHOUT.includes(action))
    if (!isOpen) continue
    if (config[action]) notes.push(`${action} keeps ${actions[action].keys.join(", ")}: it cannot be without a key.`)
    for (const text of actions[action].keys) take(action, canonical(text), false)
    if (names.get(action)!.length === 0)
      notes.push(`${action} has no key left: you gave ${actions[action].keys.join(", ")} to another action.`)
  }
  notes.push(...shadowed(owners))
  return { names, notes }
}

/** Contexts whose keys compete: the conversation's are looked at before the editor's. */
function shared(action: Action): KeyContext[] {
  const context = contextOf(action)
  // Esc closes a completion first and Enter types nothing in the conversation: the app asks the editor before.
  if (context === "editor" && action !== "editor.dismiss") return ["editor", "conversation"]
  if (context === "conversation" && action !== "conversation.interrupt") return ["conversation", "editor"]
  if (context === "tasks" || context === "approvals" || context === "resume") return [context, "list"]
  return [context]
}

/** A key that also begins a pair of strokes is never seen alone. */
function shadowed(owners: ReadonlyMap<string, Action>): string[] {
  return [...owners].flatMap(([place, action]) => {
    const [context, first, second] = place.split(" ")
    const alone = second === undefined ? undefined : owners.get(`${context} ${first}`)
    return alone ? [`"${first}" of ${alone} is not seen alone: it begins "${first} ${second}" of ${action}.`] : []
  })
}

function canonical(text: string): string {
  const key = parseKey(text)
  if (key.type === "mistake") throw new Error(`The default key "${text}" ${key.message}.`)
  return key.name
}
