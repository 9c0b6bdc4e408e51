// Starting the program must be safe anywhere: a stranger's folder, a hostile environment, an odd path. These tests start
// the real launcher, from the sources and with the executable, and look at what ran.
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { spawn } from "node:child_process"
import { once } from "node:events"
import {
  chmodSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { build } from "../scripts/build.ts"
import { commandNames } from "../src/cli/command.ts"

const repository = join(import.meta.dir, "..")
const versionLine = `meanwhile ${JSON.parse(readFileSync(join(repository, "package.json"), "utf8")).version}\n`

let work: string
/** A place that has the launcher and the executable, and no sources. */
let installed: string

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), "meanwhile-launcher-"))
  installed = join(work, "installed")
  mkdirSync(join(installed, "bin"), { recursive: true })
  cpSync(join(repository, "bin/meanwhile"), join(installed, "bin/meanwhile"))
  await build(join(installed, "dist/meanwhile"))
}, 60_000)

afterAll(() => rmSync(work, { recursive: true, force: true }))

interface Outcome {
  code: number | null
  out: string
  err: string
}

async function start(
  command: string,
  args: string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<Outcome> {
  const env = { PATH: process.env.PATH!, HOME: work, MEANWHILE_HOME: join(work, "home"), ...options.env }
  const child = spawn(command, args, { cwd: options.cwd ?? work, env, stdio: ["ignore", "pipe", "pipe"] })
  const outcome = { out: "", err: "" }
  child.stdout.on("data", (chunk) => (outcome.out += chunk))
  child.stderr.on("data", (chunk) => (outcome.err += chunk))
  const [code] = await once(child, "close")
  return { code, ...outcome }
}

/** A clone: this repository's launcher and sources, and a link to its packages, under another path. */
function clone(name: string): string {
  const root = join(work, name)
  mkdirSync(root, { recursive: true })
  for (const part of ["bin", "src", "package.json"])
    cpSync(join(repository, part), join(root, part), { recursive: true })
  symlinkSync(join(repository, "node_modules"), join(root, "node_modules"))
  return root
}

/** A folder in which everything that Bun might look at appends its name to the file `marks`. */
function hostileFolder(): { folder: string; marks: () => string } {
  const folder = mkdtempSync(join(work, "hostile-"))
  const marks = join(folder, "marks")
  const evil = (name: string) =>
    `require("node:fs").appendFileSync(${JSON.stringify(marks)}, ${JSON.stringify(`${name}\n`)})`
  const write = (path: string, content: string) => {
    mkdirSync(join(folder, path, ".."), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
  write("evil.ts", `${evil("evil.ts")}\nexport default {}`)
  write("bunfig.toml", 'preload = ["./evil.ts"]\n[run]\nbun = true\n[test]\npreload = ["./evil.ts"]\n')
  for (const name of [".env", ".env.local", ".env.development", ".env.production"])
    write(
      name,
      "ANTHROPIC_BASE_URL=http://evil.invalid\nMEANWHILE_HOME=/nonexistent\nMEANWHILE_MODEL=evil/evil\nBUN_OPTIONS=--preload=./evil.ts\n",
    )
  const paths = { "*": ["./evil.ts"], "./cli/*": ["./evil.ts"], "./base/*": ["./evil.ts"], zod: ["./evil.ts"] }
  write(
    "tsconfig.json",
    JSON.stringify({ compilerOptions: { baseUrl: ".", paths, jsx: "react", jsxImportSource: "./evil" } }),
  )
  write("jsconfig.json", JSON.stringify({ compilerOptions: { baseUrl: ".", paths } }))
  const redirects = { "./src/main.ts": "./evil.ts", zod: "./evil.ts" }
  write(
    "package.json",
    JSON.stringify({ name: "meanwhile", main: "evil.ts", imports: { "#*": "./evil.ts" }, browser: redirects }),
  )
  for (const name of ["zod", "yaml", "bun", "@vscode/ripgrep", "@ai-sdk/anthropic"]) {
    write(`node_modules/${name}/package.json`, JSON.stringify({ name, main: "index.js" }))
    write(`node_modules/${name}/index.js`, evil(name))
  }
  for (const name of ["bun", "node", "readlink", "sh"]) {
    write(`node_modules/.bin/${name}`, `#!/bin/sh\necho .bin/${name} >>'${marks}'\n`)
    chmodSync(join(folder, `node_modules/.bin/${name}`), 0o755)
  }
  write("src/main.ts", evil("src/main.ts"))
  return { folder, marks: () => (existsSync(marks) ? readFileSync(marks, "utf8") : "") }
}

const launchers: [name: string, path: () => string][] = [
  ["from the sources", () => join(repository, "bin/meanwhile")],
  ["with the executable", () => join(installed, "bin/meanwhile")],
]

describe.each(launchers)("%s", (_name, launcher) => {
  test("nothing that lies in the current folder runs or has an effect", async () => {
    const { folder, marks } = hostileFolder()
    expect(await start(launcher(), ["--version"], { cwd: folder })).toEqual({ code: 0, out: versionLine, err: "" })
    const doctor = await start(launcher(), ["doctor"], { cwd: folder })
    expect(doctor.err).toBe("")
    expect(doctor.out).toContain("scout")
    expect(doctor.out).not.toContain("evil")
    expect(marks()).toBe("")
  })

  test("nothing that Bun reads from the environment runs or has an effect", async () => {
    const { folder, marks } = hostileFolder()
    const env = {
      BUN_OPTIONS: "--preload=./evil.ts",
      BUN_BE_BUN: "1",
      BUN_INSPECT_PRELOAD: join(folder, "evil.ts"),
      BUN_INSPECT: "ws://127.0.0.1:1/",
      BUN_CONFIG_VERBOSE_FETCH: "curl",
      BUN_RUNTIME_TRANSPILER_CACHE_PATH: folder,
      NODE_OPTIONS: "--require ./evil.ts",
      NODE_PATH: join(folder, "node_modules"),
      NODE_CHANNEL_FD: "0",
      ENV: join(folder, "evil.ts"),
    }
    expect(await start(launcher(), ["--version"], { cwd: folder, env })).toEqual({ code: 0, out: versionLine, err: "" })
    expect((await start(launcher(), ["--help"], { cwd: folder, env })).out).toStartWith("Meanwhile is")
    expect((await start(launcher(), ["doctor"], { cwd: folder, env })).code).toBe(0)
    expect(marks()).toBe("")
  })

  test("arguments arrive as they are, also those that Bun would understand", async () => {
    const { code, err } = await start(launcher(), ["--preload=./evil.ts"])
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining("There is no option --preload") })
  })

  test("it starts through symbolic links, relative and absolute, one after the other", async () => {
    const links = mkdtempSync(join(work, "links-"))
    symlinkSync(launcher(), join(links, "absolute"))
    symlinkSync("absolute", join(links, "relative"))
    mkdirSync(join(links, "deep"))
    symlinkSync("../relative", join(links, "deep/mw"))
    expect((await start(join(links, "deep/mw"), ["--version"])).out).toBe(versionLine)
    expect((await start("./deep/mw", ["--version"], { cwd: links })).out).toBe(versionLine)
    const env = { PATH: `${join(links, "deep")}:${process.env.PATH}` }
    expect((await start("/bin/sh", ["-c", "mw --version"], { env })).out).toBe(versionLine)
  })

  test("it starts through a link to its folder", async () => {
    const links = mkdtempSync(join(work, "links-"))
    symlinkSync(join(launcher(), ".."), join(links, "tools"))
    expect((await start(join(links, "tools/meanwhile"), ["--version"])).out).toBe(versionLine)
  })
})

const oddNames = [
  "with space",
  `quotes'"\``,
  "new\nline",
  "ends with newline\n",
  "-dash",
  "$HOME*[x]",
  "per%20cent#hash",
  "ünï",
]

test.each(oddNames)("it starts from the sources in a folder called %j", async (name) => {
  const root = clone(name)
  expect(await start(join(root, "bin/meanwhile"), ["--version"])).toEqual({ code: 0, out: versionLine, err: "" })
  expect((await start("bin/meanwhile", ["--version"], { cwd: root })).out).toBe(versionLine)
  symlinkSync(join(root, "bin/meanwhile"), join(root, "link\n"))
  expect((await start(join(root, "link\n"), ["--help"])).out).toStartWith("Meanwhile is")
})

test.each([...oddNames, "what?", "back\\slash"])(
  "it starts with the executable in a folder called %j",
  async (name) => {
    const root = join(work, "executables", name)
    cpSync(join(installed, "bin"), join(root, "bin"), { recursive: true })
    mkdirSync(join(root, "dist"))
    linkSync(join(installed, "dist/meanwhile"), join(root, "dist/meanwhile"))
    expect(await start(join(root, "bin/meanwhile"), ["--version"])).toEqual({ code: 0, out: versionLine, err: "" })
  },
)

test.each(["what?", "back\\slash"])(
  "sources in a folder called %j, which Bun cannot run, are refused with a reason",
  async (name) => {
    const { code, err } = await start(join(clone(name), "bin/meanwhile"), ["--version"])
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining("move ") })
  },
)

