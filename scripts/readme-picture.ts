// The picture that the README opens with, docs/picture.svg: a moment of the story that test/ui/tui/first-screen tells,
// from a real run of the program against a scripted model. To be run when the screen has changed:
//   bun scripts/readme-picture.ts [FILE]
import { ask, firstScreen, talkOn } from "../test/ui/tui/first-screen/story.ts"
import { writePicture } from "./picture.ts"

const file = process.argv[2] ?? "docs/picture.svg"
await using story = await firstScreen({ columns: 100, rows: 37 })
await ask(story)
// Work that people wait for takes longer than a scripted model.
await story.terminal.shows(/current auth code +8 s/, { limitMs: 20_000 })
await talkOn(story)
await story.terminal.shows(/current auth code +12 s/, { limitMs: 20_000 })
await story.terminal.settled(50, { limitMs: 900 }).catch(() => undefined)
writePicture(story.terminal, file, "meanwhile")
console.log(`${file}\n${story.terminal.text()}`)
