// Completion of `@` files: over the project's files by a fuzzy search, and folder by folder for a path that begins
// with `/`, `~/`, `./` or `../`.
import { readdir } from "node:fs/promises"
import { dirname, join } from "node:path"
import { visible } from "../../../base/escape.ts"
import type { CompletionItem, CompletionSource, Offer } from "./completion.ts"
import type { FileIndex } from "./file-index.ts"

const MOST = 50
const MOST_IN_FOLDER = 5000

export interface CompleteFilesOptions {
  index: FileIndex
  cwd: string
  home: string
}

export function completeFiles({ index, cwd, home }: CompleteFilesOptions): CompletionSource {
  return {
    offer: ({ lines, line, col }, signal) => {
      const before = lines[line]!.slice(0, col)
      // In quotes a path may have spaces.
      const found = /(?:^|[\s([{<,;:=])@(?:"([^"]*)|([^\s"]*))$/u.exec(before)
      if (!found) return undefined
      const query = found[1] ?? found[2] ?? ""
      const from = before.lastIndexOf("@", col - query.length)
      const paths = /^(?:\/|~\/|\.\.?\/)/.test(query)
        ? inFolder(query, { cwd, home })
        : index.search(query, MOST, signal)
      return paths.then((list): Offer => ({ from, items: list.map(itemOf) }))
    },
  }
}

/** `@src/a.ts `, `@"my notes.md" `; a folder's goes on being completed. */
export function reference(path: string): string {
  const shown = /[\s"]/.test(path) ? `@"${path}"` : `@${path}`
  return path.endsWith("/") ? shown.replace(/"$/, "") : `${shown} `
}

function itemOf(path: string): CompletionItem {
  return { insert: reference(path), label: visible(path), sends: false }
}

async function inFolder(query: string, { cwd, home }: { cwd: string; home: string }): Promise<string[]> {
  const typed = query.endsWith("/") ? query : `${dirname(query)}/`.replace(/^\/\/$/, "/")
  const wanted = query.slice(query.lastIndexOf("/") + 1).toLowerCase()
  const folder = typed.startsWith("~/") ? join(home, typed.slice(2)) : typed.startsWith("/") ? typed : join(cwd, typed)
  // A folder that is not there, or not for us, has nothing to offer.
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  return entries
    .slice(0, MOST_IN_FOLDER)
    .filter(({ name }) => name.toLowerCase().startsWith(wanted) && (wanted.startsWith(".") || !name.startsWith(".")))
    .sort((a, b) => Number(b.isDirectory()) - Number(a.isDirectory()) || (a.name < b.name ? -1 : 1))
    .slice(0, MOST)
    .map((entry) => `${typed}${entry.name}${entry.isDirectory() ? "/" : ""}`)
}
