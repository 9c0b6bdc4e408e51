// Which addresses WebFetch may connect to: public ones, and what the person's settings list. What is decided about is
// an address, never a name; a name only says for which names a listed exception holds. Why: docs/decisions/0012-web-fetch.md.
import ipaddr, { type IPv4, type IPv6 } from "ipaddr.js"
import { Exit, UserError } from "../base/error.ts"
import { visible } from "../base/escape.ts"

export interface Destination {
  /** As a URL has it: lower case, IPv6 in brackets. */
  host: string
  port: number
}

/** Undefined: may be connected to. Otherwise what kind of address it is, for a message. */
export type Verdict = string | undefined

/** An entry of `webFetch.allowPrivate`. */
type Exception = { port: number | undefined } & (
  | { type: "name"; name: string; below: boolean }
  | { type: "network"; network: [IPv4 | IPv6, number]; single: boolean }
)

export class AddressGuard {
  readonly #exceptions: readonly Exception[]

  /** Throws a UserError for an entry that is not understood. */
  constructor(allowed: readonly string[]) {
    this.#exceptions = allowed.map(parseException)
  }

  /** `address`: an IP address that `destination.host` was resolved to, or is. */
  check(address: string, destination: Destination): Verdict {
    const ip = innermost(address)
    if (!ip) return "an address of an unknown kind"
    const kind = kindOf(ip)
    if (kind === "public") return undefined
    const isExcepted = this.#exceptions.some(
      (exception) =>
        (exception.port === undefined || exception.port === destination.port) &&
        lifts(exception, { ip, kind, destination }),
    )
    return isExcepted ? undefined : DESCRIPTIONS[kind]
  }

  /** Whether the settings list this very name or address. */
  lists({ host, port }: Destination): boolean {
    return this.#exceptions.some(
      (exception) =>
        (exception.port === undefined || exception.port === port) &&
        (exception.type === "name" ? isNamed(exception, host) : isWithin(exception, innermost(bare(host)))),
    )
  }
}

/** The host of a URL without the brackets of IPv6. */
export function bare(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1")
}

export function isIpAddress(host: string): boolean {
  return ipaddr.isValid(bare(host))
}

/** `local`: of this machine or a private network. `special`: nothing that a page could be at, or where secrets are. */
type Kind = "public" | "local" | "special" | "metadata"

const DESCRIPTIONS: Record<Exclude<Kind, "public">, string> = {
  local: "an address of this machine or of a private network",
  special: "an address that is not public (link-local, multicast, reserved)",
  metadata: "an address where cloud machines get their credentials",
}

const LOCAL_RANGES: ReadonlySet<string> = new Set(["loopback", "private", "carrierGradeNat", "uniqueLocal"])

/** Metadata services of the large clouds: AWS, Azure, GCP, Oracle (all at the first), ECS tasks, Alibaba, AWS and GCP by IPv6. */
const METADATA: ReadonlySet<string> = new Set([
  "169.254.169.254",
  "169.254.170.2",
  "169.254.170.23",
  "100.100.100.200",
  "fd00:ec2::254",
  "fd00:ec2::23",
  "fd20:ce::254",
])

const GLOBAL_UNICAST = ipaddr.parseCIDR("2000::/3")

function kindOf(ip: IPv4 | IPv6): Kind {
  if (METADATA.has(ip.toString())) return "metadata"
  const range = ip.range()
  if (LOCAL_RANGES.has(range)) return "local"
  const isGlobal = ip.kind() === "ipv4" || isWithinNetwork(ip, GLOBAL_UNICAST)
  return range === "unicast" && isGlobal ? "public" : "special"
}

const NAT64 = ipaddr.parseCIDR("64:ff9b::/96")

