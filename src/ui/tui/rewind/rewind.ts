// Going back, in the place of the prompt: first where to, then what of it (conversation, files, both), with what would
// become of each file; and what somebody else has changed is asked about by itself.
import { messageOf } from "../../../base/error.ts"
import { stripControl, visible } from "../../../base/escape.ts"
import { oneLine, plural } from "../../../base/text.ts"
import type { UserPart } from "../../../model/message.ts"
import type { Plan, Point, Step, What } from "../../../program.ts"
import type { Card } from "../card.ts"
import { type Choice, ChoiceCard } from "../cards/choice.ts"
import { PickCard } from "../cards/pick.ts"
import type { Draft } from "../editor/draft.ts"
import type { Stage } from "../pane.ts"
import { draftOf } from "../prompting.ts"
import { aboutPoint, planLines, restoredWords } from "./rewind-lines.ts"

export interface RewindParts {
  stage: Stage
  show(card: Card | undefined): void
  /** To the session that goes on from there; the prompt is to be in its editor. */
  goTo(there: { id: string; said: string; draft: Draft }): void
  failed(what: string, error: unknown): void
}

export function openRewind(parts: RewindParts): void {
  const { stage, show } = parts
  const { program, view } = stage
  const points = program.rewind.points(view.session)
  const obstacle = program.rewind.obstacle(view.session, "conversation")
  if (points.length === 0 || obstacle) {
    stage.say(obstacle ?? "Nothing has been said yet: there is nothing to go back to.")
    return
  }
  show(
    new PickCard({
      theme: stage.theme,
      title: "Go back to before",
      picks: points.map((point, index) => ({
        id: String(index),
        label: labelOf(point),
        about: aboutPoint(point, stage.now()),
      })),
      picked: (index) => void choose(parts, points[Number(index)]!).catch((error) => trouble(parts, error)),
      cancelled: () => show(undefined),
    }),
  )
}

function labelOf(point: Point): string {
  if (point.type === "rewind") return "(files were taken back)"
  return oneLine(stripControl(textOf(point.content)), 44) || "(an image)"
}

function textOf(content: readonly UserPart[]): string {
  return content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join(" ")
}

async function choose(parts: RewindParts, point: Point): Promise<void> {
  const { stage, show } = parts
  const { program, view } = stage
  const plan = await program.rewind.plan(view.session, point)
  const isBusy = program.rewind.obstacle(view.session, "files")
  const count = plan.takes.length + plan.others.length
  const go = (what: What) => () => void settle(parts, { point, plan, what }).catch((error) => trouble(parts, error))
  const files = `${plural(count, "file")}, as ${count === 1 ? "it was" : "they were"} then`
  const conversation: Choice = {
    letter: "c",
    label: "conversation only",
    about: count > 0 ? "files stay as they are" : "",
    chosen: go("conversation"),
  }
  const hasFiles = count > 0 && isBusy === undefined
  const choices: Choice[] = [
    ...(hasFiles && point.type === "prompt" ? [{ letter: "b", label: "both", about: files, chosen: go("both") }] : []),
    ...(point.type === "prompt" ? [conversation] : []),
    ...(hasFiles ? [{ letter: "f", label: "files only", about: files, chosen: go("files") }] : []),
  ]
  if (choices.length === 0) {
    stage.say(isBusy ?? "The files are as they were then: there is nothing to take back.")
    show(undefined)
    return
  }
  show(
    new ChoiceCard({
      theme: stage.theme,
      title: () => `Go back to before “${labelOf(point)}”?`,
      details: () => planLines({ plan, gaps: point.since.gaps, isBusy }, stage.theme()),
      choices,
      hint:
        point.type === "prompt" ? "what was said after it stays in a session of its own · esc cancels" : "esc cancels",
      cancelled: () => show(undefined),
    }),
  )
  stage.requestRender()
}

interface Chosen {
  point: Point
  plan: Plan
  what: What
}

/** What somebody else has changed as well is kept, unless it is said otherwise. */
async function settle(parts: RewindParts, { point, plan, what }: Chosen): Promise<void> {
  const { stage, show } = parts
  const run = (steps: readonly Step[]) => () =>
    void goBack(parts, { point, what, steps }).catch((error) => trouble(parts, error))
  if (what === "conversation" || plan.others.length === 0) return goBack(parts, { point, what, steps: plan.takes })
  const count = plural(plan.others.length, "file")
  const were = plan.others.length === 1 ? "was" : "were"
  const may = plan.others.every(({ isSure }) => isSure) ? were : "may have been"
  show(
    new ChoiceCard({
      theme: stage.theme,
      title: () => `${count} ${may} changed by somebody else as well`,
      details: () => plan.others.map(({ path }) => visible(path)),
      choices: [
        { letter: "k", label: "keep them as they are now", chosen: run(plan.takes) },
        {
          letter: "t",
          label: "take them back too",
          about: "can be undone",
          chosen: run([...plan.takes, ...plan.others]),
        },
      ],
      cancelled: () => show(undefined),
    }),
  )
  stage.requestRender()
}

async function goBack(
  { stage, show, goTo }: RewindParts,
  { point, what, steps }: { point: Point; what: What; steps: readonly Step[] },
): Promise<void> {
  const { program, view } = stage
  show(undefined)
  const rewound = await program.rewind.go(view.session, { point, what, steps })
  const said = restoredWords(rewound, what)
  for (const { path, why } of rewound.left) program.log.warn(`${path} was not taken back: ${why}`)
  if (rewound.row.id === view.session.id || point.type !== "prompt") {
    stage.say(said, rewound.left.length > 0 ? "error" : "info")
    return
  }
  goTo({ id: rewound.row.id, said, draft: draftOf(point.content) })
}

function trouble({ stage, show, failed }: RewindParts, error: unknown): void {
  failed("going back failed", error)
  show(undefined)
  stage.say(messageOf(error), "error")
}
