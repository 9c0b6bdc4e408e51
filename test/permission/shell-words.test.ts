import { expect, test } from "bun:test"
import { spawnSync } from "node:child_process"
import fc from "fast-check"
import { readShell } from "../../src/permission/shell-words.ts"

function words(command: string): string[][] | undefined {
  const reading = readShell(command)
  return reading.type === "commands" ? reading.commands.map((found) => found.map(({ text }) => text)) : undefined
}

const readable: [string, string[][]][] = [
  ["ls", [["ls"]]],
  ["  ls\t-la  ", [["ls", "-la"]]],
  ["ls && cat 'a b' || echo \"c d\" | wc -l; pwd", [["ls"], ["cat", "a b"], ["echo", "c d"], ["wc", "-l"], ["pwd"]]],
  ["ls\npwd\n\n", [["ls"], ["pwd"]]],
  ["ls &&\n pwd", [["ls"], ["pwd"]]],
  ["l\\s a\\ b", [["ls", "a b"]]],
  ["ls \\\n -l", [["ls", "-l"]]],
  [`echo "a\\"b\\\\c\\d"`, [["echo", 'a"b\\c\\d']]],
  [`grep 'a$(b)' "x$" y$`, [["grep", "a$(b)", "x$", "y$"]]],
  ["echo ''", [["echo", ""]]],
  ["ls 2>&1", [["ls"]]],
  ["ls >/dev/null 2>&1", [["ls"]]],
  ["ls 2> /dev/null|wc", [["ls"], ["wc"]]],
  ["ls &>/dev/null", [["ls"]]],
  ["echo a2>/dev/null", [["echo", "a2"]]],
  ["git show HEAD@{1}", [["git", "show", "HEAD@{1}"]]],
  ["echo a#b", [["echo", "a#b"]]],
  ["ls;", [["ls"]]],
]

test.each(readable)("%j is read into its words", (command, expected) => {
  expect(words(command)).toEqual(expected)
})

const unreadable = [
  "",
  "   ",
  "ls $(id)",
  "ls `id`",
  'echo "$(id)"',
  'echo "`id`"',
  "echo $HOME",
  'echo "$HOME"',
  "echo ${x}",
  "echo $'a'",
  'echo $"a"',
  "echo $[1+1]",
  "echo $\\\n(id)",
  '"$\\\n(id)"',
  "ls > out",
  "ls >out",
  "ls >> out",
  "ls >| out",
  "ls 2>err",
  "ls >/dev/nullx",
  "ls >/dev/null/../x",
  "ls &>out",
  "ls >&3",
  "ls 2>&1x",
  "> /dev/null ls",
  "cat < in",
  "cat << EOF\nx\nEOF",
  "cat <<< x",
  "cat <(ls)",
  "(ls)",
  "ls; (rm x)",
  "{ ls; }",
  "ls &",
  "ls & rm x",
  "ls |& rm",
  "ls ;; rm",
  "ls &&",
  "| ls",
  "ls | | rm",
  "A=b ls",
  "A+=b ls",
  "A[0]=b ls",
  "PATH=. ls",
  "if true; then rm x; fi",
  "for f in a; do rm $f; done",
  "while true; do ls; done",
  "! ls",
  "[[ -f x ]]",
  "function ls { rm x; }",
  "ls() { rm x; }",
  "ls 'a",
  'ls "a',
  "ls \\",
  "ls {a,b}",
  "ls {1..3}",
  "ls # all",
  "ls\r\nrm x",
  "ls\0rm",
  "ls \x1b[2J",
  "time ls",
]

test.each(unreadable)("%j is not read", (command) => {
  expect(words(command)).toBeUndefined()
})

test("an endless command is not read", () => {
  expect(readShell(`ls ${"a ".repeat(10_000)}`).type).toBe("unknown")
})

test("words with wildcards are marked, quoted ones are not", () => {
  const reading = readShell("ls *.ts '*.js' \\*.md a?b [x]")
  expect(reading.type === "commands" && reading.commands[0]?.map(({ glob }) => glob)).toEqual([
    false,
    true,
    false,
    false,
    true,
    true,
  ])
})

test("whatever is read is read as bash reads it", () => {
  // Hostile pieces in any order; each argument comes back with a NUL behind it. Nothing here names a program.
  const piece = fc.constantFrom(
    "a",
    "'b'",
    '"c"',
    " ",
    "\\",
    "\\\n",
    "'",
    '"',
    "x y",
    "=",
    "~q",
    "{",
    "}",
    "#",
    "$",
    ";",
    "|",
    "&",
    "2",
    ">",
    "/dev/null",
    "&1",
    "\t",
  )
  const property = fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
    const reading = readShell(`put ${pieces.join("")}`)
    if (reading.type === "unknown" || reading.commands.length !== 1) return
    const script = `exec 3>&1; put() { for a in "$@"; do builtin printf '%s\\0' "$a" >&3; done; }; put ${pieces.join("")}`
    const run = spawnSync("bash", ["--norc", "-c", script], { cwd: "/", encoding: "utf8" })
    const args = run.stdout.split("\0").slice(0, -1)
    expect(args).toEqual(reading.commands[0]!.slice(1).map(({ text }) => text))
  })
  fc.assert(property, { numRuns: 200, seed: 7 })
})
