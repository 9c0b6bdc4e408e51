// The git commands that only read. Options before the subcommand (`-C`, `-c`, `--git-dir`) choose another repository or
// configuration, which may name programs to run: they are never read-only.
import { type ArgsCheck, mayBecomeOption } from "./read-only-args.ts"
import type { ShellWord } from "./shell-words.ts"

/** Options that mean no harm to any of the commands below. Source: git 2.47. */
const OPTIONS =
  /^(?:-\d+|-[pusqzwbnvaritlemMCLSGU]|-v{2}|-sb|-[nUL]\d\S*|-[SGL].+|--(?:oneline|graph|all|patch|no-patch|name-only|name-status|numstat|shortstat|cached|staged|no-color|follow|reverse|merges|no-merges|first-parent|no-ext-diff|no-textconv|check|summary|exit-code|quiet|full-diff|topo-order|date-order|tags|heads|branches|remotes|list|show-current|verify|is-inside-work-tree|show-toplevel|show-prefix|show-cdup|others|exclude-standard|modified|deleted|stage|ignored|short|long|branch|minimal|histogram|patience|ignore-space-change|ignore-all-space|ignore-blank-lines|no-renames|left-right|cherry-pick|count|symbolic-full-name|git-dir|git-common-dir|always|dirty|numbered|email|full-name|line-porcelain|no-abbrev|abbrev-commit|no-index|reflog|text|root|raw|compact-summary|no-decorate|no-notes|no-show-signature)|--(?:stat|decorate|color|word-diff|since|until|after|before|author|committer|grep|format|pretty|date|max-count|skip|abbrev|abbrev-ref|diff-filter|porcelain|untracked-files|sort|contains|merged|no-merged|find-renames|relative|unified|points-at|column|match|exclude|cherry)(?:=.*)?|--)$/s

const plain: ArgsCheck = (args) => args.every(isHarmless)

const noOperands: ArgsCheck = (args) => args.every((word) => isOption(word) && isHarmless(word))

const COMMANDS: Readonly<Record<string, ArgsCheck>> = {
  status: plain,
  log: plain,
  diff: plain,
  show: plain,
  "ls-files": plain,
  "ls-tree": plain,
  "rev-parse": plain,
  "rev-list": plain,
  "merge-base": plain,
  blame: plain,
  describe: plain,
  shortlog: plain,
  "cat-file": (args) =>
    /^-[ptse]$/.test(args[0]?.text ?? "") && args.slice(1).every((word) => !isOption(word) && isHarmless(word)),
  // With an operand these make a branch or a tag, unless an option turns them into a list.
  branch: lists(
    /^(?:-[arv]|-vv|--(?:all|remotes|list|show-current|no-color|verbose)|--(?:contains|merged|no-merged|sort|format|color|column|points-at)(?:=.*)?)$/s,
  ),
  tag: lists(
    /^(?:-[ln]|-n\d+|--(?:list|no-color)|--(?:contains|merged|no-merged|sort|format|color|column|points-at)(?:=.*)?)$/s,
  ),
  remote: (args) =>
    args.every(({ text }) => text === "-v" || text === "--verbose") ||
    (args.length === 2 && args[0]!.text === "get-url" && /^\w[\w.-]*$/.test(args[1]!.text)),
  stash: (args) => args.length > 0 && /^(list|show)$/.test(args[0]!.text) && args.slice(1).every(isHarmless),
  worktree: (args) => args[0]?.text === "list" && noOperands(args.slice(1)),
}

export function isReadOnlyGit([command, ...args]: readonly ShellWord[]): boolean {
  if (!command || command.glob || !Object.hasOwn(COMMANDS, command.text)) return false
  return COMMANDS[command.text]!(args)
}

function lists(options: RegExp): ArgsCheck {
  return (args) => {
    if (!args.every((word) => (isOption(word) ? !word.glob && options.test(word.text) : !mayBecomeOption(word))))
      return false
    return (
      args.every(isOption) ||
      args.some(({ text }) => /^(?:-l|--(?:list|contains|merged|no-merged|points-at)(?:=.*)?)$/s.test(text))
    )
  }
}

function isHarmless(word: ShellWord): boolean {
  return isOption(word) ? !word.glob && OPTIONS.test(word.text) : !mayBecomeOption(word)
}

function isOption({ text }: ShellWord): boolean {
  return text.startsWith("-")
}
