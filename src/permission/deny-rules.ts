// Deny rules come first, in every mode.
import { forbiddenPaths, type Place } from "./path-match.ts"
import type { Policy } from "./permission.ts"
import { deniedBy } from "./rule-match.ts"
import type { Rule } from "./rules.ts"

export function denyRules({ deny, home }: { deny: readonly Rule[]; home: string }): Policy {
  return (call) => {
    const rule = deniedBy(deny, call, home)
    return rule && { type: "deny", reason: `the rule ${rule.text} forbids it.` }
  }
}

/** For searches, which touch more files than their call names: false for absolute paths that a Read rule forbids. */
export function readFilter({ deny, ...place }: { deny: readonly Rule[] } & Place): (path: string) => boolean {
  const isForbidden = forbiddenPaths(deny, "Read", place)
  return (path) => !isForbidden(path)
}
