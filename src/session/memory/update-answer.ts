// What a model answered when it was asked to update a memory: read tolerantly, used only when it is what was asked for.
import { oneLine } from "../../base/text.ts"
import { defuse } from "../../task/defuse.ts"
import { type KeptSections, withLinesAdded, withProgramLines } from "./kept.ts"
import { type KeptSection, keptSections } from "./sections.ts"

export type SectionLines = Partial<Record<KeptSection, readonly string[]>>

const LINE_CHARS = 1_000
const SECTION_LINES = 60
const LOG_LINES = 150

/** The sections that it names; undefined when it is not an answer to what was asked. */
export function readAnswer(text: string): SectionLines | undefined {
  const value = objectIn(text)
  if (!value) return undefined
  const found: SectionLines = {}
  for (const name of keptSections) {
    const given = value[name]
    if (given === undefined || given === null) continue
    const lines = linesOf(given)
    if (!lines) return undefined
    found[name] = lines
  }
  // To say nothing of new messages would be to lose them.
  return found.status?.length || found.log?.length ? found : undefined
}

export function withAnswer(sections: KeptSections, answer: SectionLines): KeptSections {
  const updated: KeptSections = { ...sections }
  for (const name of keptSections) {
    const lines = answer[name]
    if (!lines) continue
    updated[name] =
      name === "log"
        ? withLinesAdded(sections.log, lines, LOG_LINES)
        : withProgramLines(sections[name], lines.slice(-SECTION_LINES))
  }
  return updated
}

/** The outermost object in a text that may say something around it, or have it in a fence. */
function objectIn(text: string): Record<string, unknown> | undefined {
  const begin = text.indexOf("{")
  const end = text.lastIndexOf("}")
  if (begin < 0 || end < begin) return undefined
  try {
    const value: unknown = JSON.parse(text.slice(begin, end + 1))
    return isObject(value) ? unwrapped(value) : undefined
  } catch {
    return undefined
  }
}

/** `{"sections": {…}}` means the same. */
function unwrapped(value: Record<string, unknown>): Record<string, unknown> {
  return isObject(value.sections) ? value.sections : value
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

/** A list of texts, or a text of lines. Undefined for anything else. */
function linesOf(value: unknown): string[] | undefined {
  const list: unknown[] = Array.isArray(value) ? value : [value]
  if (!list.every((entry) => typeof entry === "string")) return undefined
  return list.flatMap((entry) => (entry as string).split("\n")).flatMap((line) => lineOf(line) ?? [])
}

/** As an entry of a list; deeper ones stay deeper. */
function lineOf(text: string): string | undefined {
  const [, indent = "", said = ""] = /^(\s*)(?:[-*•]\s+)?(?:\[user\]\s*)?(.*)$/.exec(text) ?? []
  const line = defuse(oneLine(said, LINE_CHARS))
  return line === "" ? undefined : `${indent.length >= 2 ? "  " : ""}- ${line}`
}
