// Read of what is not lines: images, PDF, notebooks.
import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { readTool } from "../../src/tool/read.ts"
import type { Tool } from "../../src/tool/tool.ts"
import { eventually } from "../../testing/harness.ts"
import { Workspace } from "./workspace.ts"

let space: Workspace

beforeEach(() => {
  space = new Workspace()
})
afterEach(() => space[Symbol.dispose]())

function png(width: number, height: number, size = 64): Buffer {
  const bytes = Buffer.alloc(size)
  bytes.write("89504e470d0a1a0a0000000d49484452", "hex")
  bytes.writeUInt32BE(width, 16)
  bytes.writeUInt32BE(height, 20)
  return bytes
}

describe("images", () => {
  const gif = Buffer.from("47494638396140011e0000", "hex")
  // Start, an application segment, then the frame header with height 30 and width 320.
  const jpeg = Buffer.from("ffd8ffe000044a46ffc0000b08001e0140010111000000", "hex")
  const webp = Buffer.concat([
    Buffer.from("RIFF\0\0\0\0WEBPVP8X"),
    Buffer.from("0a00000000000000 3f0100 1d0000".replaceAll(" ", ""), "hex"),
  ])
  test.each([
    ["png", png(320, 30), "image/png"],
    ["gif", gif, "image/gif"],
    ["jpeg", jpeg, "image/jpeg"],
    ["webp", webp, "image/webp"],
  ])("of the kind %s are shown as such, whatever they are called, with their size", async (_, bytes, mediaType) => {
    const path = space.put("picture.txt", bytes)
    const output = await space.run("Read", { file_path: "picture.txt" })
    expect(output.content).toEqual([
      { type: "text", text: `picture.txt: ${mediaType}, 320 × 30 pixels` },
      { type: "image", mediaType, data: bytes.toString("base64") },
    ])
    expect(output.data).toEqual({ path, mediaType, width: 320, height: 30, bytes: bytes.length })
  })
  test("that are too large are refused with a command that makes them smaller", async () => {
    space.put("it's.png", png(10, 10, 4_000_000))
    expect(await space.error("Read", { file_path: "it's.png" })).toBe(
      `it's.png is an image of 3.8 MB; 3.5 MB can be shown. Make a smaller copy with Bash, for example: magick '${space.cwd}/it'\\''s.png' -resize '1600x1600>' /tmp/small.png (macOS: sips -Z 1600), then Read that.`,
    )
    space.put("wide.png", png(9000, 10))
    expect(await space.error("Read", { file_path: "wide.png" })).toContain("has 9000 × 10 pixels; 8000 on a side")
  })
  test("that are cut off before their size are broken", async () => {
    space.put("a.png", png(1, 1).subarray(0, 18))
    expect(await space.error("Read", { file_path: "a.png" })).toContain("is broken")
    space.put("b.jpg", Buffer.from("ffd8ffe0ffff", "hex"))
    expect(await space.error("Read", { file_path: "b.jpg" })).toContain("is broken")
  })
  test("need the name of an image no more than other files: text called .png is text", async () => {
    space.put("a.png", "just text\n")
    expect(await space.text("Read", { file_path: "a.png" })).toBe("1\tjust text")
  })
})

describe("PDF", () => {
  /** Reads with a `pdftotext` that is this script. */
  function reader(script?: string): void {
    const bin = join(space.root, "bin")
    mkdirSync(bin)
    if (script !== undefined) {
      writeFileSync(join(bin, "pdftotext"), `#!/bin/sh\n${script}\n`)
      chmodSync(join(bin, "pdftotext"), 0o755)
    }
    space.tools.Read = readTool({ files: space.files, env: { PATH: `${bin}:/usr/bin:/bin` } }) as Tool
    space.put("a.pdf", "%PDF-1.7\n\0")
  }
  const read = (more: object = {}) => space.text("Read", { file_path: "a.pdf", ...more })
  const refused = (more: object = {}) => space.error("Read", { file_path: "a.pdf", ...more })

  test("is shown page by page", async () => {
    reader(`printf 'one\\n\\ftwo\\n\\f'`)
    expect(await read()).toBe("--- page 1 ---\none\n--- page 2 ---\ntwo")
  })
  test("is asked for the pages that are wanted, and for twenty at most", async () => {
    reader('echo "$@" | sed "s| /.*/a.pdf| FILE|"; printf "\\f"')
    const asked = async (pages: string) => (await read({ pages })).split("\n")[1]
    expect(await asked("3")).toBe("-enc UTF-8 -f 3 -l 3 FILE -")
    expect(await asked("2-4")).toBe("-enc UTF-8 -f 2 -l 4 FILE -")
    expect(await asked("5-")).toBe("-enc UTF-8 -f 5 -l 24 FILE -")
    expect(await asked("1-500")).toBe("-enc UTF-8 -f 1 -l 20 FILE -")
    for (const pages of ["0", "5-2", "a", "1,3", "", "-3"])
      expect(await refused({ pages })).toContain("pages must be like")
  })
  test("that is long says how to go on, and never shows half a page", async () => {
    reader(`for i in 1 2 3 4 5; do yes "page $i text" | head -c 12000; printf '\\f'; done`)
    const text = await read()
    expect(text).toEndWith('[Pages 1 to 2. If there are more: go on with pages "3-".]')
    expect(text.length).toBeLessThan(30_000)
    expect(text).not.toContain("page 3 text")
  })
  test.each([
    ["Command Line Error: Incorrect password", "is encrypted"],
    [
      "Command Line Error: Wrong page range given: the first page (9) can not be after the last page (3).",
      "has 3 pages; there is no page 9",
    ],
    ["Syntax Error: Couldn't find trailer dictionary", "cannot be read as a PDF: Syntax Error"],
  ])("that cannot be read is explained: %s", async (said, explained) => {
    reader(`echo "${said}" >&2; exit 1`)
    expect(await refused({ pages: "9" })).toContain(explained)
  })
  test("without text may be scanned", async () => {
    reader("printf '\\f\\f'")
    expect(await refused()).toContain("has no text on 2 pages from 1 on: they may be scanned")
  })
  test("is not waited for when the user interrupts", async () => {
    reader("echo started > $0.started; exec sleep 600")
    const stop = new AbortController()
    const reading = space.run("Read", { file_path: "a.pdf" }, { signal: stop.signal })
    await eventually("it runs", () => existsSync(join(space.root, "bin/pdftotext.started")))
    stop.abort(new Error("interrupted"))
    await expect(reading).rejects.toThrow("interrupted")
  })
  test("needs pdftotext, and says how to get it", async () => {
    // Its other names and places are the system's own: only where it is not installed can it be missing.
    reader()
    const output = await space.run("Read", { file_path: "a.pdf" }).catch((error: Error) => error.message)
    if (Bun.which("pdftotext", { PATH: "/usr/bin:/bin:/usr/local/bin:/opt/homebrew/bin" })) return
    expect(output).toContain("pdftotext is not installed to read it")
  })
  test("has pages; other files have not", async () => {
    space.put("a.txt", "x")
    expect(await space.error("Read", { file_path: "a.txt", pages: "1" })).toContain("is not a PDF")
  })
})

