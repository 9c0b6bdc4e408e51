// Reads the simplest shell commands into words, exactly as a POSIX shell or bash would. What it does not know, it does
// not guess: the reading is then `unknown`, which no rule that allows may match.

export interface ShellWord {
  /** After quotes and escapes are taken off. */
  text: string
  /** Has an unquoted `*`, `?` or `[`: the shell may put any number of file names in its place. */
  glob: boolean
  /** Some of it was quoted or escaped. */
  quoted: boolean
}

export type SimpleCommand = readonly ShellWord[]

export type ShellReading = { type: "commands"; commands: SimpleCommand[] } | { type: "unknown"; reason: string }

const SUBSTITUTION = "it uses a variable or substitution ($)"

/** Longer commands are programs; nobody wants them judged by their first words. */
const MAX_LENGTH = 10_000

/** Redirections that write nowhere, as whole tokens. */
const HARMLESS_REDIRECTION = /(?:[012]?>&[12]|[012]?>>?[ \t]*\/dev\/null|&>>?[ \t]*\/dev\/null)(?=[ \t\n;|&]|$)/y

/** Words that begin something other than a simple command. Source: POSIX.1-2024 XCU 2.4, and bash's own. */
const RESERVED: ReadonlySet<string> = new Set(
  "! { } case do done elif else esac fi for if in then until while [[ ]] coproc function select time".split(" "),
)

/** The simple commands that are joined by `;`, `&&`, `||`, `|` and line ends. */
export function readShell(command: string): ShellReading {
  if (command.length > MAX_LENGTH) return { type: "unknown", reason: "it is very long" }
  if (/[\0-\x08\x0b-\x1f\x7f]/.test(command)) return { type: "unknown", reason: "it contains control characters" }
  try {
    return { type: "commands", commands: new Reader(command).read() }
  } catch (error) {
    if (error instanceof Unreadable) return { type: "unknown", reason: error.message }
    throw error
  }
}

/** Something that this reader does not know. */
class Unreadable extends Error {}

class Reader {
  readonly #text: string
  #at = 0
  readonly #commands: SimpleCommand[] = []
  #words: ShellWord[] = []
  #word: ShellWord | undefined
  /** The word that is being read has an unquoted brace. */
  #brace = false
  /** An operator came last that needs another command after it. */
  #isOpen = false

  constructor(text: string) {
    this.#text = text
  }

  read(): SimpleCommand[] {
    while (this.#at < this.#text.length) this.#step(this.#text[this.#at]!)
    this.#endCommand("end")
    if (this.#isOpen) throw new Unreadable("a command is missing after an operator")
    if (this.#commands.length === 0) throw new Unreadable("it is empty")
    return this.#commands
  }

  #step(char: string): void {
    switch (char) {
      case " ":
      case "\t":
        this.#endWord()
        this.#at++
        break
      case "\n":
        this.#endCommand("line")
        this.#at++
        break
      case ";":
        this.#endCommand("operator")
        this.#at++
        break
      case "|":
        this.#pipe()
        break
      case "&":
        this.#ampersand()
        break
      case ">":
        this.#redirection()
        break
      case "'":
        this.#single()
        break
      case '"':
        this.#double()
        break
      case "\\":
        this.#escape()
        break
      default:
        this.#plain(char)
    }
  }

  #plain(char: string): void {
    const next = this.#text[this.#at + 1]
    if (char === "`") throw new Unreadable("it uses a substitution (`)")
    if (char === "(" || char === ")") throw new Unreadable("it uses parentheses")
    if (char === "<") throw new Unreadable("it redirects input (<)")
    if (char === "#" && !this.#word) throw new Unreadable("it has a comment (#)")
    if (char === "$" && next !== undefined && !" \t\n|;&".includes(next)) throw new Unreadable(SUBSTITUTION)
    if (!this.#word && "012".includes(char) && next === ">") {
      this.#redirection()
      return
    }
    this.#add(char, "plain")
  }

  #add(char: string, how: "plain" | "quoted"): void {
    this.#word ??= { text: "", glob: false, quoted: false }
    this.#word.text += char
    if (how === "quoted") this.#word.quoted = true
    if (how === "plain" && "*?[".includes(char)) this.#word.glob = true
    if (how === "plain" && "{}".includes(char)) this.#brace = true
    this.#at += 1
  }

  #single(): void {
    const end = this.#text.indexOf("'", this.#at + 1)
    if (end < 0) throw new Unreadable("a quote is not closed")
    this.#addQuoted(this.#text.slice(this.#at + 1, end))
    this.#at = end + 1
  }

  #double(): void {
    let content = ""
    for (let at = this.#at + 1; at < this.#text.length; at++) {
      const char = this.#text[at]!
      const next = this.#text[at + 1]
      if (char === '"') {
        this.#addQuoted(content)
        this.#at = at + 1
        return
      }
      if (char === "`") throw new Unreadable("it uses a substitution (`)")
      // A dollar sign before these is a plain one.
      if (char === "$" && (next === undefined || !'" \t\n|)'.includes(next))) throw new Unreadable(SUBSTITUTION)
      if (char !== "\\" || next === undefined || !'$`"\\\n'.includes(next)) {
        content += char
        continue
      }
      if (next !== "\n") content += next
      at++
    }
    throw new Unreadable("a quote is not closed")
  }

  #addQuoted(text: string): void {
    this.#word ??= { text: "", glob: false, quoted: true }
    this.#word.text += text
    this.#word.quoted = true
  }

  #escape(): void {
    const next = this.#text[this.#at + 1]
    if (next === undefined) throw new Unreadable("it ends in a backslash")
    this.#at++
    if (next === "\n") this.#at++
    if (next !== "\n") this.#add(next, "quoted")
  }

  #pipe(): void {
    const next = this.#text[this.#at + 1]
    if (next === "&") throw new Unreadable("it uses |&")
    this.#endCommand("operator")
    this.#isOpen = true
    this.#at += next === "|" ? 2 : 1
  }

  #ampersand(): void {
    const next = this.#text[this.#at + 1]
    if (next === ">") {
      this.#redirection()
      return
    }
    if (next !== "&") throw new Unreadable("it runs something in the background (&)")
    this.#endCommand("operator")
    this.#isOpen = true
    this.#at += 2
  }

  #redirection(): void {
    this.#endWord()
    HARMLESS_REDIRECTION.lastIndex = this.#at
    if (this.#words.length === 0 || !HARMLESS_REDIRECTION.test(this.#text))
      throw new Unreadable("it redirects output (>)")
    this.#at = HARMLESS_REDIRECTION.lastIndex
  }

  #endWord(): void {
    const word = this.#word
    if (!word) return
    if (this.#brace && /,|\.\./.test(word.text)) throw new Unreadable("it uses a brace expansion")
    this.#words.push(word)
    this.#word = undefined
    this.#brace = false
  }

  #endCommand(by: "operator" | "line" | "end"): void {
    this.#endWord()
    const [first] = this.#words
    if (!first) {
      if (by === "operator") throw new Unreadable("a command is missing before an operator")
      return
    }
    if (/^[A-Za-z_]\w*(\[.*\])?\+?=/s.test(first.text)) throw new Unreadable("it sets a variable")
    if (RESERVED.has(first.text)) throw new Unreadable(`it uses ${JSON.stringify(first.text)}`)
    this.#commands.push(this.#words)
    this.#words = []
    this.#isOpen = false
  }
}
