// The completion scripts in the shells that they are for. zsh and fish are skipped, loudly, where they are not installed
// (.ci/run installs them).
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { systemClock } from "../../src/base/clock.ts"
import { commandNames } from "../../src/cli/command.ts"
import { grammar } from "../../src/cli/completion/grammar.ts"
import {
  actionsOf,
  commandActions,
  commandOptions,
  isLater,
  type OptionSpec,
  sessionOptions,
} from "../../src/cli/options.ts"
import { openStore } from "../../src/store/open.ts"
import { type Workbench, workbench } from "../../testing/headless.ts"
import { seed, seedSession, seedTask } from "../../testing/seed.ts"
import { inTerminal } from "./terminal.ts"

const BIN = resolve(import.meta.dir, "../../bin")
const zsh = Bun.which("zsh")
const fish = Bun.which("fish")
for (const [name, path] of [
  ["zsh", zsh],
  ["fish", fish],
])
  if (!path)
    console.warn(`SKIPPED: ${name} is not installed, so its completions are not tested. apt-get install ${name}`)

let bench: Workbench

/** A task that runs and one that has ended; sessions whose names are easy, hard and impossible to type. */
beforeAll(async () => {
  bench = workbench()
  mkdirSync(join(bench.cwd, ".meanwhile/agents"), { recursive: true })
  writeFileSync(
    join(bench.cwd, ".meanwhile/agents/review.md"),
    "---\nname: team:review\ndescription: Reviews changes\n---\nReview.\n",
  )
  const store = await openStore({ folder: bench.home, clock: systemClock })
  await store.write((tx) => {
    const names = {
      "11111111-a": "tidy",
      "22222222-b": "fix login: now",
      "33333333-c": "it's $HOME",
      "44444444-d": "bad\x1bname",
      "55555555-e": null,
      "66666666-f": "tidy",
    }
    for (const [id, name] of Object.entries(names)) {
      seedSession(tx, { id, name, project: `/work/${id}` })
      seed(tx, "message", {
        id: `m-${id}`,
        session_id: id,
        seq: 1,
        role: "user",
        origin: "human",
        content: '[{"type":"text","text":"Why?"}]',
      })
    }
    seedTask(tx, { id: "aabbcc", root: "11111111-a", task: { description: "npm test", created_at: 2 } })
    seedTask(tx, {
      id: "ddeeff",
      root: "11111111-a",
      task: { description: "look: there", created_at: 1 },
      run: { state: "completed" },
    })
  })
  store.close()
})
afterAll(() => bench[Symbol.asyncDispose]())

function environment(): Record<string, string> {
  return { PATH: `${BIN}:${process.env["PATH"]}`, HOME: bench.cwd, MEANWHILE_HOME: bench.home, LANG: "C.UTF-8" }
}

async function output(argv: string[]): Promise<string> {
  const child = Bun.spawn(argv, { cwd: bench.cwd, env: environment(), stdin: "ignore", stdout: "pipe", stderr: "pipe" })
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  expect(err).toBe("")
  return out
}

describe("the grammar", () => {
  const all = grammar()

  test("has every command, action and option that works, and nothing that does not", () => {
    expect(all.commands.map(({ name }) => name)).toEqual(
      commandNames.filter((name) => name !== "host" && !isLater(name)),
    )
    expect(all.options.map(({ name }) => name)).toEqual(
      Object.entries<OptionSpec>(sessionOptions)
        .filter(([, { hidden }]) => !hidden)
        .map(([name]) => `--${name}`)
        .filter((name) => !isLater(name)),
    )
    for (const { name, actions } of all.commands) {
      const known: readonly string[] = name in commandActions ? actionsOf(name as keyof typeof commandActions) : []
      expect(actions.map((action) => action.name)).toEqual(known.filter((action) => !isLater(`${name} ${action}`)))
    }
  })

  test("each option of an action exists, each value that is a choice is taken by the parser, each has a description", () => {
    for (const [command, actions] of Object.entries(commandActions))
      for (const { options } of Object.values(actions))
        for (const option of options)
          expect(commandOptions[command as keyof typeof commandOptions]).toHaveProperty(option)
    const named = [
      ...all.options,
      ...all.commands,
      ...all.commands.flatMap(({ options, actions }) => [
        ...options,
        ...actions,
        ...actions.flatMap((action) => action.options),
      ]),
    ]
    for (const { name, does } of named) expect({ name, does }).toEqual({ name, does: expect.stringMatching(/\w/) })
  })
})

