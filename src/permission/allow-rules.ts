// Allow rules. Parts of a shell command that only read need no rule of their own: `npm test | tail` is `npm test`.
import type { Policy } from "./permission.ts"
import { isReadOnly } from "./read-only.ts"
import { isAllowedBy } from "./rule-match.ts"
import type { Rule } from "./rules.ts"

export function allowRules({ allow, home }: { allow: readonly Rule[]; home: string }): Policy {
  return (call) => {
    const isHarmless = (command: Parameters<typeof isReadOnly>[0]) => isReadOnly(command, call)
    return isAllowedBy(allow, call, { home, isHarmless }) ? { type: "allow" } : undefined
  }
}
