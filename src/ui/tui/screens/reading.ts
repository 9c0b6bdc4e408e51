// The keys of whatever is read as a page: they scroll it, and go back.
import type { ScrollView } from "@earendil-works/pi-tui"
import type { Action } from "../keys/actions.ts"

/** Lines that stay in sight from one page to the next. */
const OVERLAP = 2

/** False when the key goes on: the search works here too; everything else means the conversation, which is not here. */
export function actOnPage(action: Action, { scroll, back }: { scroll: ScrollView; back(): void }): boolean {
  const page = Math.max(1, scroll.viewportHeight - OVERLAP)
  switch (action) {
    case "list.up":
      scroll.scrollBy(-1)
      return true
    case "list.down":
      scroll.scrollBy(1)
      return true
    case "list.pageUp":
      scroll.scrollBy(-page)
      return true
    case "list.pageDown":
      scroll.scrollBy(page)
      return true
    case "list.first":
      scroll.scrollToStart()
      return true
    case "list.last":
      scroll.scrollToEnd()
      return true
    case "list.back":
    case "conversation.clear":
      back()
      return true
    default:
      return action !== "conversation.find"
  }
}
