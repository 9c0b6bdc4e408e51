// What keys can do: every action with its context and the keys it has when nobody says otherwise. The names on the
// left are what a person writes in keybindings.json, so they are a contract.

/** Where a key means something. `list` is for pickers; `tasks`, `approvals` and `resume` are tried before it. */
export const contexts = [
  "conversation",
  "editor",
  "tasks",
  "inspector",
  "memory",
  "approvals",
  "resume",
  "stats",
  "list",
] as const
export type KeyContext = (typeof contexts)[number]

interface Definition {
  /** Keys by their names (key-name.ts); two strokes are separated by a space. */
  keys: readonly string[]
  /** What it does, as the screen of keys says it. */
  does: string
}

export const actions = {
  "conversation.background": { keys: ["ctrl+b", "ctrl+x ctrl+b"], does: "move what blocks the turn to the background" },
  "conversation.interrupt": { keys: ["escape"], does: "interrupt the turn; twice on an empty prompt: rewind" },
  "conversation.stopAll": { keys: ["ctrl+x ctrl+k"], does: "stop all background tasks" },
  "conversation.tasks": { keys: ["ctrl+t"], does: "tasks" },
  "conversation.approvals": { keys: ["ctrl+x ctrl+a"], does: "what needs you" },
  "conversation.mode": { keys: ["shift+tab"], does: "next permission mode" },
  "conversation.clear": { keys: ["ctrl+c"], does: "clear the prompt; twice on an empty one: exit" },
  "conversation.leave": { keys: ["ctrl+z"], does: "leave, and keep working" },
  "conversation.unfold": { keys: ["ctrl+o"], does: "unfold or fold what tools did" },
  "conversation.find": { keys: ["ctrl+f"], does: "search the conversation" },
  "conversation.help": { keys: ["?"], does: "keys, on an empty prompt" },
  "conversation.redraw": { keys: ["ctrl+l"], does: "draw the screen again" },
  "conversation.pageUp": { keys: ["pageUp"], does: "scroll up" },
  "conversation.pageDown": { keys: ["pageDown"], does: "scroll down" },
  "conversation.top": { keys: ["ctrl+pageUp"], does: "scroll to the beginning" },
  "conversation.bottom": { keys: ["ctrl+pageDown"], does: "scroll to the end, and follow" },
  "conversation.previousPrompt": { keys: ["ctrl+up"], does: "scroll to the previous prompt" },
  "conversation.nextPrompt": { keys: ["ctrl+down"], does: "scroll to the next prompt" },

  "editor.send": { keys: ["enter"], does: "send" },
  "editor.complete": { keys: ["tab"], does: "accept the completion; without one: queue" },
  "editor.queue": { keys: ["alt+enter"], does: "queue until the turn is over" },
  "editor.newLine": { keys: ["shift+enter", "ctrl+j"], does: "new line (also \\ and enter)" },
  "editor.up": { keys: ["up"], does: "up; on the first line: earlier prompts" },
  "editor.down": { keys: ["down"], does: "down; on the last line: later prompts" },
  "editor.historyPrevious": { keys: ["ctrl+p"], does: "earlier prompt" },
  "editor.historyNext": { keys: ["ctrl+n"], does: "later prompt" },
  "editor.searchHistory": { keys: ["ctrl+r"], does: "search earlier prompts" },
  "editor.left": { keys: ["left"], does: "left" },
  "editor.right": { keys: ["right"], does: "right" },
  "editor.wordLeft": { keys: ["alt+left", "ctrl+left", "alt+b"], does: "a word to the left" },
  "editor.wordRight": { keys: ["alt+right", "ctrl+right", "alt+f"], does: "a word to the right" },
  "editor.lineStart": { keys: ["home", "ctrl+a"], does: "beginning of the line" },
  "editor.lineEnd": { keys: ["end", "ctrl+e"], does: "end of the line" },
  "editor.textStart": { keys: ["ctrl+home", "alt+<"], does: "beginning of the text" },
  "editor.textEnd": { keys: ["ctrl+end", "alt+>"], does: "end of the text" },
  "editor.deleteBack": { keys: ["backspace", "shift+backspace"], does: "delete to the left" },
  "editor.deleteForward": { keys: ["delete", "shift+delete", "ctrl+d"], does: "delete to the right" },
  "editor.deleteWordBack": { keys: ["ctrl+w", "alt+backspace", "ctrl+backspace"], does: "cut the word to the left" },
  "editor.deleteWordForward": { keys: ["alt+d", "alt+delete", "ctrl+delete"], does: "cut the word to the right" },
  "editor.deleteToStart": { keys: ["ctrl+u"], does: "cut to the beginning of the line" },
  "editor.deleteToEnd": { keys: ["ctrl+k"], does: "cut to the end of the line" },
  "editor.yank": { keys: ["ctrl+y"], does: "put back what was cut" },
  "editor.yankPop": { keys: ["alt+y"], does: "put back what was cut before that" },
  "editor.undo": { keys: ["ctrl+_", "ctrl+-", "ctrl+shift+-", "ctrl+shift+_"], does: "undo" },
  "editor.pasteImage": { keys: ["ctrl+v"], does: "paste an image" },
  "editor.openEditor": { keys: ["ctrl+g"], does: "edit in $VISUAL or $EDITOR" },
  "editor.dismiss": { keys: ["escape"], does: "close the completion or the search" },

  "tasks.inspect": { keys: ["enter"], does: "inspect" },
  "tasks.foreground": { keys: ["f"], does: "to the foreground" },
  "tasks.pause": { keys: ["p"], does: "pause or resume" },
  "tasks.stop": { keys: ["x"], does: "stop" },
  "tasks.message": { keys: ["m"], does: "message" },
  "tasks.diff": { keys: ["d"], does: "diff" },
  "tasks.copy": { keys: ["c"], does: "copy the id" },
  "tasks.filter": { keys: ["/"], does: "filter" },
  "tasks.allSessions": { keys: ["a"], does: "all sessions" },

  "inspector.back": { keys: ["escape"], does: "back" },
  "inspector.stop": { keys: ["alt+x"], does: "stop" },
  "inspector.pause": { keys: ["alt+p"], does: "pause or resume" },
  "inspector.foreground": { keys: ["ctrl+x ctrl+f"], does: "to the foreground" },
  "inspector.nextTab": { keys: ["tab"], does: "next tab" },
  "inspector.previousTab": { keys: ["shift+tab"], does: "previous tab" },
  "inspector.answer": { keys: ["ctrl+x ctrl+a"], does: "answer what it asks for" },
  "inspector.find": { keys: ["/", "ctrl+f"], does: "search the output" },
  "inspector.findEarlier": { keys: ["n"], does: "the find before" },
  "inspector.findLater": { keys: ["shift+n"], does: "the find after" },
  "inspector.copyId": { keys: ["ctrl+x ctrl+d"], does: "copy the id" },
  "inspector.copy": { keys: ["ctrl+x ctrl+y"], does: "copy the result" },
  "inspector.cap": { keys: ["ctrl+x ctrl+e"], does: "change a cap" },
  "inspector.pageUp": { keys: ["pageUp"], does: "scroll up" },
  "inspector.pageDown": { keys: ["pageDown"], does: "scroll down" },
  "inspector.top": { keys: ["ctrl+pageUp"], does: "scroll to the beginning" },
  "inspector.bottom": { keys: ["ctrl+pageDown"], does: "scroll to the end, and follow" },

  "memory.next": { keys: ["tab"], does: "next section" },
  "memory.previous": { keys: ["shift+tab"], does: "previous section" },
  "memory.edit": { keys: ["e"], does: "edit the section in $VISUAL or $EDITOR" },
  "memory.update": { keys: ["u"], does: "take in at once what is new" },
  "memory.versions": { keys: ["h"], does: "versions" },
  "memory.restore": { keys: ["r"], does: "go back to the chosen version" },

  "approvals.once": { keys: ["y"], does: "allow once" },
  "approvals.always": { keys: ["a"], does: "always allow, by the rule shown" },
  "approvals.no": { keys: ["n"], does: "no, with a reason" },

  "resume.search": { keys: ["/"], does: "search all messages" },
  "resume.preview": { keys: ["p"], does: "preview" },
  "resume.rename": { keys: ["r"], does: "rename" },
  "resume.forks": { keys: ["b"], does: "browse forks" },
  "resume.all": { keys: ["a"], does: "all projects" },
  "resume.delete": { keys: ["d"], does: "delete" },

  "stats.nextTab": { keys: ["tab", "right"], does: "the other page" },
  "stats.previousTab": { keys: ["shift+tab", "left"], does: "the page before" },
  "stats.range": { keys: ["r"], does: "7 days, 30 days, all" },
  "stats.copy": { keys: ["ctrl+s"], does: "copy the card for sharing" },

  "list.up": { keys: ["up", "ctrl+p"], does: "up" },
  "list.down": { keys: ["down", "ctrl+n"], does: "down" },
  "list.pageUp": { keys: ["pageUp"], does: "page up" },
  "list.pageDown": { keys: ["pageDown"], does: "page down" },
  "list.first": { keys: ["home"], does: "first" },
  "list.last": { keys: ["end"], does: "last" },
  "list.accept": { keys: ["enter"], does: "choose" },
  "list.back": { keys: ["escape"], does: "back" },
} as const satisfies Record<`${KeyContext}.${string}`, Definition>

export type Action = keyof typeof actions

export const actionNames = Object.keys(actions) as Action[]

export function isAction(name: string): name is Action {
  return Object.hasOwn(actions, name)
}

export function contextOf(action: Action): KeyContext {
  return action.slice(0, action.indexOf(".")) as KeyContext
}
