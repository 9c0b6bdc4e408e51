// A session's memory: what somebody who goes on with it must know, a model after a compaction or a person after a week.
// Its sections are facts, read from rows each time, and what a model, rules or the user wrote of the messages up to
// `coversSeq`; every message behind that number is still to be told word for word.
import type { Reader } from "../../store/store.ts"
import { facts } from "./facts.ts"
import { isUsers, type Line, textOfKept, textOfLine } from "./kept.ts"
import { isKept, type KeptSection, keptSections, type SectionName, sectionNames, sectionTitles } from "./sections.ts"
import { squeeze } from "./squeeze.ts"
import { newestVersion, type Version, versionsOf } from "./versions.ts"

export type { KeptSection, SectionName } from "./sections.ts"
export type { Version } from "./versions.ts"

export interface Memory {
  /** 0: nothing was stored yet. */
  version: number
  /** Messages with numbers up to this one are covered by the sections that are not facts; 0: none are. */
  coversSeq: number
  /** Markdown; empty where there is nothing to say. */
  sections: Record<SectionName, string>
  /** When the version was stored, in milliseconds of the wall clock. */
  at: number
}

/** Facts as the rows say now, the other sections as they were stored last. */
export function memoryOf(reader: Reader, sessionId: string): Memory {
  const { version, coversSeq, sections, at } = newestVersion(reader, sessionId)
  const kept = Object.fromEntries(keptSections.map((name) => [name, textOfKept(sections[name])])) as Record<
    (typeof keptSections)[number],
    string
  >
  return { version, coversSeq, sections: { ...kept, ...facts(reader, sessionId) }, at }
}

/**
 * The memory as markdown, in at most so many characters: where it has more, each section gives up its oldest lines
 * first, and those last that have words of the focus in them. Empty when there is nothing to tell.
 */
export function renderMemory(memory: Memory, budget: { characters: number; focus?: string }): string {
  const parts = sectionNames.map((name) => ({
    name,
    head: `## ${sectionTitles[name]}`,
    lines: memory.sections[name].split("\n").filter((line) => line.trim() !== ""),
  }))
  return squeeze(parts, budget)
}

/** The sections in the order in which they are shown. */
export const memorySections: readonly { name: SectionName; title: string }[] = sectionNames.map((name) => ({
  name,
  title: sectionTitles[name],
}))

/** The section, when it is one that is stored and can be edited; undefined when it is read from rows. */
export function keptSectionOf(name: SectionName): KeptSection | undefined {
  return isKept(name) ? name : undefined
}

/** Its number is 0 when nothing was stored yet. */
export function versionInForce(reader: Reader, sessionId: string): Version {
  return newestVersion(reader, sessionId)
}

/** Those that are kept, the newest first. */
export function memoryVersions(reader: Reader, sessionId: string): Version[] {
  return versionsOf(reader, sessionId)
}

/** A line that the user wrote, which nobody else changes. */
export function isUsersLine(line: Line): boolean {
  return isUsers(line)
}

export function textOfMemoryLine(line: Line): string {
  return textOfLine(line)
}
