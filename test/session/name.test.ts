import { expect, test } from "bun:test"
import { checkedName, freeName, rename } from "../../src/session/name.ts"
import type { SessionRow } from "../../src/store/rows.ts"
import { temporaryStore } from "../../testing/harness.ts"
import { seedSession } from "../../testing/seed.ts"

test("a name that another session of the project has gets a number", async () => {
  using place = await temporaryStore()
  await place.store.write((tx) => {
    seedSession(tx, { id: "a", name: "tidy" })
    seedSession(tx, { id: "b", name: "tidy (2)" })
    seedSession(tx, { id: "c" })
    seedSession(tx, { id: "elsewhere", project: "/other", name: "mine" })
    seedSession(tx, { id: "child", parent_id: "a", root_id: "a", name: "helper" })
  })
  const row = (id: string) => place.store.one<SessionRow>("SELECT * FROM session WHERE id = :id", { id })!
  const named = (id: string, name: string) => place.store.write((tx) => rename(tx, id, name))
  expect(await named("c", " tidy ")).toBe("tidy (3)")
  expect(row("c").name).toBe("tidy (3)")
  // Its own name is free, so are other projects' and those of what it started.
  expect(await named("a", "tidy")).toBe("tidy")
  expect(await named("c", "mine")).toBe("mine")
  expect(await named("c", "helper")).toBe("helper")
  expect(freeName(place.store, { project: "/work", name: "tidy" })).toBe("tidy (3)")
})

test("what can't be shown or typed is no name", () => {
  for (const bad of ["", "  ", "a\nb", "\x1b[31mred", "a\u202eb", "a\u200bb", "x".repeat(201)])
    expect(() => checkedName(bad)).toThrow("no name for a session")
  for (const good of ["tidy", "Käse & Brot", "日本語", "👩‍💻 work", "a: b = c"]) expect(checkedName(good)).toBe(good)
})
