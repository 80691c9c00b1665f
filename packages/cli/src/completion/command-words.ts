import { COMMANDS } from '../command-table.ts'
import type { Context } from '../context.ts'
import { topicNames } from '../help.ts'

export interface CompletedCommand {
  /** `instances ssh`; empty for the line that has no command yet. */
  name: string
  /** What can stand behind it: the words of its subcommands, or the values that it takes. */
  words: { word: string; summary: string }[]
  options: string[]
}

const SHELLS = ['bash', 'zsh', 'fish']
const HELP = ['-h', '--help']
const GLOBAL = ['-r', '--rack', '--host', '--no-color', '--no-input', '--debug']

/** What can be typed after each command, from the table and from each command's own definition. */
export async function completedCommands(context: Context): Promise<CompletedCommand[]> {
  const { defineCommand } = await import('../define-command.ts')
  const names = Object.keys(COMMANDS)
  const commands = await Promise.all(
    names.map(async (name): Promise<CompletedCommand> => {
      const { options } = await defineCommand(name, context)
      const flags = options.flatMap(({ short, long }) => [short, long])
      return {
        name,
        words: name === 'completion' ? plain(SHELLS) : wordsBelow(name),
        options: [...flags.filter((flag) => flag !== undefined), ...HELP],
      }
    }),
  )
  const first = [...wordsBelow(''), { word: 'help', summary: 'explain a command' }]
  return [
    { name: '', words: first, options: [...HELP, '--version', ...GLOBAL] },
    { name: 'help', words: [...wordsBelow(''), ...plain(topicNames())], options: [] },
    ...commands,
    ...groupsOf(names).map((name) => ({ name, words: wordsBelow(name), options: HELP })),
  ]
}

/** Words that only lead to commands, like `api`, and `rack access key` before `rotate`. */
function groupsOf(names: readonly string[]): string[] {
  const leading = names.flatMap((name) => {
    const words = name.split(' ')
    return words.slice(1).map((_, index) => words.slice(0, index + 1).join(' '))
  })
  return [...new Set(leading)].filter((name) => !names.includes(name))
}

/** `rack` -> `install`, `start`, `stop`; a first word that is no command itself has no summary. */
function wordsBelow(name: string): CompletedCommand['words'] {
  const prefix = name === '' ? '' : `${name} `
  const words = new Map<string, string>()
  for (const [full, { summary }] of Object.entries(COMMANDS)) {
    if (!full.startsWith(prefix) || full === name) continue
    const [word = '', ...rest] = full.slice(prefix.length).split(' ')
    if (rest.length === 0) words.set(word, summary)
    else if (!words.has(word)) words.set(word, '')
  }
  return [...words].map(([word, summary]) => ({ word, summary }))
}

function plain(words: readonly string[]): CompletedCommand['words'] {
  return words.map((word) => ({ word, summary: '' }))
}
