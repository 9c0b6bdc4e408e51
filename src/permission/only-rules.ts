// The limits of an agent: an entry such as `Bash(git:*)` among its tools is all that it may do with that tool.
import type { Policy } from "./permission.ts"
import { isAllowedBy } from "./rule-match.ts"
import { canonicalTool, type Rule } from "./rules.ts"

export function onlyRules({ only, home }: { only: readonly Rule[]; home: string }): Policy {
  return (call) => {
    const limits = only.filter(({ tool }) => tool === canonicalTool(call.tool))
    if (limits.length === 0 || isAllowedBy(limits, call, { home })) return undefined
    return {
      type: "deny",
      reason: `this agent may use ${call.tool} only for ${limits.map(({ text }) => text).join(", ")}.`,
    }
  }
}
