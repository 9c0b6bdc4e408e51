// The terminal interface's way in: from a session's row to the screen, until somebody leaves it or goes to another one.
import { messageOf } from "../../base/error.ts"
import { displayPath, type Env } from "../../base/paths.ts"
import { oneLine } from "../../base/text.ts"
import type { Control, Program, Unsent } from "../../program.ts"
import { findSession } from "../../session/find.ts"
import type { SessionRow } from "../../store/rows.ts"
import type { Driver } from "../drive.ts"
import { awayOf } from "../view/away.ts"
import { workElsewhere } from "../view/elsewhere.ts"
import { nextMode } from "../view/modes.ts"
import { isLive } from "../view/task-item.ts"
import { App } from "./app.ts"
import { Attention } from "./attention.ts"
import { type Card, PromptPlace } from "./card.ts"
import { type Leaving, stopAllCard } from "./cards/leave.ts"
import { showRequests } from "./cards/requests.ts"
import type { Command } from "./commands/command.ts"
import { createCommands } from "./commands/commands.ts"
import { forkSession, renameSession } from "./commands/session.ts"
import { awayLines } from "./conversation/away-lines.ts"
import { ConversationPane } from "./conversation/conversation-pane.ts"
import { openingLines } from "./conversation/opening-lines.ts"
import type { EarlyPrompt } from "./early.ts"
import type { Draft } from "./editor/draft.ts"
import type { PromptEditor } from "./editor/prompt-editor.ts"
import { hintOf } from "./hint.ts"
import { Kept } from "./kept.ts"
import type { Action } from "./keys/actions.ts"
import type { Keys } from "./keys/keys.ts"
import { Leave } from "./leaving.ts"
import type { Line, Target } from "./line.ts"
import { memoryPane } from "./memory/memory.ts"
import { type PromptSources, promptEditor } from "./prompt.ts"
import { draftOf, Prompting, partsOf } from "./prompting.ts"
import { type Destination, ResumePane } from "./resume/resume.ts"
import { openRewind } from "./rewind/rewind.ts"
import { agentCard, agentPage } from "./screens/agents.ts"
import { costLines } from "./screens/cost.ts"
import { helpLines } from "./screens/help.ts"
import { chooseModel, modelCard } from "./screens/models.ts"
import { Page } from "./screens/page.ts"
import { PermissionsPane } from "./screens/permissions.ts"
import { statsPane } from "./stats/stats.ts"
import type { Surface } from "./surface.ts"
import { inspectorPane, tasksPane } from "./tasks/tasks.ts"
import type { ThemeName } from "./theme.ts"
import { Twice } from "./twice.ts"
import { UnsentKeeper } from "./unsent-keeper.ts"

export interface Seat {
  surface: Surface
  program: Program
  row: SessionRow
  driver: Driver
  keys: Keys
  env: Env
  /** Path of the file with the user's keys. */
  keybindings: string
  theme: { name: ThemeName; hasColour: boolean }
  /** When somebody looked at the session last. */
  lastLook: number | undefined
  /** Said above a conversation that begins, below who answers. */
  notes: readonly string[]
  prompt: string | undefined
  /** A word about how one came here. */
  said: string | undefined
  /** The message that one comes for. */
  at: Destination["at"]
  /** What comes into the editor: a prompt that was gone back to. */
  draft: Draft | undefined
  /** The ids of other sessions that this process drives. */
  elsewhere(): readonly string[]
  /** What was typed before, when this is the first conversation. */
  early: EarlyPrompt | undefined
  hangUp: AbortSignal
}

/** How somebody left the conversation. */
export type Left =
  | { type: "left"; how: Leaving | "exit" }
  | { type: "new" }
  /** To another session, which says so with a word. */
  | { type: "session"; id: string; said?: string; at?: Destination["at"]; draft?: Draft }

/** Whether another process drives the session is looked up again after so long. */
const HOSTED_MS = 500

