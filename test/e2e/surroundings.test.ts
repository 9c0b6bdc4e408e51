// What a session knows of its place when it begins, and pages of the web, through the real program.
import { expect, test } from "bun:test"
import { spawnSync } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { workbench } from "../../testing/headless.ts"
import { reply, script, startModelServer } from "../../testing/model-server.ts"

const agent = (type: string) => ({
  name: "Agent",
  input: { subagent_type: type, description: type, prompt: `Be ${type}.`, run_in_background: false },
})

test("the prompt has the instructions and git's status; sub-agents that work get the instructions, readers do not", async () => {
  await using server = await startModelServer()
  server.script = script.byAgent([
    {
      name: "root",
      match: "Begin",
      steps: [reply.calls([agent("general-purpose"), agent("explore")]), reply.text("Done.")],
    },
    { name: "worker", match: "Be general-purpose", steps: [reply.text("Worked.")] },
    { name: "reader", match: "Be explore", steps: [reply.text("Read.")] },
  ])
  await using bench = workbench(server)
  spawnSync("git", ["init", "-q", "-b", "trunk"], { cwd: bench.cwd })
  writeFileSync(join(bench.cwd, "AGENTS.md"), "Use tabs. @../outside.md")
  writeFileSync(join(bench.cwd, "../outside.md"), "outside")
  mkdirSync(bench.home, { recursive: true })
  writeFileSync(join(bench.home, "AGENTS.md"), "Speak plainly.")
  const { exit, stderr } = await bench.run(["-p", "Begin"])
  server.check()
  expect(exit).toBe(0)
  expect(stderr).toBe(
    "meanwhile: Instructions: ~/outside.md is left out: it is outside of the repository, where only your own instructions may import from (imported by ~/work/AGENTS.md).\n",
  )
  const system = (prompt: string) => server.requests.find((request) => request.prompt.includes(prompt))!.system
  const root = system("Begin")
  expect(root.indexOf("Speak plainly.")).toBeLessThan(root.indexOf("Use tabs."))
  expect(root).toContain(
    "<git-status>\nAs it was when this conversation began; it is not kept up to date.\nBranch: No commits yet on trunk\nStatus:\n?? AGENTS.md\n",
  )
  expect(system("Be general-purpose")).toContain("Use tabs.")
  expect(system("Be general-purpose")).not.toContain("<git-status>")
  expect(system("Be explore")).not.toContain("Use tabs.")
})

test("without instruction files the first request stays small", async () => {
  await using server = await startModelServer({ script: script.inOrder([reply.text("Small.")]) })
  await using bench = workbench(server)
  expect((await bench.run(["-p", "Hello"])).stderr).toBe("")
  expect(server.requests[0]!.bytes).toBeLessThanOrEqual(16 * 1024)
})

test("a page is fetched when the user allows its host, and its network; nothing of the folder takes part", async () => {
  const pages = createServer((_, response) => {
    response.setHeader("Content-Type", "text/html")
    response.end("<title>Home</title><nav>menu</nav><p>Hello <b>there</b>")
  }).listen(0, "127.0.0.1")
  await new Promise((resolve) => pages.once("listening", resolve))
  const { port } = pages.address() as AddressInfo
  const url = `http://127.0.0.1:${port}/`
  const fetching = () => [reply.calls([{ name: "WebFetch", input: { url, prompt: "greeting" } }]), reply.text("Read.")]
  await using server = await startModelServer({ script: script.inOrder([...fetching(), ...fetching(), ...fetching()]) })
  await using bench = workbench(server)
  // The conversion runs in a worker, which must not take its libraries from here either.
  writeFileSync(
    join(bench.cwd, "tsconfig.json"),
    '{"compilerOptions":{"paths":{"turndown":["./evil.ts"],"*":["./evil.ts"]}}}',
  )
  writeFileSync(join(bench.cwd, "bunfig.toml"), 'preload = ["./evil.ts"]\n')
  writeFileSync(join(bench.cwd, "evil.ts"), `require("fs").writeFileSync("${bench.cwd}/evil-ran", "")`)
  const results = () => JSON.stringify(server.requests.at(-1)!.results)
  expect((await bench.run(["-p", "One"])).exit).toBe(4)
  expect(results()).toContain("WebFetch(domain:127.0.0.1)")
  await bench.run(["-p", "Two", "--allowedTools", "WebFetch(domain:127.0.0.1)"])
  expect(results()).toContain("refused. 127.0.0.1 is an address of this machine")
  mkdirSync(bench.home, { recursive: true })
  writeFileSync(
    join(bench.home, "settings.json"),
    JSON.stringify({ webFetch: { allowPrivate: [`127.0.0.1:${port}`] } }),
  )
  await bench.run(["-p", "Three", "--allowedTools", "WebFetch(domain:127.0.0.1)"])
  expect(results()).toContain(`Title: Home\\nURL: ${url}\\n\\nHello **there**`)
  expect(await Bun.file(join(bench.cwd, "evil-ran")).exists()).toBe(false)
  pages.close()
})
