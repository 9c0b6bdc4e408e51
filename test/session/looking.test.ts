// Whose answers a viewer reads while they stream in, and whose are written down for it.
import { expect, test } from "bun:test"
import { systemClock } from "../../src/base/clock.ts"
import { Audience, attendSession } from "../../src/session/audience.ts"
import { Draft, draftPath } from "../../src/session/draft.ts"
import { createViewer, type DraftNews } from "../../src/session/viewer.ts"
import { openStore } from "../../src/store/open.ts"
import { countingIds, eventually, memoryLog, type TestStore, temporaryStore } from "../../testing/harness.ts"
import { seed, seedSession } from "../../testing/seed.ts"

/** A root and an agent of it; both are asked for an answer. */
async function tree(): Promise<TestStore> {
  const place = await temporaryStore()
  await place.store.write((tx) => {
    seedSession(tx, { id: "root" })
    seedSession(tx, { id: "agent", root_id: "root", parent_id: "root", depth: 1 })
    for (const id of ["root", "agent"])
      seed(tx, "step", { id: `step-${id}`, session_id: id, turn_id: "turn", n: 1, state: "asking" })
  })
  return place
}

function draftOf({ store }: TestStore, session: string): Draft {
  const audience = { isPresent: () => true, written: () => undefined }
  return new Draft(draftPath(store, `step-${session}`), audience, memoryLog())
}

const textOf = (news: readonly DraftNews[], session: string) =>
  news
    .filter(({ sessionId }) => sessionId === session)
    .flatMap(({ parts }) => parts.map((part) => ("text" in part ? part.text : "")))
    .join("")

test("an agent's answer is read only while somebody looks at it, and then from its beginning, each time", async () => {
  using place = await tree()
  const viewer = createViewer({ store: place.store, clock: systemClock, ids: countingIds() }, "root")
  const [root, agent] = [draftOf(place, "root"), draftOf(place, "agent")]
  root.add({ text: "of the root" })
  agent.add({ text: "of the agent" })
  let seen: DraftNews[] = []
  await eventually("the root's is read", () => {
    seen = [...seen, ...viewer.drafts()]
    return textOf(seen, "root") === "of the root"
  })
  expect(textOf(seen, "agent")).toBe("")
  viewer.lookAt(new Set(["agent"]))
  await eventually("the agent's is read", () => textOf(viewer.drafts(), "agent") === "of the agent")
  expect(viewer.drafts()).toEqual([])
  viewer.lookAt(new Set())
  expect(viewer.drafts()).toEqual([])
  viewer.lookAt(new Set(["agent"]))
  expect(textOf(viewer.drafts(), "agent")).toBe("of the agent")
  viewer.lookAt(new Set())
  root.end()
  agent.end()
})

test("a session is attended as long as somebody says so, beside its tree", async () => {
  using place = await temporaryStore()
  const outside = await openStore({ folder: place.folder, clock: systemClock })
  const audience = new Audience(place.store, systemClock, "agent")
  audience.look()
  expect(audience.isPresent).toBeFalse()
  const attending = attendSession(outside, "agent")
  audience.look()
  expect(audience.isPresent).toBeTrue()
  attending[Symbol.dispose]()
  outside.close()
})
