// Searching earlier prompts backwards: each letter narrows, the same key again goes further back.

export interface SearchState {
  readonly query: string
  /** Index of the entry that is shown; undefined: none has the query. */
  readonly at: number | undefined
}

export const SEARCH_START: SearchState = { query: "", at: undefined }

/** The newest entry from `from` on that contains the query; capitals matter when the query has some. */
export function find(entries: readonly string[], query: string, from: number): number | undefined {
  if (query === "") return undefined
  const exact = query !== query.toLowerCase()
  for (let at = from; at < entries.length; at++)
    if ((exact ? entries[at]! : entries[at]!.toLowerCase()).includes(query)) return at
  return undefined
}

export function withQuery(entries: readonly string[], state: SearchState, query: string): SearchState {
  // What is shown stays as long as it fits: a longer query never goes to a newer entry.
  const from = query.startsWith(state.query) ? (state.at ?? 0) : 0
  return { query, at: find(entries, query, from) }
}

/** The next older one; the last one stays when there is none. */
export function older(entries: readonly string[], state: SearchState): SearchState {
  if (state.at === undefined) return { ...state, at: find(entries, state.query, 0) }
  return { ...state, at: find(entries, state.query, state.at + 1) ?? state.at }
}
