import type { CompletedCommand } from './command-words.ts'

/** Made of our own command names and options, which need no quoting, and of summaries, which do. */
export const SCRIPTS = { bash, zsh, fish } as const

export type Shell = keyof typeof SCRIPTS

function bash(commands: readonly CompletedCommand[]): string {
  return `# Completion of convox for bash. In ~/.bashrc: source <(convox completion bash)
_convox() {
  local current="\${COMP_WORDS[COMP_CWORD]}" command="" word words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$command $word" in
${positions(commands).join('\n')}
    esac
  done
  case "$command" in
${commands.map(bashWords).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _convox convox`
}

function bashWords({ name, words, options }: CompletedCommand): string {
  const plain = words.map(({ word }) => word).join(' ')
  return `    "${key(name)}") [[ $current == -* ]] && words="${options.join(' ')}" || words="${plain}" ;;`
}

function zsh(commands: readonly CompletedCommand[]): string {
  return `#compdef convox
# Completion of convox for zsh. In ~/.zshrc, after compinit: source <(convox completion zsh)
_convox() {
  local command="" word
  local -a found
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$command $word" in
${positions(commands).join('\n')}
    esac
  done
  case "$command" in
${commands.map(zshWords).join('\n')}
  esac
  if (( \${#found} )); then _describe 'convox' found; else _files; fi
}
compdef _convox convox`
}

function zshWords({ name, words, options }: CompletedCommand): string {
  const described = words.map(({ word, summary }) => {
    const text = summary.replaceAll(':', '\\:').replaceAll("'", "'\\''")
    return summary === '' ? `'${word}'` : `'${word}:${text}'`
  })
  return `    "${key(name)}") if [[ $words[CURRENT] == -* ]]; then found=(${options.join(' ')}); else found=(${described.join(' ')}); fi ;;`
}

/** How the words already typed lead from one command to a longer one; others do not count. */
function positions(commands: readonly CompletedCommand[]): string[] {
  const known = new Set(commands.map(({ name }) => name))
  for (const { name } of commands) known.add(name.split(' ')[0] ?? '')
  known.delete('')
  return [...known].map((name) => {
    const words = name.split(' ')
    const last = words.pop() ?? ''
    return `      "${key(words.join(' '))} ${last}") command="${key(name)}" ;;`
  })
}

/** One word for a command in the script: `instances/ssh`. */
function key(name: string): string {
  return name.replaceAll(' ', '/')
}

function fish(commands: readonly CompletedCommand[]): string {
  const lines = commands.flatMap(({ name, words, options }) => {
    const condition = `-n '__convox_at "${name}"'`
    return [
      ...words.map(({ word, summary }) => {
        const described = summary === '' ? '' : ` -d '${summary.replaceAll("'", "\\'")}'`
        return `complete -c convox ${condition} -f -a '${word}'${described}`
      }),
      ...options.map((option) => {
        const [flag, text] = option.startsWith('--')
          ? ['l', option.slice(2)]
          : ['s', option.slice(1)]
        return `complete -c convox ${condition} -${flag} '${text}'`
      }),
    ]
  })
  const names = commands.map(({ name }) => name).filter((name) => name !== '')
  return `# Completion of convox for fish: convox completion fish > ~/.config/fish/completions/convox.fish
function __convox_at
  set -l typed (commandline -opc)
  set -l at ''
  for word in $typed[2..-1]
    set -l longer (string trim "$at $word")
    contains -- $longer ${names.map((name) => `'${name}'`).join(' ')}; and set at $longer
  end
  test "$at" = "$argv[1]"
end
${lines.join('\n')}`
}
