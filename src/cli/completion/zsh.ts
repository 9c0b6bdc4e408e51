// The completion script for zsh: sourced after compinit, or put into a folder of the function path as _meanwhile.
import type { Values } from "../options.ts"
import type { Command, Grammar, Option } from "./grammar.ts"

export function zshScript({ options, commands }: Grammar): string {
  return `#compdef meanwhile mw
# Completions of meanwhile for zsh. Made by: meanwhile completion zsh
# In ~/.zshrc, after compinit: source <(meanwhile completion zsh)

# Offers what the program lists: tasks, running, sessions, agents, models.
_meanwhile_list() {
  local line
  local -a found
  for line in \${(f)"$("$meanwhile" completion --list $1 2>/dev/null)"}; do
    found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  _describe -V $1 found
}

${commands.map(commandFunction).join("\n\n")}

_meanwhile() {
  local meanwhile=\${words[1]/#\\~\\//$HOME/}
  if (( CURRENT > 2 )); then
    case $words[2] in
${commands.map(({ name }) => `      ${name}) shift words; (( CURRENT-- )); _meanwhile_${name}; return ;;`).join("\n")}
    esac
  elif [[ $words[2] != -* ]]; then
    local -a commands=(
${commands.map(({ name, does }) => `      ${described(name, does)}`).join("\n")}
    )
    _describe command commands
    return
  fi
  _arguments -s \\
${options.map((option) => `    ${specOf(option)} \\\n`).join("")}    '*:prompt: '
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _meanwhile "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
  compdef _meanwhile meanwhile mw
fi
`
}

/** The words begin with the command itself. */
function commandFunction({ name, options, actions }: Command): string {
  if (actions.length === 0) return `_meanwhile_${name}() {\n  ${argumentsOf(options, "")}\n}`
  const branches = actions.map(
    ({ name, options, words, many }) => `    ${name}) ${argumentsOf(options, wordsSpec(words, many))} ;;`,
  )
  return `_meanwhile_${name}() {
  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
    local -a actions=(
${actions.map((action) => `      ${described(action.name, action.does)}`).join("\n")}
    )
    _describe action actions
    return
  fi
  local action
  if (( CURRENT > 2 )) && [[ $words[2] != -* ]]; then
    action=$words[2]
    shift words
    (( CURRENT-- ))
  fi
  case $action in
${branches.join("\n")}
    *) ${argumentsOf(options, "")} ;;
  esac
}`
}

function argumentsOf(options: readonly Option[], words: string): string {
  return ["_arguments -s", ...options.map(specOf), ...(words ? [words] : [])].join(" ")
}

function wordsSpec(words: Values | undefined, many: boolean): string {
  return words ? quoted(`${many ? "*" : "1"}:${typeof words === "string" ? words : "word"}:${actionOf(words)}`) : ""
}

/** `'(-m --model)'{-m+,--model=}'[does]:value:action'`, as _arguments takes it (zshcompsys(1)). */
function specOf({ name, short, does, takesValue, values = [], multiple }: Option): string {
  const explained = `[${escaped(does)}]`
  const value = takesValue ? `:${name.slice(2)}:${actionOf(values)}` : ""
  const long = `${name}${takesValue ? "=" : ""}`
  if (!short) return quoted(`${multiple ? "*" : ""}${long}${explained}${value}`)
  return `${quoted(`(${short} ${name})`)}{${short}${takesValue ? "+" : ""},${long}}${quoted(`${explained}${value}`)}`
}

function actionOf(values: Values): string {
  if (values === "files") return "_files"
  if (values === "folders") return "_files -/"
  // The space keeps _arguments from adding options of its own to the call.
  if (typeof values === "string") return ` _meanwhile_list ${values}`
  return values.length > 0 ? `(${values.join(" ")})` : " "
}

function described(name: string, does: string): string {
  return quoted(`${name}:${does}`)
}

function escaped(text: string): string {
  return text.replace(/[\\[\]:]/g, "\\$&")
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
