// What one has read of an answer that one interrupted is not lost: it stays in the conversation, and the model knows.
import { expect, test } from "bun:test"
import { driving } from "../../testing/driving.ts"
import { Gate } from "../../testing/gate.ts"
import { eventually } from "../../testing/harness.ts"
import { reply } from "../../testing/model-server.ts"

test("half of an answer stays in the conversation, and is there for the model with the next prompt", async () => {
  const gate = new Gate()
  await using it = await driving({
    root: [
      reply.parts([
        { type: "reasoning", text: "Hm." },
        { type: "text", text: "The session lives in auth.ts, and " },
        { type: "gate", gate },
        { type: "text", text: "nothing else." },
      ]),
      reply.text("Then in db.ts."),
    ],
  })
  const view = it.program.view(it.hosted.row)
  using _ = view.listen(() => undefined)
  await it.say("Where does it live?")
  const first = it.converse()
  const drafts: string[] = []
  await eventually("half of it was said", () => {
    for (const { parts } of view.drafts()) for (const part of parts) if ("text" in part) drafts.push(part.text)
    return drafts.join("").includes("auth.ts, and")
  })
  it.hosted.interrupt()
  await first
  expect(it.hosted.lastReply()).toBe("The session lives in auth.ts, and")
  await it.say("No, elsewhere.")
  await it.converse()
  const asked = it.asked().at(-1)!
  const said = JSON.stringify(asked.body)
  expect(said).toContain("The session lives in auth.ts, and")
  expect(said).not.toContain("nothing else")
  it.server.check()
  gate.open()
})

test("an answer that was interrupted before its first word leaves no message", async () => {
  const gate = new Gate()
  await using it = await driving({ root: [reply.text("Late.").gate(gate, "before-headers"), reply.text("Yes?")] })
  await it.say("Quick!")
  const first = it.converse()
  await it.server.received(1)
  it.hosted.interrupt()
  await first
  expect(it.hosted.lastReply()).toBeUndefined()
  expect(it.program.store.all("SELECT 1 FROM message WHERE role = 'assistant'")).toEqual([])
  gate.open()
})
