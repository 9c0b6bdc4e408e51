// Code in colours. highlight.js is loaded when the first block of code is to be shown, which is plain until then; of its
// languages the 36 common ones.
import type { HLJSApi } from "highlight.js"
import type { Paint, Theme } from "../theme.ts"

/** Longer code is left plain: it would hold the screen up. */
const MAX_CHARACTERS = 40_000

export class Highlighter {
  readonly #loaded: () => void
  #api: HLJSApi | undefined
  #loading = false

  /** `loaded`: called once the colours are there. */
  constructor(loaded: () => void) {
    this.#loaded = loaded
  }

  /** Whether code is in colours from now on. */
  get isReady(): boolean {
    return this.#api !== undefined
  }

  /** The lines of the code. */
  paint(code: string, language: string | undefined, theme: Theme): string[] {
    if (!language || code.length > MAX_CHARACTERS || !theme.hasColour) return code.split("\n")
    const api = this.#api
    if (!api) {
      this.#load()
      return code.split("\n")
    }
    const name = language.toLowerCase()
    if (!api.getLanguage(name)) return code.split("\n")
    return fromHtml(api.highlight(code, { language: name, ignoreIllegals: true }).value, theme).split("\n")
  }

  #load(): void {
    if (this.#loading) return
    this.#loading = true
    import("highlight.js/lib/common").then(
      (module) => {
        this.#api = module.default
        this.#loaded()
      },
      // Without it, code stays as it is.
      () => undefined,
    )
  }
}

/** highlight.js returns HTML: nested `<span class="hljs-…">` and escaped text, nothing else (its documentation, "API"). */
function fromHtml(html: string, theme: Theme): string {
  const open: Paint[] = []
  let out = ""
  for (const [, scope, end, text] of html.matchAll(/<span class="([^"]*)">|(<\/span>)|([^<]+)/g)) {
    if (scope !== undefined) open.push(paintFor(scope, theme))
    else if (end !== undefined) open.pop()
    else out += linewise(unescaped(text!), open.at(-1))
  }
  return out
}

/** Styles end with their line. */
function linewise(text: string, paint: Paint | undefined): string {
  return paint ? text.split("\n").map(paint).join("\n") : text
}

/** `hljs-title function_` is a title; `hljs-built_in` has an underscore of its own. */
function paintFor(scope: string, theme: Theme): Paint {
  const name = scope.replace(/^hljs-/, "").split(" ", 1)[0]!
  return theme.syntax[name] ?? ((text) => text)
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#x27": "'" }

function unescaped(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|#x27);/g, (_, name: string) => ENTITIES[name]!)
}