test("CDPATH does not lead to somebody else's sources", async () => {
  const { folder, marks } = hostileFolder()
  mkdirSync(join(folder, "bin"))
  const env = { CDPATH: folder }
  expect((await start("bin/meanwhile", ["--version"], { cwd: clone("cdpath"), env })).out).toBe(versionLine)
  expect(marks()).toBe("")
})

test("without node_modules it says what to run", async () => {
  const root = clone("without packages")
  rmSync(join(root, "node_modules"))
  const { code, out, err } = await start(join(root, "bin/meanwhile"), ["--version"])
  expect({ code, out }).toEqual({ code: 1, out: "" })
  expect(err).toContain("npm ci")
  expect(err).toContain(root)
})

test("packages that were installed without their install scripts are enough", async () => {
  const root = clone("no-scripts")
  rmSync(join(root, "node_modules"))
  const bin = join(root, "node_modules/@oven/bun-linux-x64/bin")
  mkdirSync(bin, { recursive: true })
  symlinkSync(join(repository, "node_modules/bun/bin/bun.exe"), join(bin, "bun"))
  const placeholder = join(root, "node_modules/bun/bin/bun.exe")
  mkdirSync(join(placeholder, ".."), { recursive: true })
  writeFileSync(placeholder, "#!/bin/sh\necho placeholder\n", { mode: 0o755 })
  expect((await start(join(root, "bin/meanwhile"), ["--version"])).out).toBe(versionLine)
})

