// Whether the environment asks for a proxy, as curl and most programs read it. WebFetch uses none: it would look up the
// name by itself, and connect to whatever it then finds.
import type { Env } from "../base/paths.ts"
import { bare } from "./web-guard.ts"

/** The variable that asks for a proxy for this URL. */
export function proxyFor(url: URL, env: Env): string | undefined {
  const own = url.protocol === "https:" ? ["HTTPS_PROXY", "https_proxy"] : ["HTTP_PROXY", "http_proxy"]
  const variable = [...own, "ALL_PROXY", "all_proxy"].find((name) => env[name])
  return variable && !isExempt(url, env.NO_PROXY || env.no_proxy || "") ? variable : undefined
}

/** Entries are `*`, names (with all below them; a dot in front changes nothing) and addresses, with an optional port. */
function isExempt(url: URL, list: string): boolean {
  const host = bare(url.hostname).replace(/\.$/, "")
  const port = url.port || (url.protocol === "https:" ? "443" : "80")
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean)
    .some((entry) => {
      if (entry === "*") return true
      const [, name = "", wanted] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(entry) ?? []
      // The only colons of an IPv6 address are its own.
      const known = (entry.split(":").length > 2 && !entry.startsWith("[") ? entry : name).replace(/^\*?\./, "")
      if (wanted !== undefined && known === name && wanted !== port) return false
      return host === known || host.endsWith(`.${known}`)
    })
}
