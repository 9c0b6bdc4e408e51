// Scripts: what answers a request. A story of several agents is a list of routes, each with its own replies in order.
import type { Reply } from "./reply.ts"
import type { RecordedRequest } from "./request.ts"

export type Script = (request: RecordedRequest) => Reply | Promise<Reply>

export type Step = Reply | Script

export interface Route {
  name: string
  /** Of a string: that the first user message contains it. Of a pattern: that it matches there. */
  match: string | RegExp | ((request: RecordedRequest) => boolean)
  steps: readonly Step[]
  /**
   * `conversation` (default): every conversation of this route gets all steps in order; agents with the same prompt each
   * have their own. A request that was broken by the script moves on when it is repeated; one whose client went away
   * gets the same step again. `arrival`: the i-th request of the route gets the i-th step, whoever asks.
   */
  order?: "conversation" | "arrival"
  /** What comes after the last step; without it a further request is unexpected. */
  after?: Step
}

/** Nothing in the script answers this request: recorded as a problem, answered with 500. */
export class UnexpectedRequest extends Error {
  override readonly name = "UnexpectedRequest"
}

export const script = {
  /** Each agent of the story has its own replies; the first route that matches is taken. */
  byAgent: (routes: readonly Route[]): Script => {
    const cursors = routes.map(() => new Cursor())
    return (request) => {
      const index = routes.findIndex((route) => matches(route, request))
      const route = routes[index]
      if (!route) throw new UnexpectedRequest(`no route matches: routes are ${routes.map((r) => r.name).join(", ")}`)
      const at = cursors[index]!.next(request, route.order ?? "conversation")
      const step = route.steps[at] ?? route.after
      if (!step)
        throw new UnexpectedRequest(
          `agent ${route.name} has ${route.steps.length} steps, and asked for number ${at + 1}`,
        )
      return typeof step === "function" ? step(request) : step
    }
  },

  /** One list of replies, in the order of arrival. */
  inOrder: (steps: readonly Step[], after?: Step): Script =>
    script.byAgent([{ name: "any", match: () => true, steps, order: "arrival", ...(after && { after }) }]),
}

function matches(route: Route, request: RecordedRequest): boolean {
  if (typeof route.match === "function") return route.match(request)
  if (typeof route.match === "string") return request.prompt.includes(route.match)
  return route.match.test(request.prompt)
}

/** Which step of its route each request got. */
class Cursor {
  #arrived = 0
  readonly #steps = new Map<RecordedRequest, number>()

  next(request: RecordedRequest, order: "conversation" | "arrival"): number {
    const at = order === "arrival" ? this.#arrived : this.#after(request)
    this.#arrived++
    this.#steps.set(request, at)
    return at
  }

  #after({ repeats, parent }: RecordedRequest): number {
    const repeated = repeats && this.#steps.get(repeats)
    if (repeated !== undefined) return repeats?.broken ? repeated + 1 : repeated
    const before = parent && this.#steps.get(parent)
    return before === undefined ? 0 : before + 1
  }
}