test("with neither sources nor executable it says so", async () => {
  const root = join(work, "nothing")
  cpSync(join(repository, "bin"), join(root, "bin"), { recursive: true })
  const { code, err } = await start(join(root, "bin/meanwhile"), ["--version"])
  expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining("neither src/main.ts nor dist/meanwhile") })
})

describe("at a terminal", () => {
  /** A clone in which the program says who it is. */
  function echoing(name: string): string {
    const root = clone(name)
    const said = "{ args: process.argv.slice(2), isChild: process.env.MEANWHILE_LAUNCHER === String(process.ppid) }"
    writeFileSync(join(root, "src/main.ts"), `console.log(JSON.stringify(${said}))\nprocess.exit(3)\nexport {}\n`)
    return root
  }

  async function atTerminal(command: string[], cwd = work): Promise<{ code: number; said: unknown }> {
    let out = ""
    const env = { PATH: process.env.PATH!, HOME: work, MEANWHILE_HOME: join(work, "home"), TERM: "xterm" }
    const ended = Promise.withResolvers<void>()
    const child = Bun.spawn(command, {
      cwd,
      env,
      terminal: {
        cols: 500,
        rows: 30,
        data: (_, bytes) => {
          out += bytes
        },
        exit: () => ended.resolve(),
      },
    })
    const code = await child.exited
    await ended.promise
    child.terminal?.close()
    return { code, said: JSON.parse(out) }
  }

  const interfaces = [[], ["-c"], ["fix it"], ["--", "-p"], ["--model", "scout", "tasks"], ["- one\n- two", "$(x) `y`"]]
  test.each(interfaces.map((args) => [args]))(
    "%j is the interface: the launcher stays, and its exit code is the program's",
    async (args) => {
      const { folder } = hostileFolder()
      const launcher = join(echoing(`parent ${interfaces.indexOf(args)}`), "bin/meanwhile")
      for (const command of [[launcher], ["bash", "--posix", launcher]])
        expect(await atTerminal([...command, ...args], folder)).toEqual({ code: 3, said: { args, isChild: true } })
    },
  )

  const others = [
    ["-p", "fix it"],
    ["fix it", "--print"],
    ["--version"],
    ["--help"],
    ...commandNames.map((name) => [name]),
  ]
  test("everything else becomes the program", async () => {
    const launcher = join(echoing("no parent"), "bin/meanwhile")
    for (const args of others)
      expect(await atTerminal([launcher, ...args])).toEqual({ code: 3, said: { args, isChild: false } })
  })

  test.each(oddNames)("it is the parent also in a folder called %j", async (name) => {
    const launcher = join(echoing(join("parents", name)), "bin/meanwhile")
    expect(await atTerminal([launcher])).toEqual({ code: 3, said: { args: [], isChild: true } })
  })
})

test("without a terminal on both sides nothing stays behind", async () => {
  const root = clone("piped")
  const said = "process.env.MEANWHILE_LAUNCHER ?? 'none'"
  writeFileSync(join(root, "src/main.ts"), `console.log(${said})\nexport {}\n`)
  expect((await start(join(root, "bin/meanwhile"), [])).out).toBe("none\n")
})