/** The IPv4 address that is inside of one of IPv6 (mapped, or behind the well-known NAT64 prefix, RFC 6052): it is where the way ends. */
function innermost(address: string): IPv4 | IPv6 | undefined {
  if (!ipaddr.isValid(address) || address.includes("%")) return undefined
  const ip = ipaddr.parse(address)
  if (ip.kind() === "ipv4") return ip
  const six = ip as IPv6
  if (six.isIPv4MappedAddress()) return six.toIPv4Address()
  if (isWithinNetwork(six, NAT64)) return ipaddr.fromByteArray(six.toByteArray().slice(12))
  return six
}

function isWithinNetwork(ip: IPv4 | IPv6, network: [IPv4 | IPv6, number]): boolean {
  return ip.kind() === network[0].kind() && (ip as IPv6).match(network as [IPv6, number])
}

/**
 * A name stands for whatever its owner says it is, so it lifts no more than what a name of a private network may be;
 * a network lifts all of its addresses but those of credentials, which must be listed one by one.
 */
function lifts(
  exception: Exception,
  { ip, kind, destination }: { ip: IPv4 | IPv6; kind: Kind; destination: Destination },
): boolean {
  if (exception.type === "name") return kind === "local" && isNamed(exception, destination.host)
  return isWithin(exception, ip) && (kind !== "metadata" || exception.single)
}

function isNamed({ name, below }: Extract<Exception, { type: "name" }>, host: string): boolean {
  const given = host.toLowerCase().replace(/\.$/, "")
  return below ? given.endsWith(`.${name}`) : given === name
}

function isWithin(exception: Exception, ip: IPv4 | IPv6 | undefined): boolean {
  return exception.type === "network" && ip !== undefined && isWithinNetwork(ip, exception.network)
}

/** `NAME`, `*.NAME`, `IP` or `NETWORK/BITS`, all with an optional `:PORT` (IPv6 then in brackets). */
function parseException(entry: string): Exception {
  const text = entry.trim().toLowerCase()
  const [, bracketed, loose, digits] =
    /^(?:\[([^\]]+)\]|([^:]+|[^[\]]*:[^[\]]*:[^[\]]*))(?::(\d+))?$/.exec(isLooseV6(text) ? `[${text}]` : text) ?? []
  const host = bracketed ?? loose ?? ""
  const port = digits === undefined ? undefined : Number(digits)
  if (port !== undefined && (port < 1 || port > 65535)) throw mistake(entry)
  const network = parseNetwork(host)
  if (network)
    return { type: "network", network, single: network[1] === (network[0].kind() === "ipv4" ? 32 : 128), port }
  const below = host.startsWith("*.")
  const name = (below ? host.slice(2) : host).replace(/\.$/, "")
  // The last label of a name has a letter; `10.0.0` and `10.*` are slips that must not pass for names.
  if (!/^(?:[a-z0-9_-]+\.)*[a-z0-9_-]*[a-z_][a-z0-9_-]*$/.test(name)) throw mistake(entry)
  return { type: "name", name, below, port }
}

function isLooseV6(text: string): boolean {
  return !text.startsWith("[") && text.split(":").length > 2
}

function parseNetwork(text: string): [IPv4 | IPv6, number] | undefined {
  const [address = "", bits, ...more] = text.split("/")
  const isAddress =
    ipaddr.IPv4.isValidFourPartDecimal(address) || (address.includes(":") && ipaddr.IPv6.isValid(address))
  if (!isAddress || more.length > 0 || address.includes("%")) return undefined
  const ip = ipaddr.parse(address)
  const most = ip.kind() === "ipv4" ? 32 : 128
  if (bits === undefined) return [innermost(address) ?? ip, innermost(address)?.kind() === "ipv4" ? 32 : most]
  return /^\d{1,3}$/.test(bits) && Number(bits) <= most ? [ip, Number(bits)] : undefined
}

function mistake(entry: string): UserError {
  return new UserError(
    "bad-settings",
    `settings.json: webFetch.allowPrivate has "${visible(entry)}", which is not understood. Write NAME, *.NAME, an IP address or NETWORK/BITS, each with :PORT if it is for one port.`,
    Exit.usage,
  )
}
