import { UsageError } from './failures.ts'
import { suggest } from './suggest.ts'

export type CommandLine =
  | { kind: 'help'; words: string[] }
  | { kind: 'version' }
  | { kind: 'command'; name: string; args: string[] }

interface Names {
  [name: string]: { passThrough?: true; argument?: true }
}

const GLOBAL_WITH_VALUE = /^(-r|--rack|--host)$/
const GLOBAL_JOINED = /^(-r.|--rack=|--host=|--no-color$|--no-input$|--debug$)/

/**
 * Finds the command in a line. Options that every command takes may stand before, between and
 * after its words; they are moved behind them, where the command's own parser reads them.
 */
export function readCommandLine(argv: readonly string[], names: Names): CommandLine {
  const globals: string[] = []
  let rest = takeGlobals(argv, globals)
  let help = false
  while (rest[0] === '-h' || rest[0] === '--help') {
    help = true
    rest = takeGlobals(rest.slice(1), globals)
  }
  const [first, ...others] = rest
  if (first === undefined) return { kind: 'help', words: [] }
  if (first === '--version') return { kind: 'version' }
  if (first === 'help') return { kind: 'help', words: others.filter((word) => !isOption(word)) }
  if (isOption(first)) throw new UsageError(`unknown option ${first}`, 'run: convox help')
  if (!isTopic(first, names)) throw unknownCommand(first, names)

  rest = takeGlobals(others, globals)
  let name = first
  for (let word = rest[0]; word !== undefined && isGroup(name, names); word = rest[0]) {
    if (isOption(word)) break
    const below = `${name} ${word}`
    // A word between may be no command itself, like `key` in `rack access key rotate`.
    if (names[below] === undefined && !isGroup(below, names)) {
      if (names[name]?.argument === true) break
      throw unknownCommand(below, names)
    }
    name = below
    rest = takeGlobals(rest.slice(1), globals)
  }
  if (help) return { kind: 'help', words: name.split(' ') }
  if (names[name]?.passThrough) rest = aroundFirstArgument(rest, globals)
  return { kind: 'command', name, args: [...globals, ...rest] }
}

/** The commands below a noun: `instances` -> `instances ssh`, `instances terminate`. */
export function subcommands(noun: string, names: Names): string[] {
  return Object.keys(names).filter((name) => name.startsWith(`${noun} `))
}

/** Only the last word is compared, with the words that may stand there: the others were right. */
export function unknownCommand(typed: string, names: Names): UsageError {
  const words = typed.split(' ')
  const before = words.slice(0, -1).join(' ')
  const start = before === '' ? '' : `${before} `
  const possible = wordsAfter(start, names)
  const meant = possible.length === 1 ? possible[0] : suggest(words.at(-1) ?? '', possible)
  const help = Object.hasOwn(names, before) ? `convox help ${before}` : 'convox help'
  const next = meant === undefined ? `see: ${help}` : `did you mean: convox ${start}${meant}`
  return new UsageError(`there is no command "${typed}"`, next)
}

function takeGlobals(argv: readonly string[], globals: string[]): string[] {
  const rest = [...argv]
  while (rest[0] !== undefined) {
    if (GLOBAL_WITH_VALUE.test(rest[0])) globals.push(...rest.splice(0, 2))
    else if (GLOBAL_JOINED.test(rest[0])) globals.push(...rest.splice(0, 1))
    else break
  }
  return rest
}

/** `ssh -r acme/dev i-1 -r acme/dev ls -r`: only the last one is the remote command's. */
function aroundFirstArgument(argv: readonly string[], globals: string[]): string[] {
  const [argument, ...rest] = takeGlobals(argv, globals)
  if (argument === undefined || isOption(argument)) return argv.slice()
  return [argument, ...takeGlobals(rest, globals)]
}

function isOption(word: string): boolean {
  return word.startsWith('-')
}

function isTopic(word: string, names: Names): boolean {
  return wordsAfter('', names).includes(word)
}

function isGroup(word: string, names: Names): boolean {
  return subcommands(word, names).length > 0
}

/** The words of which a command goes on after its beginning: `rack ` -> `params`, `scale`, ... */
function wordsAfter(start: string, names: Names): string[] {
  const rests = Object.keys(names).filter((name) => name.startsWith(start))
  return [...new Set(rests.map((name) => name.slice(start.length).split(' ', 1)[0] ?? ''))]
}
