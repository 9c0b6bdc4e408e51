// Walking through a list of tasks while they come, go and change.
import { describe, expect, test } from "bun:test"
import type { TaskItem } from "../../../src/ui/view/task-item.ts"
import { type TaskGroup, TaskList } from "../../../src/ui/view/task-list.ts"
import { processorMs } from "../../../testing/harness.ts"
import { taskItemOf as item } from "../tui/task-item-of.ts"

const done = { state: "completed", look: "done" } as const
const group = (items: readonly TaskItem[], more: Partial<TaskGroup> = {}): TaskGroup => ({
  rootId: "root",
  name: "shop",
  isOwn: true,
  isDriven: true,
  items,
  ...more,
})
const plain = { withNames: false }
const ids = (list: TaskList, height = 100) =>
  list.window(height).rows.map((row) => (row.type === "task" ? row.item.id : `[${row.group.name}]`))

function listOf(...items: TaskItem[]): TaskList {
  const list = new TaskList()
  list.show([group(items)], plain)
  return list
}

describe("which task is chosen", () => {
  test("at first the first live one, or the last when none lives", () => {
    expect(listOf(item("aaaa", done), item("bbbb"), item("cccc")).chosen?.item.id).toBe("bbbb")
    expect(listOf(item("aaaa", done), item("bbbb", done)).chosen?.item.id).toBe("bbbb")
    expect(listOf().chosen).toBeUndefined()
  })

  test("stays the same while others come before and after it, and while it changes", () => {
    const list = listOf(item("aaaa", done), item("bbbb"))
    list.show([group([item("0000"), item("aaaa", done), item("bbbb", { doing: "reads" }), item("cccc")])], plain)
    expect(list.chosen?.item).toMatchObject({ id: "bbbb", doing: "reads" })
    list.show([group([item("bbbb", done), item("cccc")])], plain)
    expect(list.chosen?.item.id).toBe("bbbb")
  })

  test("one that goes is followed by the next, or the one before at the end", () => {
    const list = listOf(item("aaaa"), item("bbbb"), item("cccc"))
    list.choose("bbbb")
    list.show([group([item("aaaa"), item("cccc")])], plain)
    expect(list.chosen?.item.id).toBe("cccc")
    list.show([group([item("aaaa")])], plain)
    expect(list.chosen?.item.id).toBe("aaaa")
    list.show([group([])], plain)
    expect(list.chosen).toBeUndefined()
  })

  test("moves by rows and pages, passes over names, and stops at the ends", () => {
    const list = new TaskList()
    const groups = [group([item("aaaa"), item("bbbb")]), group([item("cccc")], { rootId: "two", name: "other" })]
    list.show(groups, { withNames: true })
    expect(ids(list)).toEqual(["[shop]", "aaaa", "bbbb", "[other]", "cccc"])
    list.moveBy(2)
    expect(list.chosen?.item.id).toBe("cccc")
    list.moveBy(5)
    expect(list.chosen?.item.id).toBe("cccc")
    list.moveBy(-1)
    expect(list.chosen?.item.id).toBe("bbbb")
    list.first()
    expect(list.chosen?.item.id).toBe("aaaa")
    list.last()
    expect(list.chosen?.item.id).toBe("cccc")
  })
})

describe("which part is seen", () => {
  const many = Array.from({ length: 100 }, (_, i) => item(`t${String(i).padStart(3, "0")}`))

  test("follows the chosen one, page by page", () => {
    const list = listOf(...many)
    expect(ids(list, 10)[0]).toBe("t000")
    list.pageBy(1)
    list.pageBy(1)
    expect(list.chosen?.item.id).toBe("t018")
    expect(ids(list, 10)).toContain("t018")
    list.last()
    expect(ids(list, 10).at(-1)).toBe("t099")
  })

  test("scrolls without choosing, and comes back when one moves", () => {
    const list = listOf(...many)
    list.window(10)
    list.scrollBy(30)
    expect(ids(list, 10)[0]).toBe("t030")
    expect(list.chosen?.item.id).toBe("t000")
    list.scrollBy(1000)
    expect(ids(list, 10)[0]).toBe("t090")
    list.moveBy(1)
    expect(ids(list, 10)[0]).toBe("t001")
  })

  test("stands still when rows come above it", () => {
    const list = listOf(...many)
    list.window(10)
    list.choose("t050")
    const before = ids(list, 10)
    list.show([group([item("new1"), item("new2"), ...many])], plain)
    expect(ids(list, 10)).toEqual(before)
  })
})

describe("the filter", () => {
  const list = listOf(
    item("aaaa", { title: "current auth code" }),
    item("bbbb", { ...done, title: "tests" }),
    item("cccc", {
      kind: "shell",
      agent: undefined,
      command: "npm run build",
      title: "build",
      look: "failed",
      state: "failed",
    }),
    item("dddd", { title: "rates", look: "asking", health: "waiting for you" }),
  )
  const fitting = (text: string) => {
    list.filter = text
    return ids(list)
  }

  test("finds by name, id, command, state and health, in any case, all words of it", () => {
    expect(fitting("AUTH")).toEqual(["aaaa"])
    expect(fitting("bbb")).toEqual(["bbbb"])
    expect(fitting("npm")).toEqual(["cccc"])
    expect(fitting("failed")).toEqual(["cccc"])
    expect(fitting("completed")).toEqual(["bbbb"])
    expect(fitting("waiting for you")).toEqual(["dddd"])
    expect(fitting("explore rates")).toEqual(["dddd"])
    expect(fitting("  ")).toHaveLength(4)
    expect(fitting("zzz")).toEqual([])
    expect(list.chosen).toBeUndefined()
    expect(fitting("")).toHaveLength(4)
  })

  test("leaves the counts as they are", () => {
    list.filter = "auth"
    expect(list.counts).toEqual({ running: 1, asking: 1, queued: 0, paused: 0, done: 1, failed: 1, stopped: 0 })
  })

  test("finds what nobody drives, and hides groups with nothing in them", () => {
    const all = new TaskList()
    const other = group([item("eeee")], { rootId: "two", name: "other", isDriven: false })
    all.show([group([item("aaaa")]), other], { withNames: true })
    all.filter = "nobody drives"
    expect(ids(all)).toEqual(["[other]", "eeee"])
  })
})

test("ids are shown as long as they must be to tell them apart", () => {
  expect(listOf(item("abcdefgh"), item("bcdefghi")).idLength).toBe(4)
  expect(listOf(item("abcdefgh"), item("abcdefxx")).idLength).toBe(7)
})

test("10,000 tasks: nothing is done again when nothing has changed, and a change costs little", () => {
  const items = Array.from({ length: 10_000 }, (_, i) => item(`id${i}`, done))
  const list = new TaskList()
  const groups = [group(items)]
  list.show(groups, plain)
  list.window(50)
  const rows = list.rows
  const took = processorMs(() => {
    for (let i = 0; i < 10_000; i++) {
      list.show([group(items)], plain)
      list.moveBy(1)
      list.window(50)
    }
  })
  // Ten thousand frames in less than a second: far below anything that would build the rows each time.
  expect(took).toBeLessThan(1000)
  expect(list.rows).toBe(rows)
  expect(list.chosen?.item.id).toBe("id9999")
})
