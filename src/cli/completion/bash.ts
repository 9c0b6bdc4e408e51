// The completion script for bash, 3.2 (macOS) and later, without the bash-completion package.
import type { Values } from "../options.ts"
import type { Grammar, Option } from "./grammar.ts"

export function bashScript({ options, commands }: Grammar): string {
  const places = [
    place({ command: "", action: "", options, words: commands.map(({ name }) => name) }),
    ...commands.flatMap(({ name, options, actions }) => [
      place({ command: name, action: "", options, words: actions.map((action) => action.name) }),
      ...actions.map((action) =>
        place({ command: name, action: action.name, options: action.options, words: action.words ?? [] }),
      ),
    ]),
  ]
  const values = [
    ...options.flatMap((option) => valueBranch("", option)),
    ...commands.flatMap(({ name, options, actions }) =>
      distinct([...options, ...actions.flatMap((action) => action.options)]).flatMap((option) =>
        valueBranch(name, option),
      ),
    ),
  ]
  return `# Completions of meanwhile for bash. Made by: meanwhile completion bash
# In ~/.bashrc: eval "$(meanwhile completion bash)"

# Offers those of the arguments that begin with what is typed.
_meanwhile_offer() {
  local candidate
  for candidate in "$@"; do
    [[ $candidate == "$cur"* ]] && COMPREPLY+=("$candidate")
  done
}

# Offers what the program lists: tasks, running, sessions, agents, models.
_meanwhile_list() {
  local line name
  while IFS= read -r line; do
    name=\${line%%$'\\t'*}
    [[ $quoted ]] || printf -v name %q "$name"
    [[ $name == "$cur"* ]] && COMPREPLY+=("$name")
  done < <("\${COMP_WORDS[0]/#\\~\\//$HOME/}" completion --list "$1" 2>/dev/null)
}

_meanwhile_paths() {
  local path
  compopt -o filenames 2>/dev/null
  while IFS= read -r path; do COMPREPLY+=("$path"); done < <(compgen "$@" -- "$cur")
}

_meanwhile() {
  local cur=\${COMP_WORDS[COMP_CWORD]} word=\${COMP_LINE:0:COMP_POINT} i=$COMP_CWORD prev cut= quoted= command= action=
  COMPREPLY=()
  # bash splits words at = and : as well; what it will replace is the part behind the last of them.
  word=\${word##*[[:space:]]}
  if [[ $word == --*=* ]]; then
    prev=\${word%%=*} cur=\${word#*=}
    [[ $COMP_WORDBREAKS == *=* ]] || cut=-$prev=
  else
    while ((i > 1)) && [[ \${COMP_WORDS[i]} == : || \${COMP_WORDS[i - 1]} == : ]]; do ((i--)); done
    prev=\${COMP_WORDS[i - 1]}
    ((i < COMP_CWORD)) && cur=$word
  fi
  [[ $COMP_WORDBREAKS == *:* && $cur == *:* ]] && cut=\${cur%"\${cur##*:}"}
  [[ $cur == [\\"\\']* ]] && quoted=1 cur=\${cur:1}

  if ((COMP_CWORD > 1)); then
    case \${COMP_WORDS[1]} in
    ${commands.map(({ name }) => name).join(" | ")})
      command=\${COMP_WORDS[1]}
      for ((i = 2; i < COMP_CWORD; i++)); do
        [[ \${COMP_WORDS[i]} == -* ]] || { action=\${COMP_WORDS[i]}; break; }
      done
      ;;
    esac
  fi

  case "$command $prev" in
${values.join("\n")}
  *)
    case "$command $action" in
${places.join("\n")}
    esac
    ;;
  esac
  case $cut in
  -*) COMPREPLY=("\${COMPREPLY[@]/#/\${cut#-}}") ;;
  ?*) COMPREPLY=("\${COMPREPLY[@]#"$cut"}") ;;
  esac
}

complete -F _meanwhile meanwhile mw
`
}

interface Place {
  command: string
  action: string
  options: readonly Option[]
  words: Values
}

/** A branch for what can stand at a place where no option waits for its value. */
function place({ command, action, options, words }: Place): string {
  const names = options.flatMap(({ name, short }) => [name, ...(short ? [short] : [])])
  // Without a command the words after the first are a prompt.
  const offer = command === "" ? `((COMP_CWORD > 1)) || ${offered(words)}` : offered(words)
  return `    "${command} ${action}") if [[ $cur == -* ]]; then _meanwhile_offer ${names.join(" ")}; else ${offer}; fi ;;`
}

/** A branch for the value of an option. */
function valueBranch(command: string, { name, short, takesValue, values = [] }: Option): string[] {
  if (!takesValue) return []
  const before = [name, ...(short ? [short] : [])].map((option) => `"${command} ${option}"`)
  return [`  ${before.join(" | ")}) ${offered(values)} ;;`]
}

function offered(values: Values): string {
  if (values === "files") return "_meanwhile_paths -f"
  if (values === "folders") return "_meanwhile_paths -d"
  if (typeof values === "string") return `_meanwhile_list ${values}`
  return values.length > 0 ? `_meanwhile_offer ${values.join(" ")}` : ":"
}

function distinct(options: readonly Option[]): Option[] {
  return [...new Map(options.map((option) => [option.name, option])).values()]
}
