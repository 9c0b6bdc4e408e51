// Which permission rules hold for a session, and where each comes from: for a person who wants to know why something
// was asked about, or was not.
import { type KeptRule, keptRules } from "../permission/kept-rules.ts"
import type { SessionRow } from "../store/rows.ts"
import type { Reader } from "../store/store.ts"
import { givenRules } from "./given.ts"
import type { SessionSpec } from "./session.ts"

export interface RuleInForce {
  /** `only`: all that the agent may do with that tool. */
  effect: "allow" | "deny" | "only"
  text: string
  source: { type: "settings"; file: string } | { type: "command-line" } | { type: "agent"; name: string } | Kept
}

/** By "always"; these can be taken back. */
type Kept = { type: "kept"; rule: KeptRule }

/** As they are written in settings files, and the file of each, as it is shown. */
export interface SettingsRules {
  allow: readonly string[]
  deny: readonly string[]
  fileOf: ReadonlyMap<string, string>
}

/** What forbids comes first, because it goes before all else. */
export function rulesInForce(reader: Reader, row: SessionRow, settings: SettingsRules): RuleInForce[] {
  const fromFile = (effect: "allow" | "deny") => (text: string) => {
    const file = settings.fileOf.get(text) ?? "settings.json"
    return { effect, text, source: { type: "settings", file } } as const
  }
  const fromCall = (effect: "allow" | "deny") => (text: string) =>
    ({ effect, text, source: { type: "command-line" } }) as const
  const limits = JSON.parse(row.limits) as SessionSpec["limits"]
  const fromAgent = (effect: "only" | "deny") => (text: string) =>
    ({ effect, text, source: { type: "agent", name: row.agent } }) as const
  const given = givenRules(reader, row.root_id)
  return [
    ...settings.deny.map(fromFile("deny")),
    ...given.deny.map(fromCall("deny")),
    ...limits.deny.map(fromAgent("deny")),
    ...limits.only.map(fromAgent("only")),
    ...settings.allow.map(fromFile("allow")),
    ...given.allow.map(fromCall("allow")),
    ...keptRules(reader, row.project).map((rule): RuleInForce => {
      return { effect: "allow", text: rule.text, source: { type: "kept", rule } }
    }),
  ]
}
