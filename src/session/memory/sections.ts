// The sections of a session's memory, in the order in which they are shown. Some are kept by a model or by rules, and
// may be edited; the others are facts that the program reads from rows each time, and nobody can get wrong.

export const keptSections = ["status", "completed", "decisions", "log", "matters", "questions"] as const
export type KeptSection = (typeof keptSections)[number]

export const factSections = ["todos", "tasks", "changes", "commands", "commits"] as const
export type FactSection = (typeof factSections)[number]

export type SectionName = KeptSection | FactSection

export const sectionNames: readonly SectionName[] = [
  "status",
  "todos",
  "tasks",
  "decisions",
  "questions",
  "completed",
  "matters",
  "changes",
  "commits",
  "commands",
  "log",
]

export const sectionTitles: Readonly<Record<SectionName, string>> = {
  status: "Status: what is being done, what is next",
  todos: "Checklist",
  tasks: "Tasks and their results",
  decisions: "Discussion points and decisions",
  questions: "Open questions",
  completed: "Completed work",
  matters: "Files and commands that matter",
  changes: "Files changed",
  commits: "Commits",
  commands: "Commands that were run",
  log: "Work log",
}

export function isKept(name: SectionName): name is KeptSection {
  return (keptSections as readonly string[]).includes(name)
}
