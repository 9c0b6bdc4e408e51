// Caps as somebody types them: "$2.50, 200k tokens, 40 steps, 30 min".
import type { WrittenCaps } from "../../task/caps.ts"

export type ReadCaps = { type: "caps"; caps: WrittenCaps } | { type: "mistake"; message: string }

const EXAMPLE = "$2.50, 200k tokens, 40 steps, 30 min"
const FACTOR: Readonly<Record<string, number>> = { "": 1, k: 1000, m: 1_000_000 }

export function readCaps(text: string): ReadCaps {
  const caps: WrittenCaps = {}
  const parts = text.split(/,(?!\d{3}\b)|;|\band\b/).map((part) => part.trim().toLowerCase())
  for (const part of parts) {
    if (part === "") continue
    const read = readOne(part)
    if (!read) return mistake(`"${part}" is no cap.`)
    if (!(read.value > 0) || !Number.isFinite(read.value)) return mistake("A cap is above zero.")
    if (caps[read.name] !== undefined) return mistake(`There are two caps of the same kind: "${part}" is one of them.`)
    caps[read.name] = read.value
  }
  if (Object.keys(caps).length === 0) return mistake("Nothing was given.")
  return { type: "caps", caps }
}

function readOne(part: string): { name: keyof WrittenCaps; value: number } | undefined {
  const plain = part.replaceAll(",", "")
  const cost = /^(?:\$ ?|usd )(\d*\.?\d+)$/.exec(plain) ?? /^(\d*\.?\d+) ?(?:\$|usd|dollars?)$/.exec(plain)
  if (cost) return { name: "costUsd", value: Number(cost[1]) }
  const [, number, factor = "", unit = ""] = /^(\d*\.?\d+) ?([km]?) ?([a-z]+)$/.exec(plain) ?? []
  if (number === undefined) return undefined
  if (/^tok(?:ens?)?$/.test(unit)) return { name: "tokens", value: Math.round(Number(number) * FACTOR[factor]!) }
  if (/^steps?$/.test(unit) && factor === "") return { name: "steps", value: Math.round(Number(number)) }
  const time = factor + unit
  if (/^min(?:ute)?s?$/.test(time)) return { name: "minutes", value: Number(number) }
  if (/^(?:h|hours?)$/.test(time)) return { name: "minutes", value: Number(number) * 60 }
  if (/^(?:s|sec(?:ond)?s?)$/.test(time)) return { name: "minutes", value: Number(number) / 60 }
  return undefined
}

function mistake(message: string): ReadCaps {
  return { type: "mistake", message: `${message} Write it like ${EXAMPLE}.` }
}