describe("completion --list", () => {
  test("gives a word, a tab and what it is, the live ones first, each once", async () => {
    expect(await output([`${BIN}/meanwhile`, "completion", "--list", "tasks"])).toBe(
      "aabbcc\trunning npm test\nddeeff\tcompleted look: there\n",
    )
    expect(await output([`${BIN}/meanwhile`, "completion", "--list", "running"])).toBe("aabbcc\trunning npm test\n")
    const sessions = (await output([`${BIN}/meanwhile`, "completion", "--list", "sessions"])).trimEnd().split("\n")
    expect(sessions.map((line) => line.split("\t")[0]!).sort()).toEqual(
      ["44444444", "55555555", "66666666", "fix login: now", "it's $HOME", "tidy"].sort(),
    )
    expect((await output([`${BIN}/meanwhile`, "completion", "--list", "agents"])).split("\n")).toContain(
      "team:review\tReviews changes",
    )
    expect(await output([`${BIN}/meanwhile`, "completion", "--list", "models"])).toMatch(
      /^haiku\tanthropic\/.*^scout\t/ms,
    )
  })

  test("without a database there is nothing, and none is made", async () => {
    const home = join(bench.cwd, "elsewhere")
    const { exit, stdout, stderr } = await bench.run(["completion", "--list", "tasks"], {
      env: { MEANWHILE_HOME: home },
    })
    expect({ exit, stdout, stderr }).toEqual({ exit: 0, stdout: "", stderr: "" })
    expect(existsSync(home)).toBeFalse()
  })

  test("is nothing for people: the help does not show it, and a shell must be named", async () => {
    expect((await bench.run(["completion", "--help"])).stdout).not.toContain("--list")
    expect(await bench.run(["completion"])).toMatchObject({
      exit: 2,
      stderr: "meanwhile: meanwhile completion needs your shell: bash, zsh, fish\n",
    })
    expect((await bench.run(["completion", "fsih"])).stderr).toContain("Did you mean fish?")
  })
})

/** What can stand at the end of a line. Sessions and agents show how each shell writes what it must not misread. */
const cases: readonly [line: string, offered: string[]][] = [
  ["meanwhile ta", ["tasks"]],
  ["meanwhile s", ["sessions", "stats"]],
  ["meanwhile tasks s", ["show", "stop"]],
  ["meanwhile tasks stop ", ["aabbcc"]],
  ["meanwhile tasks show ", ["aabbcc", "ddeeff"]],
  ["meanwhile tasks show d", ["ddeeff"]],
  ["meanwhile tasks wait aabbcc ", ["aabbcc"]],
  ["meanwhile tasks --f", ["--follow"]],
  ["meanwhile tasks output --f", ["--follow"]],
  ["meanwhile sessions rm --y", ["--yes"]],
  ["meanwhile stats --range ", ["30d", "7d", "all"]],
  ["meanwhile --permission-mode a", ["acceptEdits"]],
  ["meanwhile --permission", ["--permission-mode"]],
  ["meanwhile -p x --output-format s", ["stream-json"]],
  ["meanwhile --model sc", ["scout"]],
  ["meanwhile agents show pl", ["plan"]],
  ["meanwhile --agent pl", ["plan"]],
  ["meanwhile -r ti", ["tidy"]],
  ["meanwhile completion f", ["fish"]],
  ["mw doct", ["doctor"]],
]

describe("bash", () => {
  /** As readline does it: words are split at its word breaks, what is typed stays as it is typed. */
  const harness = `
eval "$(meanwhile completion bash)"
COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
while IFS= read -r COMP_LINE; do
  COMP_POINT=\${#COMP_LINE}
  mapfile -t COMP_WORDS < <(grep -oE "\\"[^\\"]*\\"?|(\\\\\\\\.|[^ :=\\"])+|[:=]" <<<"$COMP_LINE")
  [[ $COMP_LINE == *" " ]] && COMP_WORDS+=("")
  COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
  _meanwhile
  printf '%s\\n' "\${COMPREPLY[@]}"
  echo "=="
done`

  async function complete(...lines: string[]): Promise<string[][]> {
    const given = lines.map((line) => `${line}\n`).join("")
    const child = Bun.spawn(["bash", "--norc", "-c", harness], {
      cwd: bench.cwd,
      env: environment(),
      stdin: new Blob([given]),
      stdout: "pipe",
      stderr: "pipe",
    })
    const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
    expect(err).toBe("")
    return out
      .split("==\n")
      .slice(0, -1)
      .map((part) => part.split("\n").filter(Boolean).sort())
  }

  test("offers what can stand there", async () => {
    expect(await complete(...cases.map(([line]) => line))).toEqual(cases.map(([, offered]) => offered))
  }, 20_000)

  test("writes names so that it reads them again, and goes on behind = and :", async () => {
    const found = await complete(
      "meanwhile sessions export fi",
      'meanwhile sessions export "fi',
      "meanwhile sessions export it",
      "meanwhile --range=7 --model=sc",
      "meanwhile stats --range=3",
      "meanwhile agents show team:",
      "meanwhile agents show team:rev",
      "meanwhile --agent team:rev",
    )
    expect(found).toEqual([
      ["fix\\ login:\\ now"],
      ["fix login: now"],
      ["it\\'s\\ \\$HOME"],
      ["scout"],
      ["30d"],
      ["review"],
      ["review"],
      ["review"],
    ])
  })

  test("offers nothing where only the person knows, and files where files belong", async () => {
    writeFileSync(join(bench.cwd, "one file.md"), "")
    const found = await complete(
      "meanwhile -p ",
      "meanwhile --name ",
      "meanwhile fix t",
      "meanwhile doctor t",
      "meanwhile agents validate one",
    )
    expect(found).toEqual([[], [], [], [], ["one file.md"]])
  })

  test("works in a real one, at the press of Tab", async () => {
    await using terminal = inTerminal(["bash", "--norc", "-i"], {
      env: { ...environment(), PS1: "ready> " },
      cwd: bench.cwd,
    })
    await terminal.shows("ready> ")
    terminal.type('eval "$(meanwhile completion bash)"; echo lo""aded\r')
    await terminal.shows("loaded")
    terminal.type("meanwhile sess\t")
    await terminal.shows("sessions ")
    terminal.type("rename fi\t")
    await terminal.shows("fix\\ login:\\ now ")
    terminal.type("\x15meanwhile stats --range=3\t")
    await terminal.shows("--range=30d ")
    terminal.type("\x15meanwhile tasks show a\t")
    await terminal.shows("aabbcc ")
    terminal.type("\x15exit\r")
    await terminal.exited
  }, 20_000)
})

