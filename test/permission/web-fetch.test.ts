// Pages of the web: asked for by default, also in plan mode, and allowed or denied by their host.
import { expect, test } from "bun:test"
import { createDecider } from "../../src/permission/decide.ts"
import { parseRules } from "../../src/permission/rules.ts"
import { call, HOME } from "./calls.ts"

function decide(url: string, { allow = "", deny = "", mode = "default" as "default" | "plan" } = {}) {
  const decider = createDecider({ allow: parseRules(allow), deny: parseRules(deny), home: HOME })
  return decider(call("WebFetch", { url }, { mode }))
}

test("a page is asked for, with the rule that would allow its host", () => {
  expect(decide("https://Docs.Example.org/x")).toEqual({ type: "ask", rule: "WebFetch(domain:docs.example.org)" })
})

test("plan mode asks as well: a page changes nothing here", () => {
  expect(decide("https://docs.example.org/", { mode: "plan" }).type).toBe("ask")
  expect(decide("https://docs.example.org/", { mode: "plan", allow: "WebFetch" }).type).toBe("allow")
})

test("a rule holds for its host, however the URL is written", () => {
  const allow = "WebFetch(domain:example.org)"
  expect(decide("https://example.org/a?b#c", { allow }).type).toBe("allow")
  expect(decide(" HTTPS://EXAMPLE.org.:8443/", { allow }).type).toBe("allow")
  expect(decide("https://example.org@evil.test/", { allow }).type).toBe("ask")
  expect(decide("https://example.org.evil.test/", { allow }).type).toBe("ask")
  expect(decide("https://sub.example.org/", { allow }).type).toBe("ask")
  expect(decide("not a url", { allow }).type).toBe("ask")
  expect(decide("https://sub.example.org/", { deny: allow, allow: "WebFetch" }).type).toBe("deny")
})