describe("notebooks", () => {
  const picture = png(2, 2).toString("base64")
  const notebook = {
    nbformat: 4,
    metadata: { language_info: { name: "python" } },
    cells: [
      { cell_type: "markdown", source: ["# Title\n", "text"] },
      {
        cell_type: "code",
        execution_count: 3,
        source: "print(1)\n",
        outputs: [
          { output_type: "stream", name: "stdout", text: ["1\n", "2\n"] },
          { output_type: "execute_result", data: { "text/plain": ["array([1])"], "text/html": ["<b>1</b>"] } },
          { output_type: "display_data", data: { "image/png": `${picture}\n`, "text/plain": "<Figure>" } },
          { output_type: "error", ename: "ValueError", evalue: "no", traceback: ["\x1b[31mValueError\x1b[0m: no"] },
          { output_type: "display_data", data: { "application/vnd.plotly.v1+json": {} } },
        ],
      },
      { cell_type: "code", execution_count: null, source: [], outputs: [] },
    ],
  }
  test("are shown cell by cell, with what they printed and their pictures", async () => {
    space.put("a.ipynb", JSON.stringify(notebook))
    const output = await space.run("Read", { file_path: "a.ipynb" })
    expect(output.content).toEqual([
      {
        type: "text",
        text: `--- cell 1: markdown ---
# Title
text
--- cell 2: code (python), run 3 ---
print(1)
[stdout]
1
2
[result]
array([1])
[result]
[picture 1, below]
[error]
ValueError: no
[result: application/vnd.plotly.v1+json, not shown]
--- cell 3: code (python) ---`,
      },
      { type: "image", mediaType: "image/png", data: picture },
    ])
  })
  test("are JSON for who gives an offset, and can be edited after either", async () => {
    space.put("a.ipynb", JSON.stringify(notebook, null, 1))
    expect(await space.text("Read", { file_path: "a.ipynb", offset: 1, limit: 1 })).toStartWith("1\t{")
    space.files.stamps.forget("session")
    await space.run("Read", { file_path: "a.ipynb" })
    await space.run("Edit", { file_path: "a.ipynb", old_string: "print(1)", new_string: "print(2)" })
    expect(space.get("a.ipynb")).toContain("print(2)")
  })
  test("of the old format are read as well", async () => {
    const old = {
      nbformat: 3,
      worksheets: [{ cells: [{ cell_type: "code", input: ["1+1"], prompt_number: 1, outputs: [] }] }],
    }
    space.put("old.ipynb", JSON.stringify(old))
    expect(await space.text("Read", { file_path: "old.ipynb" })).toBe("--- cell 1: code, run 1 ---\n1+1")
  })
  test("that are long stop at a cell, and say how many are left", async () => {
    const cells = Array.from({ length: 200 }, (_, index) => ({
      cell_type: "code",
      source: `# ${index}`,
      outputs: [
        { output_type: "stream", name: "stdout", text: "x".repeat(5000) },
        { output_type: "display_data", data: { "image/png": picture } },
      ],
    }))
    space.put("long.ipynb", JSON.stringify({ cells }))
    const { content } = await space.run("Read", { file_path: "long.ipynb" })
    const text = (content[0] as { text: string }).text
    expect(text.length).toBeLessThan(30_000)
    expect(text).toEndWith("[191 more cells of 200. Read the JSON with offset and limit to see them.]")
    expect(content).toHaveLength(6)
  })
  test.each([["not json"], ["[]"], ["{}"], ['{"cells": 3}'], ['"x"']])(
    "that are broken are said to be: %s",
    async (content) => {
      space.put("bad.ipynb", content)
      expect(await space.error("Read", { file_path: "bad.ipynb" })).toBe(
        'bad.ipynb is not a valid notebook. Read it as text with {"offset": 1}.',
      )
    },
  )
  test("with rubbish in their cells are shown as far as possible", async () => {
    const cells = [
      null,
      3,
      { cell_type: 7, source: { a: 1 } },
      { cell_type: "code", outputs: [null, { data: 3 }, { output_type: "stream", text: 4 }] },
    ]
    space.put("odd.ipynb", JSON.stringify({ cells }))
    expect(await space.text("Read", { file_path: "odd.ipynb" })).toContain("--- cell 1: 7 ---\n--- cell 2: code ---")
  })
})
