// Makes the single executable: `npm run build` for dist/meanwhile, or `bun scripts/build.ts OUTFILE`. It carries all
// that the program needs: Bun, the bundle as bytecode (split, so that each command loads its own part only), texts,
// and ripgrep.
import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { rgPath } from "@vscode/ripgrep"
import type { BunPlugin } from "bun"

const root = join(import.meta.dir, "..")

/** Scripts that run in workers, below src/; the program finds them by src/runtime/worker.ts. */
const WORKERS = ["tool/html-worker.ts"]

/**
 * Puts the ripgrep binary into the executable. The package finds the binary in node_modules, where the executable has
 * none: in the bundle its `rgPath` is a path below `/$bunfs/`, which can be read but not run (see src/tool/ripgrep.ts).
 */
const embeddedRipgrep: BunPlugin = {
  name: "embedded-ripgrep",
  setup(build) {
    build.onResolve({ filter: /^@vscode\/ripgrep$/ }, () => ({ path: "ripgrep", namespace: "embedded" }))
    build.onLoad({ filter: /^ripgrep$/, namespace: "embedded" }, () => ({
      contents: `import rgPath from ${JSON.stringify(rgPath)} with { type: "file" }\nexport { rgPath }`,
      loader: "js",
    }))
  },
}

/** Builds into `outfile`, which is replaced at once and only by a build that succeeded. */
export async function build(outfile: string): Promise<void> {
  mkdirSync(dirname(outfile), { recursive: true })
  // The name of the output is part of it, so it must not vary: the same sources make the same bytes.
  using staging = temporaryFolder(dirname(outfile))
  const unfinished = join(staging.path, "meanwhile")
  await Bun.build({
    entrypoints: [join(root, "src/main.ts"), ...WORKERS.map((path) => join(root, "src", path))],
    root,
    target: "bun",
    format: "esm",
    minify: true,
    bytecode: true,
    splitting: true,
    plugins: [embeddedRipgrep],
    compile: {
      outfile: unfinished,
      autoloadDotenv: false,
      autoloadBunfig: false,
      autoloadTsconfig: false,
      autoloadPackageJson: false,
    },
  })
  renameSync(unfinished, outfile)
}

function temporaryFolder(beside: string): Disposable & { path: string } {
  const path = mkdtempSync(join(beside, ".build-"))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

if (import.meta.main) {
  const outfile = resolve(process.argv[2] ?? join(root, "dist/meanwhile"))
  await build(outfile)
  console.log(`${outfile}: ${(statSync(outfile).size / 1e6).toFixed(0)} MB`)
}
