// Which colours and attributes are on at the end of a text (SGR, ECMA-48 8.3.117), as the shortest sequence that turns
// them on: the lines of an output are shown one by one, and a colour goes on over their ends.

interface State {
  fore: string
  back: string
  attributes: ReadonlySet<number>
}

const PLAIN: State = { fore: "", back: "", attributes: new Set() }

/** By the code that turns it off. */
const OFF: Readonly<Record<number, readonly number[]>> = {
  22: [1, 2],
  23: [3],
  24: [4, 21],
  25: [5, 6],
  27: [7],
  28: [8],
  29: [9],
}

/** "" when all is plain. `before`: what was on at the beginning, as this function returned it. */
export function coloursAfter(text: string, before = ""): string {
  if (!text.includes("\x1b[")) return before
  let state = PLAIN
  for (const [, parameters] of `${before}${text}`.matchAll(/\x1b\[([\d:;]*)m/g)) state = after(state, parameters!)
  const codes = [...[...state.attributes].map(String), state.fore, state.back].filter(Boolean)
  return codes.length === 0 ? "" : `\x1b[${codes.join(";")}m`
}

function after(state: State, parameters: string): State {
  const codes = parameters.split(";")
  let { fore, back } = state
  let attributes = new Set(state.attributes)
  for (let i = 0; i < codes.length; i++) {
    const [code = ""] = codes[i]!.split(":")
    const number = Number(code || 0)
    if (number === 0) {
      fore = ""
      back = ""
      attributes = new Set()
    } else if (number === 38 || number === 48) {
      // 38;5;n, 38;2;r;g;b, or all of it with colons.
      const length = codes[i]!.includes(":") ? 1 : codes[i + 1] === "5" ? 3 : codes[i + 1] === "2" ? 5 : 1
      const colour = codes.slice(i, i + length).join(";")
      if (number === 38) fore = colour
      else back = colour
      i += length - 1
    } else if ((number >= 30 && number <= 37) || (number >= 90 && number <= 97)) fore = code
    else if ((number >= 40 && number <= 47) || (number >= 100 && number <= 107)) back = code
    else if (number === 39) fore = ""
    else if (number === 49) back = ""
    else if (OFF[number]) for (const off of OFF[number]) attributes.delete(off)
    else if (number < 10) attributes.add(number)
  }
  return { fore, back, attributes }
}
