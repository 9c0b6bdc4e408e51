// A session's memory for who looks at it: its sections line by line, with whose each line is, how current it is, and what
// its versions changed.
import { plural } from "../../base/text.ts"
import { lastSeq } from "../../session/lineage.ts"
import {
  isUsersLine,
  type KeptSection,
  keptSectionOf,
  type Memory,
  memoryOf,
  memorySections,
  type SectionName,
  textOfMemoryLine,
  type Version,
  versionInForce,
} from "../../session/memory/memory.ts"
import type { Reader } from "../../store/store.ts"

export interface MemorySection {
  name: SectionName
  title: string
  lines: readonly MemoryLine[]
  /** Those that the program reads from rows can't be changed by hand. */
  kept: KeptSection | undefined
}

export interface MemoryLine {
  text: string
  isUsers: boolean
  /** The task that it is about. */
  taskId?: string
}

export interface MemoryView {
  sections: readonly MemorySection[]
  /** The version in force; its number is 0 when nothing was stored yet. */
  version: Version
  /** How many messages there are, and how many of them the memory does not cover. */
  messages: number
  behind: number
  /** A model is being asked now. */
  isUpdating: boolean
}

export function memoryView(reader: Reader, sessionId: string): MemoryView {
  const memory = memoryOf(reader, sessionId)
  const version = versionInForce(reader, sessionId)
  const messages = lastSeq(reader, sessionId)
  const asking = `SELECT 1 FROM ledger WHERE session_id = :sessionId AND purpose = 'memory' AND state = 'open'`
  return {
    sections: memorySections.map(({ name, title }) => section(memory, { name, title, version })),
    version,
    messages,
    behind: Math.max(0, messages - version.coversSeq),
    isUpdating: reader.one(asking, { sessionId }) !== undefined,
  }
}

function section(
  memory: Memory,
  { name, title, version }: { name: SectionName; title: string; version: Version },
): MemorySection {
  const kept = keptSectionOf(name)
  if (kept !== undefined) {
    const lines = version.sections[kept]?.lines ?? []
    return {
      name,
      title,
      kept,
      lines: lines.map((line) => ({ text: textOfMemoryLine(line), isUsers: isUsersLine(line) })),
    }
  }
  const lines = memory.sections[name].split("\n").filter((line) => line !== "")
  return { name, title, kept, lines: lines.map((text) => ({ text, isUsers: false, ...taskIn(name, text) })) }
}

function taskIn(name: SectionName, text: string): { taskId: string } | undefined {
  const [, taskId] = (name === "tasks" && /^- (\S+) /.exec(text)) || []
  return taskId === undefined ? undefined : { taskId }
}

/** "covers all but the last 3 messages". */
export function currencyOf({ version, messages, behind, isUpdating }: MemoryView): string {
  const now = isUpdating ? ", being updated" : ""
  if (messages === 0) return "nothing was said yet"
  if (version.coversSeq === 0) return `covers none of ${plural(messages, "message")} yet${now}`
  if (behind === 0) return `covers all ${plural(messages, "message")}${now}`
  return `covers all but the last ${behind === 1 ? "message" : plural(behind, "message")}${now}`
}

export const MADE_BY: Readonly<Record<Version["madeBy"], string>> = {
  model: "by the model",
  rules: "by rules",
  user: "by you",
  fork: "from the fork's origin",
}

export interface VersionChange {
  section: string
  /** The lines that differ, in their order. */
  lines: readonly { sign: "+" | "-"; text: string }[]
}

/** What a version changed of the one before it. */
export function changesOf(version: Version, before: Version | undefined): VersionChange[] {
  return memorySections.flatMap(({ name, title }) => {
    const kept = keptSectionOf(name)
    if (kept === undefined) return []
    const lines = differing(
      (before?.sections[kept]?.lines ?? []).map(textOfMemoryLine),
      (version.sections[kept]?.lines ?? []).map(textOfMemoryLine),
    )
    return lines.length > 0 ? [{ section: title, lines }] : []
  })
}

/** Sections have some dozens of lines. Of what somebody has put in by the thousands, only what is new and gone is told. */
const COMPARED = 1_000_000

/** By the longest common part. */
function differing(old: readonly string[], now: readonly string[]): VersionChange["lines"] {
  if (old.length * now.length > COMPARED) {
    const [before, after] = [new Set(old), new Set(now)]
    const gone = old.filter((text) => !after.has(text)).map((text) => ({ sign: "-" as const, text }))
    return [...gone, ...now.filter((text) => !before.has(text)).map((text) => ({ sign: "+" as const, text }))]
  }
  const common = Array.from({ length: old.length + 1 }, () => new Array<number>(now.length + 1).fill(0))
  for (let i = old.length - 1; i >= 0; i--)
    for (let j = now.length - 1; j >= 0; j--)
      common[i]![j] = old[i] === now[j] ? common[i + 1]![j + 1]! + 1 : Math.max(common[i + 1]![j]!, common[i]![j + 1]!)
  const lines: { sign: "+" | "-"; text: string }[] = []
  for (let i = 0, j = 0; i < old.length || j < now.length; ) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      i++
      j++
    } else if (j >= now.length || (i < old.length && common[i + 1]![j]! >= common[i]![j + 1]!))
      lines.push({ sign: "-", text: old[i++]! })
    else lines.push({ sign: "+", text: now[j++]! })
  }
  return lines
}
