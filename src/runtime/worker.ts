// Where the scripts that run in workers are: files beside the others in a clone, modules inside the executable.

/**
 * What `new Worker` of node:worker_threads takes for a script of ours. `path` is below src/, such as
 * "tool/html-worker.ts"; scripts/build.ts must list it, or the executable does not have it.
 */
export function workerScript(path: string): string | URL {
  if (Bun.isStandaloneExecutable) return `/$bunfs/root/src/${path}`
  return new URL(`../${path}`, import.meta.url)
}
