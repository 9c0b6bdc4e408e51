// Rounds of SIGKILL at random moments: eight agents and four commands at work, a process that dies, another that goes
// on, dies perhaps as well, and one that finishes. Nothing may be lost, doubled or left.
import { join } from "node:path"
import { crashHome, isAccepted, left, linesOf, rootsIn } from "./crash-home.ts"
import { endState } from "./crash-state.ts"
import { reply, type Script, startModelServer } from "./model-server.ts"

const AGENTS = Array.from({ length: 8 }, (_, n) => `agent-${n}`)
const SHELLS = Array.from({ length: 4 }, (_, n) => `shell-${n}`)
const EFFECTS = [...AGENTS.flatMap((name) => [`${name}-a`, `${name}-b`]), ...SHELLS].sort()
const PROMPT = "Begin the round."
/** A round that nobody disturbs takes about as long. */
const ROUND_MS = 1500

const bash = (name: string, more: object = {}) => ({
  name: "Bash",
  input: {
    command: `echo ${name} >>effects; sleep 0.0$((RANDOM % 10)); echo ${name} is done`,
    description: name,
    ...more,
  },
})

/** Who asks is told by the prompt, and how far it is by how often it was answered: so it may ask again. */
const round: Script = (request) => {
  const step = request.messages.filter((message) => message.role === "assistant").length
  const name = /Be (agent-\d)\./.exec(request.prompt)?.[1]
  const named = (calls: { name: string; input: object }[]) =>
    reply.calls(calls.map((call, i) => ({ ...call, id: `call_${name ?? "root"}_${step}_${i}` })))
  if (name)
    return step === 0
      ? named([bash(`${name}-a`)])
      : step === 1
        ? named([bash(`${name}-b`)])
        : reply.text(`${name} reports.`)
  if (step > 0) return reply.text("Noted.")
  const agents = AGENTS.map((agent) => ({
    name: "Agent",
    input: { subagent_type: "general-purpose", description: agent, prompt: `Be ${agent}.`, run_in_background: true },
  }))
  return named([...agents, ...SHELLS.map((shell) => bash(shell, { run_in_background: true }))])
}

/** One round; returns what is wrong after it. `random`: from 0 to 1. */
export async function killRound(random: () => number): Promise<string[]> {
  await using server = await startModelServer({ script: round })
  using it = crashHome(server)
  const { home, problems, run } = it
  const deaths = [random() * ROUND_MS, ...(random() < 0.5 ? [random() * ROUND_MS] : [])].map(Math.round)
  await run(["-p", PROMPT, "--permission-mode", "bypassPermissions"], { afterMs: deaths[0]! })
  const accepted = isAccepted(home, PROMPT)
  const [sessionId] = rootsIn(home)
  if (sessionId) {
    if (deaths[1] !== undefined) await run(["host", sessionId], { afterMs: deaths[1] })
    const { exit, said } = await run(["host", sessionId])
    if (exit !== 0) problems.push(`the host ended with ${exit}: ${said}`)
  }
  const effects = linesOf(join(it.cwd, "effects")).sort()
  const wanted = accepted ? EFFECTS : []
  if (effects.join() !== wanted.join()) problems.push(`effects: ${effects.join()} instead of ${wanted.join()}`)
  if (accepted) problems.push(...wrongIn(home))
  problems.push(...server.problems.map(({ request, code, message }) => `request ${request}: ${code}: ${message}`))
  problems.push(...(await left(it.folder)))
  return problems.map((problem) => `(killed after ${deaths.join(" and ")} ms) ${problem}`)
}

function wrongIn(home: string): string[] {
  const { problems = [], runs, sessions } = endState(home)
  const told = (sessions.root ?? []).join("\n")
  const notices = [...AGENTS, ...SHELLS].filter(
    (name) => told.split(`description=\\"${name}\\"`).length !== 2 || !told.includes(`${name} `),
  )
  const unfinished = runs.filter((run) => !run.includes('"state":"completed"'))
  return [
    ...problems,
    ...notices.map((name) => `the notice of ${name} was not told exactly once`),
    ...unfinished.map((run) => `did not complete: ${run}`),
  ]
}

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
