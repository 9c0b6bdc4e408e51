// The story that processes die in: nested agents, parallel tools, commands in both places, Ctrl+B on a command and on an
// agent, a prompt that steers, a session resumed, an agent spoken to again. Each thing that may come at any time is held
// until its turn, so that the conversation is the same each time, however often a process died in between.
import { existsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Gate } from "./gate.ts"
import { type CallSpec, reply } from "./model-server/reply.ts"
import type { RecordedRequest } from "./model-server/request.ts"
import { type Script, UnexpectedRequest } from "./model-server/script.ts"

export const FIRST_PROMPT = "Begin the story."
export const SECOND_PROMPT = "Go on with the story."
export const STEERING_PROMPT = "Mind the weather."

/** What the people and the world around the session do, each once. */
export interface World {
  /** Ctrl+B. */
  background(): Promise<void>
  /** A prompt from another window. */
  steer(text: string): Promise<void>
}

export interface Story extends Disposable {
  readonly script: Script
  /** The outside file: one line for each effect that must not happen twice. */
  readonly effects: string
}

export function storyIn(cwd: string, world: World): Story {
  const effects = join(cwd, "effects")
  const gates = new Map<string, Gate>()
  const gate = (name: string): Gate => {
    const known = gates.get(name) ?? new Gate()
    gates.set(name, known)
    return known
  }
  const done = new Set<string>()
  const once = (name: string, act: () => void | Promise<void>) => {
    if (done.has(name)) return
    done.add(name)
    void act()
  }
  const watching = setInterval(() => {
    if (existsSync(join(cwd, "held-started")))
      once("ctrl-b on a command", async () => {
        await world.steer(STEERING_PROMPT)
        await world.background()
      })
  }, 10)

  const effect = (name: string, then = "true") => `echo ${name} >>effects; ${then}`
  const until = (file: string) => `until [ -e ${file} ]; do sleep 0.02; done; echo ${file} came`
  const bash = (command: string, more: object = {}) => ({
    name: "Bash",
    input: { command, description: command.split(";")[0]!, ...more },
  })
  const agent = (description: string, more: object = {}) => ({
    name: "Agent",
    input: { subagent_type: "general-purpose", description, prompt: `Be the ${description}.`, ...more },
  })
  const behind = { run_in_background: true }
  const saying = (text: string, act: () => void) => {
    act()
    return text
  }
  const opens = (file: string) => writeFileSync(join(cwd, file), "")

  const steps: Record<string, ((request: RecordedRequest) => CallSpec[] | string)[]> = {
    root: [
      () => [
        bash(effect("root-0")),
        { name: "Write", input: { file_path: "new.txt", content: "a\n" } },
        { name: "Glob", input: { pattern: "*.md" } },
        agent("parent", behind),
        bash(effect("slow", until("slow-go")), behind),
      ],
      () => [
        { name: "Edit", input: { file_path: "new.txt", old_string: "a", new_string: "aa" } },
        bash(effect("held", `touch held-started; ${until("held-go")}`)),
      ],
      () => [agent("front"), bash(effect("root-2", "exit 3"))],
      () => [agent("later")],
      () => saying("I wait.", () => opens("slow-go")),
      () => saying("The slow one has come.", () => opens("held-go")),
      () => saying("The held one has come.", () => gate("later").open()),
      () => saying("The later one has come.", () => gate("parent").open()),
      () => saying("The parent has come.", () => opens("heir-go")),
      () => "All have come.",
      (request) => [
        bash(effect("root-10")),
        { name: "SendMessage", input: { task_id: taskOf(request, "parent"), message: "One more thing." } },
      ],
      () => saying("I told the parent.", () => gate("parent again").open()),
      () => "The end.",
    ],
    parent: [
      () => [agent("child", behind), bash(effect("heir", until("heir-go")), behind), bash(effect("parent-0"))],
      () => saying("My child is at work.", () => gate("child").open()),
      () => "The parent's report.",
      () => "The parent's second report.",
    ],
    child: [
      () => [bash(effect("child-0")), { name: "Glob", input: { pattern: "*.none" } }],
      () => "The child's report.",
    ],
    front: [() => [bash(effect("front-0"))], () => "The front's report."],
    later: [
      () => {
        once("ctrl-b on an agent", world.background)
        return [bash(effect("later-0"))]
      },
      () => "The later one's report.",
    ],
  }
  const held: Record<string, string> = {
    "parent 2": "parent",
    "parent 3": "parent again",
    "child 1": "child",
    "later 1": "later",
  }

  return {
    effects,
    script: (request) => {
      const name = /Be the (\w+)\./.exec(request.prompt)?.[1] ?? "root"
      const step = request.messages.filter((message) => message.role === "assistant").length
      const said = steps[name]?.[step]?.(request)
      if (said === undefined) throw new UnexpectedRequest(`${name} has no step ${step}`)
      const ids = (calls: CallSpec[]) => calls.map((call, i) => ({ ...call, id: `call_${name}_${step}_${i}` }))
      const answer = typeof said === "string" ? reply.text(said) : reply.calls(ids(said))
      const until = held[`${name} ${step}`]
      return until ? answer.gate(gate(until)) : answer
    },
    [Symbol.dispose]: () => clearInterval(watching),
  }
}

/** The id of an agent's task, as its notice gave it. */
function taskOf(request: RecordedRequest, description: string): string {
  const texts = request.messages.flatMap((message) =>
    message.content.flatMap((block) => (block.type === "text" ? [block.text] : [])),
  )
  const notice = new RegExp(`<task-notification task="([a-z0-9]+)" kind="agent"[^>]* description="${description}"`)
  const id = texts.flatMap((text) => notice.exec(text)?.[1] ?? [])[0]
  if (!id) throw new UnexpectedRequest(`there was no notice of the ${description}`)
  return id
}
