import { expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import {
  bunFlags,
  defaultVariables,
  interfaceVariables,
  selfCommand,
  setVariables,
  unsetVariables,
} from "../../src/runtime/self.ts"

const root = join(import.meta.dir, "../..")

test("the program starts itself with the launcher's flags and environment", () => {
  const launcher = readFileSync(join(root, "bin/meanwhile"), "utf8")
  const flags = /exec "\$bun" (.*) "\$root\/src\/main\.ts" -- "\$@"/.exec(launcher)?.[1]
  const unset = /^unset ((?:.*\\\n)*.*)$/m.exec(launcher)?.[1]
  const exported = [...launcher.matchAll(/^export (BUN_\w+)=(.*)$/gm)].map(([, name, value]) => [name, value])
  expect(flags?.split(" ")).toEqual([...bunFlags])
  expect(unset?.split(/[\s\\]+/)).toEqual([...unsetVariables])
  expect(exported).toEqual([
    ...Object.entries(setVariables),
    ...Object.entries({ ...defaultVariables, ...interfaceVariables }).map(([name, value]) => [
      name,
      `"\${${name}:-${value}}"`,
    ]),
  ])
})

test("the command is this binary, and its environment is clean", () => {
  const environment = { PATH: "/bin", BUN_OPTIONS: "--preload=x", BUN_BE_BUN: "1", BUN_ENABLE_CRASH_REPORTING: "1" }
  const { command, args, env } = selfCommand(["host", "abc"], environment)
  expect(command).toBe(process.execPath)
  expect(args).toEqual([...bunFlags, join(root, "src/main.ts"), "host", "abc"])
  expect(env).toEqual({ PATH: "/bin", BUN_ENABLE_CRASH_REPORTING: "0", ...defaultVariables })
})

test("a limit of requests that the user set stays", () => {
  expect(selfCommand([], { BUN_CONFIG_MAX_HTTP_REQUESTS: "64" }).env).toMatchObject({
    BUN_CONFIG_MAX_HTTP_REQUESTS: "64",
  })
})
