// The story that processes die in: nested agents, parallel tools, commands in both places, a service, a monitor, a
// command that waits for its place, Ctrl+B on a command and on an agent, a request for permission that is answered, an
// agent and a command paused and resumed, a prompt that steers, a session resumed, an agent spoken to again. Each thing
// that may come at any time is held until its turn, so that the conversation is the same each time, however often a
// process died in between.
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Gate } from "./gate.ts"
import { type CallSpec, reply } from "./model-server/reply.ts"
import type { RecordedRequest } from "./model-server/request.ts"
import { type Script, UnexpectedRequest } from "./model-server/script.ts"

export const FIRST_PROMPT = "Begin the story."
export const SECOND_PROMPT = "Go on with the story."
export const STEERING_PROMPT = "Mind the weather."

/** So that one command of the story waits for its place. */
export const SETTINGS = { maxBackgroundShells: 2 }
/** All that the story does but writing `asked.txt`, which is asked for. */
export const RULES = "Bash Edit Write(new.txt) Glob Agent SendMessage Monitor TaskStop"

/** What the people and the world around the session do, each once. */
export interface World {
  /** Resolves when the task is paused, or goes on; by its description. */
  pause(description: string): Promise<void>
  resume(description: string): Promise<void>
  /** Says yes to the next request for permission. */
  allow(): Promise<void>
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
    // Paused before its first calls, and resumed after them: it has waited at the boundary in between. Or before them,
    // when its process died meanwhile: then it waits there.
    if (hasHappened("child-0") || hasHappened("root-2")) once("resume the child", () => world.resume("child"))
    if (existsSync(join(cwd, "held-started")))
      once("ctrl-b on a command", async () => {
        await world.steer(STEERING_PROMPT)
        await world.background()
      })
  }, 10)

  const hasHappened = (name: string) => existsSync(effects) && readFileSync(effects, "utf8").includes(`${name}\n`)
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
        bash(effect("queued", until("queued-go")), behind),
        bash(effect("service", "while :; do sleep 0.05; done"), { service: true }),
        {
          name: "Monitor",
          input: {
            command: effect("monitor", `${until("line-go")}; ${until("end-go")} >/dev/null`),
            description: "watch",
          },
        },
      ],
      () => [agent("front"), bash(effect("root-2", "exit 3"))],
      () => [agent("later")],
      () => saying("I wait.", () => opens("slow-go")),
      () => saying("The slow one has come.", () => opens("held-go")),
      () => saying("The held one has come.", () => gate("later").open()),
      () =>
        saying("The later one has come.", () =>
          once("pause the heir", async () => {
            await world.pause(HEIR)
            await world.resume(HEIR)
            gate("parent").open()
          }),
        ),
      () => saying("The parent has come.", () => opens("heir-go")),
      () => saying("The heir has come.", () => opens("queued-go")),
      () => saying("The queued one has come.", () => opens("line-go")),
      () => saying("A line has come.", () => opens("end-go")),
      (request) => [{ name: "TaskStop", input: { task_id: taskIn(request, SERVICE) } }],
      () => "All have come.",
      (request) => [
        bash(effect("root-14")),
        { name: "SendMessage", input: { task_id: taskOf(request, "parent"), message: "One more thing." } },
      ],
      () => saying("I told the parent.", () => gate("parent again").open()),
      () => "The end.",
    ],
    parent: [
      () => [agent("child", behind), bash(effect("heir", until("heir-go")), behind), bash(effect("parent-0"))],
      () => {
        gate("heir").open()
        once("pause the child", async () => {
          await world.pause("child")
          gate("child begins").open()
        })
        return saying("My child is at work.", () => gate("child").open())
      },
      () => "The parent's report.",
      () => "The parent's second report.",
    ],
    child: [
      () => [bash(effect("child-0")), { name: "Glob", input: { pattern: "*.none" } }],
      () => "The child's report.",
    ],
    front: [
      () => {
        once("a yes", world.allow)
        return [bash(effect("front-0")), { name: "Write", input: { file_path: "asked.txt", content: "yes\n" } }]
      },
      () => "The front's report.",
    ],
    later: [
      () => {
        once("ctrl-b on an agent", world.background)
        return [bash(effect("later-0"))]
      },
      () => "The later one's report.",
    ],
  }
  const held: Record<string, string> = {
    "root 1": "heir",
    "parent 2": "parent",
    "parent 3": "parent again",
    "child 0": "child begins",
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

const HEIR = "echo heir >>effects"
const SERVICE = "echo service >>effects"

/** The id of a command's task, as the result of its start gave it. */
function taskIn(request: RecordedRequest, description: string): string {
  const blocks = request.messages.flatMap((message) => message.content)
  const call = blocks.find((block) => block.type === "call" && JSON.stringify(block.input).includes(description))
  const result = blocks.find((block) => block.type === "result" && call?.type === "call" && block.callId === call.id)
  const id = result?.type === "result" ? /as task ([a-z0-9]+)/.exec(result.text)?.[1] : undefined
  if (!id) throw new UnexpectedRequest(`${description} was not started`)
  return id
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
