// What a task asks for, as the card that the conversation shows too; the same one as long as the request is open.
import type { Request } from "../../view/requests.ts"
import type { Card } from "../card.ts"
import { PermissionCard, type RequestCardParts } from "../cards/permission-card.ts"
import { QuestionCard } from "../cards/question-card.ts"

export class RequestCard {
  #shown: { requestId: string; card: Card } | undefined

  of(request: Request, parts: () => Omit<RequestCardParts, "request" | "place">): Card {
    if (this.#shown?.requestId === request.id) return this.#shown.card
    const all = { ...parts(), request, place: "" }
    const card = request.type === "question" ? new QuestionCard(all) : new PermissionCard(all)
    this.#shown = { requestId: request.id, card }
    return card
  }
}

/** A key that is no action goes into the card. */
export function typeInto(card: Card, data: string): void {
  if (!card.typed?.(data)) card.field?.handleInput?.(data)
}

/** The field of a card, when it has one open. */
export function fieldLines({ field }: Card, width: number): string[] {
  if (!field) return []
  field.focused = true
  return field.render(width)
}
