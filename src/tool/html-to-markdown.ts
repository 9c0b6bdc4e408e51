// HTML as markdown that a model reads: what a person would see of the page, links that can be followed, no navigation.
// It may take very long for a hostile page, so it runs in a worker (html-worker.ts) and nowhere else.
import TurndownService from "turndown"
import { highlightedCodeBlock, strikethrough, taskListItems } from "turndown-plugin-gfm"

export interface Markdown {
  title: string
  markdown: string
}

/** What we use of the nodes that the library gives; its types want a browser's. */
interface Dom {
  nodeName: string
  nodeType: number
  nodeValue: string | null
  textContent: string | null
  childNodes: ArrayLike<Dom>
  parentNode: Dom | null
  getAttribute(name: string): string | null
  getElementsByTagName(name: string): ArrayLike<Dom>
}

const ELEMENT = 1
const TEXT = 3

/** Never seen by a person who reads the page, or only of use with a mouse. */
const UNSEEN: ReadonlySet<string> = new Set(
  (
    "SCRIPT STYLE NAV TEMPLATE NOSCRIPT IFRAME OBJECT EMBED SVG CANVAS MAP AUDIO VIDEO DIALOG " +
    "BUTTON SELECT TEXTAREA DATALIST LINK META"
  ).split(" "),
)

/** `base`: the page's own address, which relative links start from. */
export function htmlToMarkdown(html: string, base: string): Markdown {
  const service = new TurndownService({
    headingStyle: "atx",
    codeBlockStyle: "fenced",
    bulletListMarker: "-",
    emDelimiter: "*",
    hr: "---",
    br: "",
    // A page may hold nothing that is worth showing, but in the library's default a blank node keeps its line ends.
    blankReplacement: (_, node) => ((node as unknown as { isBlock: boolean }).isBlock ? "\n\n" : ""),
  })
  // Backslashes would be in the way: the model is to see `snake_case` and `a * b` as they are.
  service.escape = (text) => text
  service.use([highlightedCodeBlock, strikethrough, taskListItems])
  const page: Page = { title: "", base }
  addLinks(service, page)
  addTables(service)
  addBlocks(service, page)
  // The last rule is asked first: what is not seen is nothing, whatever else it may be.
  rule(service, "unseen", { filter: isUnseen, replacement: () => "" })
  const markdown = service
    .turndown(html)
    .replace(/[ \t]+\n/g, "\n")
    .replace(/\n{3,}/g, "\n\n")
    .trim()
  return { title: page.title, markdown }
}

interface Page {
  title: string
  /** Changed by a `<base>`, which comes before all links. */
  base: string
}

interface Rule {
  filter: string | string[] | ((node: Dom) => boolean)
  replacement(content: string, node: Dom): string
}

function rule(service: TurndownService, name: string, { filter, replacement }: Rule): void {
  service.addRule(name, {
    filter: filter as unknown as TurndownService.Filter,
    replacement: (content, node) => replacement(content, node as unknown as Dom),
  })
}

function isUnseen(node: Dom): boolean {
  if (UNSEEN.has(node.nodeName.toUpperCase())) return true
  if (node.getAttribute("hidden") !== null || node.getAttribute("aria-hidden") === "true") return true
  if (node.getAttribute("role") === "navigation") return true
  return /(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)/i.test(node.getAttribute("style") ?? "")
}

