// Puts the policies in their order: what is forbidden, the limits of the agent, the mode, what is allowed, what only
// reads; and when none of them knows, the user is asked.
import { homedir } from "node:os"
import { allowRules } from "./allow-rules.ts"
import { askPolicy } from "./ask.ts"
import { denyRules } from "./deny-rules.ts"
import { modePolicy } from "./mode.ts"
import { onlyRules } from "./only-rules.ts"
import type { Decision, PermissionCall, Policy } from "./permission.ts"
import { readOnlyTools } from "./read-only-tools.ts"
import type { Rule } from "./rules.ts"

export interface Decisions {
  allow: readonly Rule[]
  deny: readonly Rule[]
  /** All that may be done with the tools that these rules name. */
  only?: readonly Rule[]
  /** Absolute path that `~` means. */
  home?: string
}

export function createDecider({
  allow,
  deny,
  only = [],
  home = homedir(),
}: Decisions): (call: PermissionCall) => Decision {
  const policies: readonly Policy[] = [
    denyRules({ deny, home }),
    onlyRules({ only, home }),
    modePolicy({ home }),
    allowRules({ allow, home }),
    readOnlyTools({ deny }),
  ]
  const ask = askPolicy({ home })
  return (call) => {
    for (const policy of policies) {
      const decision = policy(call)
      if (decision) return decision
    }
    return ask(call)
  }
}
