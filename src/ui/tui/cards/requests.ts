// What needs the user, one after the other: opened when they ask for it, gone when nothing is left.
import type { Card } from "../card.ts"
import type { Stage } from "../pane.ts"
import { PermissionCard, type RequestCardParts } from "./permission-card.ts"
import { QuestionCard } from "./question-card.ts"

/** Shows the request, or the oldest one; after an answer the next. */
export function showRequests(
  { stage, show }: { stage: Stage; show(card: Card | undefined): void },
  wanted = stage.view.requests[0]?.id,
): void {
  const open = (id: string | undefined, answered: ReadonlySet<string>) => {
    const requests = stage.view.requests.filter((request) => !answered.has(request.id))
    const at = Math.max(
      0,
      requests.findIndex((request) => request.id === id),
    )
    const request = requests[at]
    if (!request) return show(undefined)
    const parts: RequestCardParts = {
      stage,
      request,
      place: requests.length > 1 ? `${at + 1} of ${requests.length} · ↑↓` : "",
      turn: (step) => open(requests[(at + step + requests.length) % requests.length]!.id, answered),
      done: () => open(requests[at + 1]?.id ?? requests[0]!.id, new Set([...answered, request.id])),
      back: () => show(undefined),
    }
    show(request.type === "question" ? new QuestionCard(parts) : new PermissionCard(parts))
  }
  open(wanted, new Set())
}