function addLinks(service: TurndownService, page: Page): void {
  rule(service, "base", {
    filter: "base",
    replacement: (_, node) => {
      page.base = absolute(node.getAttribute("href"), page.base) ?? page.base
      return ""
    },
  })
  rule(service, "link", {
    filter: "a",
    replacement: (content, node) => {
      const href = node.getAttribute("href")
      // Headings are links in many lists of articles; a mark beside a heading is its permanent link.
      const text = flat(content).replace(/^#+ /, "")
      if (href?.startsWith("#") && /^[#¶§🔗]?$/u.test(text)) return ""
      const target = href?.startsWith("#") ? undefined : absolute(href, page.base)
      return text && target ? `[${text}](${target})` : text
    },
  })
  rule(service, "image", {
    filter: "img",
    replacement: (_, node) => {
      const alt = flat(node.getAttribute("alt") ?? "")
      const source = absolute(node.getAttribute("src"), page.base)
      if (!alt) return ""
      return source ? `![${alt}](${source})` : `![${alt}]`
    },
  })
}

/** Undefined for what cannot be fetched or is no address: `javascript:`, `data:`. */
function absolute(href: string | null | undefined, base: string): string | undefined {
  if (!href || !URL.canParse(href, base)) return undefined
  const url = new URL(href, base)
  if (!/^(?:https?|mailto|ftp):$/.test(url.protocol)) return undefined
  return url.href.replace(/[()]/g, (bracket) => (bracket === "(" ? "%28" : "%29"))
}

function addBlocks(service: TurndownService, page: Page): void {
  rule(service, "title", {
    filter: "title",
    replacement: (content) => {
      page.title ||= flat(content).slice(0, 300)
      return ""
    },
  })
  rule(service, "pre", {
    filter: "pre",
    replacement: (_, node) => {
      const code = preText(node).replace(/^\n|\s+$/g, "")
      const fence = "`".repeat(Math.max(3, ...(code.match(/`+/g) ?? []).map((run) => run.length + 1)))
      return `\n\n${fence}${languageOf(node)}\n${code}\n${fence}\n\n`
    },
  })
  rule(service, "term", { filter: "dt", replacement: (content) => `\n\n**${flat(content)}**\n` })
  rule(service, "definition", { filter: "dd", replacement: (content) => `\n${content.trim()}\n` })
}

function preText(node: Dom): string {
  if (node.nodeType === TEXT) return node.nodeValue ?? ""
  if (node.nodeName === "BR") return "\n"
  return Array.from(node.childNodes, preText).join("")
}

function languageOf(pre: Dom): string {
  const code = Array.from(pre.childNodes).find(({ nodeName }) => nodeName === "CODE")
  const names = [pre, code, pre.parentNode].map((node) =>
    node?.nodeType === ELEMENT ? node.getAttribute("class") : "",
  )
  return /(?:^|\s)(?:lang(?:uage)?|highlight-source|brush:)-?\s?([\w+#-]+)/.exec(names.join(" "))?.[1] ?? ""
}

/** Tables of data become pipes and dashes, with an empty head where they have none; those for layout become paragraphs. */
function addTables(service: TurndownService): void {
  const kinds = new Map<Dom, "data" | "layout">()
  const kindOf = (table: Dom): "data" | "layout" => {
    const known = kinds.get(table)
    if (known) return known
    const kind = isData(table) ? "data" : "layout"
    kinds.set(table, kind)
    return kind
  }
  const inData = (node: Dom) => {
    const table = tableOf(node)
    return table !== undefined && kindOf(table) === "data"
  }
  rule(service, "cell", {
    filter: ["th", "td"],
    replacement: (content, node) =>
      inData(node)
        ? ` ${flat(content).replaceAll("|", "\\|")} |${" |".repeat(spanOf(node) - 1)}`
        : `\n\n${content}\n\n`,
  })
  rule(service, "row", {
    filter: "tr",
    replacement: (content, node) => {
      if (!inData(node)) return content
      return content.trim() === "" ? "" : `\n|${content.replace(/\n/g, "")}`
    },
  })
  rule(service, "section", { filter: ["thead", "tbody", "tfoot"], replacement: (content) => content })
  rule(service, "caption", { filter: "caption", replacement: (content) => `\n\n${flat(content)}\n\n` })
  rule(service, "table", {
    filter: "table",
    replacement: (content, node) => (kindOf(node) === "data" ? dataTable(content, node) : `\n\n${content}\n\n`),
  })
}

function dataTable(content: string, table: Dom): string {
  const lines = content.split("\n").filter((line) => line.trim() !== "")
  const start = lines.findIndex((line) => line.startsWith("|"))
  if (start < 0) return `\n\n${content}\n\n`
  const columns = lines[start]!.match(/(?<!\\)\|/g)!.length - 1
  const rule = `|${" --- |".repeat(columns)}`
  const head = hasHead(table) ? [lines[start]!, rule] : [`|${"  |".repeat(columns)}`, rule, lines[start]!]
  return `\n\n${[...lines.slice(0, start), ...(start > 0 ? [""] : []), ...head, ...lines.slice(start + 1)].join("\n")}\n\n`
}

function hasHead(table: Dom): boolean {
  const row = table.getElementsByTagName("tr")[0]
  if (!row) return false
  return row.parentNode?.nodeName === "THEAD" || row.getElementsByTagName("th").length > 0
}

/** Several columns, and in the cells nothing that needs lines of its own. */
function isData(table: Dom): boolean {
  if (table.getAttribute("role") === "presentation") return false
  if (["table", "pre", "ul", "ol", "h1", "h2", "h3"].some((name) => table.getElementsByTagName(name).length > 0))
    return false
  const rows = Array.from(table.getElementsByTagName("tr")).slice(0, 20)
  return rows.some((row) => Array.from(row.childNodes).filter(({ nodeType }) => nodeType === ELEMENT).length > 1)
}

function tableOf(node: Dom): Dom | undefined {
  let up = node.parentNode
  while (up && up.nodeName !== "TABLE") up = up.parentNode
  return up ?? undefined
}

function spanOf(cell: Dom): number {
  const span = Number(cell.getAttribute("colspan") ?? 1)
  return Number.isInteger(span) && span > 0 && span <= 20 ? span : 1
}

function flat(text: string): string {
  return text.replace(/\s+/g, " ").trim()
}