describe.skipIf(!zsh)("zsh", () => {
  const setup = `PROMPT='ready> '; zstyle ':completion:*' verbose yes; zstyle ':completion:*' list-colors; LISTMAX=1000; setopt no_beep no_auto_menu list_ambiguous; unsetopt zle_bracketed_paste; autoload -Uz compinit && compinit -D -u; source <(meanwhile completion zsh); echo lo""aded\r`

  async function ready() {
    const terminal = inTerminal([zsh!, "-f", "-i"], {
      env: { ...environment(), TERM: "dumb", ZDOTDIR: bench.cwd, PS1: "ready> " },
      cwd: bench.cwd,
      columns: 200,
    })
    await terminal.shows("ready> ")
    terminal.type(setup)
    await terminal.shows(/loaded[\s\S]*ready> /)
    return terminal
  }

  test("completes what can only be one thing", async () => {
    await using terminal = await ready()
    for (const [line, [offered, ...more]] of cases) {
      if (more.length > 0 || line.endsWith(" ")) continue
      const typed = line.split(" ").at(-1)!
      terminal.type(`${line}\t`)
      await terminal.shows(line)
      if (offered!.length > typed.length) await terminal.shows(offered!.slice(typed.length))
      terminal.type("\x15")
    }
  }, 60_000)

  test("lists what can be several things, with what they are", async () => {
    await using terminal = await ready()
    terminal.type("meanwhile tasks s\t\t")
    await terminal.shows(/show +-- one task[\s\S]*stop +-- end tasks/)
    terminal.type("\x15meanwhile tasks show \t\t")
    await terminal.shows(/aabbcc +-- running npm test[\s\S]*ddeeff +-- completed look: there/)
    terminal.type("\x15meanwhile stats --range=\t\t")
    await terminal.shows(/30d[\s\S]*7d[\s\S]*all|7d[\s\S]*30d[\s\S]*all/)
  }, 30_000)

  test("writes names so that it reads them again", async () => {
    await using terminal = await ready()
    terminal.type("meanwhile sessions export fi\t")
    await terminal.shows("fix\\ login:\\ now")
    terminal.type("\x15meanwhile sessions export it\t")
    await terminal.shows("it\\'s\\ \\$HOME")
    terminal.type("\x15meanwhile agents show te\t")
    await terminal.shows("team:review")
  }, 30_000)
})

describe.skipIf(!fish)("fish", () => {
  async function complete(...lines: string[]): Promise<string[][]> {
    const asked = lines.map((line) => `complete -C ${JSON.stringify(line)}; echo ==`).join("\n")
    const out = await output([fish!, "--no-config", "-c", `meanwhile completion fish | source\n${asked}`])
    return out
      .split("==\n")
      .slice(0, -1)
      .map((part) => part.split("\n").filter(Boolean))
  }
  const words = (found: string[][]) => found.map((lines) => lines.map((line) => line.split("\t")[0]!).sort())

  test("offers what can stand there", async () => {
    expect(words(await complete(...cases.map(([line]) => line)))).toEqual(cases.map(([, offered]) => offered))
  }, 30_000)

  test("says what they are, and offers files only where files belong", async () => {
    writeFileSync(join(bench.cwd, "afile.md"), "")
    const found = await complete(
      "meanwhile tasks show d",
      "meanwhile agents show team",
      "meanwhile tasks show afi",
      "meanwhile agents validate afi",
      "meanwhile -p x --name afi",
    )
    expect(found.slice(0, 2)).toEqual([["ddeeff\tcompleted look: there"], ["team:review\tReviews changes"]])
    expect(words(found).slice(2)).toEqual([[], ["afile.md"], []])
  })

  test("goes on behind =", async () => {
    expect(words(await complete("meanwhile stats --range=3", "meanwhile --permission-mode=p"))).toEqual([
      ["--range=30d"],
      ["--permission-mode=plan"],
    ])
  })
})

test("making a script opens no database", async () => {
  const home = join(bench.cwd, "nowhere")
  for (const shell of ["bash", "zsh", "fish"])
    expect((await bench.run(["completion", shell], { env: { MEANWHILE_HOME: home } })).exit).toBe(0)
  expect(existsSync(home)).toBeFalse()
  expect(readdirSync(bench.home)).toContain("meanwhile.db")
})