export async function sit(seat: Seat): Promise<Left> {
  const { surface, program, row, driver, keys, env, theme } = seat
  const { promise: left, resolve: leave } = Promise.withResolvers<Left>()
  const isViewer = () => driver.state === "viewer"
  const isHosted = recent(() => program.view(row).isHosted(), HOSTED_MS)
  const app: App = new App({
    surface,
    program,
    row,
    keys,
    theme,
    isDriven: () => !isViewer() || isHosted(),
    changed: () => attention.look(),
    failed: (what, error) => program.log.error(what, { error, session: row.id }),
  })
  const attention = new Attention(app, surface)
  const sources: PromptSources = { app, commands: () => commands, takeBack: () => prompting.takeBack() }
  const editor = seat.early ? takeEarly(seat.early, env, sources) : promptEditor(env, sources)
  const place = new PromptPlace(editor, () => surface.rows)
  const leaving = new Leave({
    stage: app,
    isViewer,
    elsewhere: () => workElsewhere(program.store, seat.elsewhere(), app.now()),
    show: (card) => place.show(card),
    left: (how) => leave({ type: "left", how }),
  })
  const keybindings = displayPath(seat.keybindings)
  const showHelp = () =>
    app.open(
      new Page(app, {
        title: "Keys and commands",
        lines: (width) => helpLines({ keys, commands, keybindings }, { width, theme: app.theme() }),
      }),
    )
  const commands: readonly Command[] = createCommands({
    tasks: () => app.open(tasksPane(app)),
    agents: (name) => showAgents(name),
    model: (name) => {
      if (name === "" || !chooseModel(app, program.models, name)) showModels()
    },
    help: showHelp,
    memory: () =>
      app.open(memoryPane({ stage: app, surface, env, openTask: (id) => app.open(inspectorPane(app, id)) })),
    compact: (focus) => {
      app.control({ action: "compact", ...(focus && { focus }) })
      if (app.view.activity().type !== "idle") app.say("It will be compacted when this step is over.")
    },
    resume: (name) => {
      if (name !== "") goTo(name)
      else app.open(sessionsPane())
    },
    rewind: () => showRewind(),
    clear: () => leave({ type: "new" }),
    rename: (name) => renameSession({ stage: app, propose: (draft) => editor.setDraft(draft) }, name),
    fork: (name) => forkSession({ stage: app, goTo: (there) => leave({ type: "session", ...there }) }, name),
    exit: () => leaving.ask(),
    stats: () => app.open(statsPane(app, env)),
    cost: () =>
      app.open(
        new Page(app, {
          title: "Cost of this session",
          lines: (width) =>
            costLines(program.store, { rootId: row.id, items: app.view.board.items }, { width, theme: app.theme() }),
        }),
      ),
    permissions: () =>
      app.open(
        new PermissionsPane({
          stage: app,
          rules: () => program.rules(app.view.session),
          trust: () => program.trust,
          drop: async ({ source }) => {
            if (source.type === "kept") await program.dropRule(row, source.rule)
          },
          answerTrust: (answer) => program.answerTrust(answer),
        }),
      ),
  })
  const goThere = (to: Destination) => {
    if (to.id !== row.id) return leave({ type: "session", ...to })
    app.back()
    if (to.at) pane.show(to.at)
  }
  const goTo = (name: string) => {
    try {
      const { id } = findSession(program.store, name, program.project)
      if (id === row.id) app.say("You are in that session.")
      else leave({ type: "session", id })
    } catch (error) {
      app.say(oneLine(messageOf(error), 400), "error")
    }
  }
  const sessionsPane = () =>
    new ResumePane({ stage: app, here: row.id, ours: seat.elsewhere, chosen: goThere, back: () => app.back() })
  const prompting = new Prompting({
    stage: app,
    commands,
    giveBack: (draft) => editor.giveBack(draft),
    failed: (what, error) => program.log.error(what, { error, session: row.id }),
  })
  editor.onSubmit = (draft, how) => {
    away = undefined
    void prompting.send(draft, how)
  }
  editor.onEmptySend = () => {
    if (app.view.requests.length > 0) showRequests(cards)
  }
  let away =
    seat.lastLook === undefined
      ? undefined
      : awayOf(program.store, { rootId: row.id, since: seat.lastLook, now: app.now(), tasks: app.view.board.items })
  const showAgents = (name: string) => {
    if (name === "") {
      const picked = (id: string) => {
        place.show(undefined)
        showAgents(id)
      }
      place.show(agentCard(app, { picked, cancelled: () => place.show(undefined) }))
      return
    }
    const found = program.agents.agents.find((agent) => agent.name === name)
    if (!found) {
      app.say(`There is no agent ${oneLine(name, 40)}. /agents lists them.`, "error")
      return
    }
    const start = () => {
      app.back()
      editor.setDraft({ text: `Use the ${found.name} agent to `, images: [], mode: "prompt" })
    }
    app.open(agentPage(app, found, start))
  }
  const showModels = () => {
    const close = () => place.show(undefined)
    place.show(
      modelCard({
        stage: app,
        desk: program.models,
        chosen: (name) => {
          if (chooseModel(app, program.models, name)) close()
        },
        cancelled: close,
        failed: (what, error) => program.log.error(what, { error, session: row.id }),
      }),
    )
  }
  const showRewind = () =>
    openRewind({
      stage: app,
      show: (card) => place.show(card),
      goTo: (there) => leave({ type: "session", ...there }),
      failed: (what, error) => program.log.error(what, { error, session: row.id }),
    })
  const escapes = new Twice(showRewind, () =>
    app.say(`${hintOf(keys, "conversation.interrupt")} again goes back to an earlier prompt`),
  )
  const mayBypass = row.permission_mode === "bypassPermissions"
  const cards = { stage: app, show: (card: Card | undefined) => place.show(card) }
  const onTarget = (target: Target) => {
    if (target.type === "requests") showRequests(cards)
    else if (target.type === "task") app.open(inspectorPane(app, target.id))
    else if (target.type === "tasks") app.open(tasksPane(app))
  }
  const opening = new Kept<readonly Line[]>()
  const pane: ConversationPane = new ConversationPane({
    stage: app,
    place,
    isViewer,
    isEditorEmpty: () => editor.isEmpty,
    flash: () => app.flash,
    onTarget,
    opening: (width) => {
      const { model } = app.view.session
      const theme = app.theme()
      return opening.of([model, width, theme], () => openingLines({ model, notes: seat.notes }, { width, theme }))
    },
    closing: (width) =>
      away ? awayLines(away, { width, theme: app.theme(), now: app.now(), requests: app.view.requests.length }) : [],
    act: (action) => act(action),
  })
  const control = (wanted: Control) => {
    app.control(wanted)
    return true
  }
  const act = (action: Action): boolean => {
    switch (action) {
      case "conversation.approvals":
        if (app.view.requests.length > 0) showRequests(cards)
        else app.say("Nothing needs you.")
        return true
      case "conversation.tasks":
        app.open(tasksPane(app))
        return true
      case "conversation.background":
        if (app.view.foreground().length > 0) return control({ action: "background" })
        app.say("Nothing blocks the turn: there is nothing to move to the background.")
        return true
      case "conversation.interrupt":
        if (editor.dismiss()) return true
        if (app.view.activity().type !== "idle") return control({ action: "interrupt" })
        if (!editor.isEmpty) return false
        escapes.again()
        return true
      case "conversation.stopAll":
        if (!app.view.board.items.some((item) => isLive(item) && item.isBackground)) {
          app.say("Nothing runs in the background.")
          return true
        }
        place.show(
          stopAllCard(app, (really) => {
            place.show(undefined)
            if (really) control({ action: "stop_all" })
          }),
        )
        return true
      case "conversation.mode": {
        const mode = nextMode(app.view.session.permission_mode, { mayBypass })
        return control({ action: "change", permissionMode: mode })
      }
      case "conversation.clear":
        if (editor.dismiss()) return true
        if (editor.isEmpty) leaving.again(hintOf(keys, "conversation.clear"))
        else editor.clear()
        return true
      case "conversation.leave":
        leaving.now()
        return true
      case "conversation.help":
        if (!editor.isEmpty) return false
        showHelp()
        return true
      case "conversation.redraw":
        surface.redraw()
        return true
      default:
        return false
    }
  }
  using _ = driver.onChange(() => {
    if (driver.problem) app.say(driver.problem, "error")
    app.requestRender()
  })
  seat.hangUp.addEventListener("abort", () => leaving.now(), { once: true })
  app.start(pane)
  if (seat.said !== undefined) app.say(seat.said)
  if (seat.at) pane.show(seat.at)
  const unsent = new UnsentKeeper({
    now: () => unsentIn(editor),
    keep: (text) => program.keepUnsent(row, text),
    failed: (error) => program.log.error("an unsent prompt could not be stored", { error, session: row.id }),
  })
  editor.onChange = () => unsent.changed()
  if (seat.draft) editor.setDraft(seat.draft)
  else if (takeUnsent(editor, await program.leftUnsent(row))) void unsent.flush()
  attention.look()
  if (seat.hangUp.aborted) leaving.now()
  if (seat.prompt) await prompting.send({ text: seat.prompt, images: [], mode: "prompt" }, "send")
  const early = seat.early?.take()
  for (const { draft, how } of early?.sent ?? []) await prompting.send(draft, how)
  for (const data of early?.held ?? []) surface.type(data)
  const result = await left
  await unsent.flush()
  editor.onChange = undefined
  await app.stop()
  return result
}

function unsentIn({ isEmpty, draft }: PromptEditor): Unsent | undefined {
  const parts = isEmpty ? [] : partsOf(draft)
  return parts.length === 0 ? undefined : { parts, mode: draft.mode }
}

/** What somebody was typing when a process died, or its terminal went, is there again, above what is typed by now. */
function takeUnsent(editor: PromptEditor, found: Unsent | undefined): boolean {
  if (found) editor.giveBack({ ...draftOf(found.parts), mode: found.mode })
  return found !== undefined
}

/** The editor that is typed into already, or one for the session's own folder with what was typed. */
function takeEarly({ prompt }: EarlyPrompt, env: Env, sources: PromptSources): PromptEditor {
  prompt.connect(sources)
  if (prompt.cwd === sources.app.view.session.cwd) return prompt.editor
  const editor = promptEditor(env, sources)
  if (!prompt.editor.isEmpty) editor.setDraft(prompt.editor.draft)
  return editor
}

/** What `look` said last, for some milliseconds. */
function recent<T>(look: () => T, ms: number): () => T {
  let last: { value: T; at: number } | undefined
  return () => {
    const now = performance.now()
    if (!last || now - last.at >= ms) last = { value: look(), at: now }
    return last.value
  }
}
