// Provisional.
import { Editor, type TUI } from "@earendil-works/pi-tui"
import type { Hosted, Program } from "../../program.ts"
import type { SessionRow } from "../../store/rows.ts"

export function provisionalEditor(tui: TUI): Editor {
  const plain = (text: string) => text
  return new Editor(tui, {
    borderColor: plain,
    selectList: { selectedPrefix: plain, selectedText: plain, description: plain, scrollInfo: plain, noMatch: plain },
  })
}

export async function provisionalDrive(
  program: Program,
  row: SessionRow,
  signal: AbortSignal,
): Promise<Hosted | undefined> {
  const hosted = await program.host(row)
  if (!hosted) return undefined
  void (async () => {
    while (!signal.aborted) {
      await hosted.woken(signal)
      await hosted.converse({ signal, steps: Number.POSITIVE_INFINITY, patienceMs: 2 ** 31 - 1 })
    }
  })().catch(() => undefined)
  return hosted
}
