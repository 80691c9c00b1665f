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
  if (!isTopic(first, names)) throw unknown(first, topics(names))

  rest = takeGlobals(others, globals)
  let name = first
  for (let word = rest[0]; word !== undefined && isGroup(name, names); word = rest[0]) {
    if (isOption(word)) break
    const below = `${name} ${word}`
    // A word between may be no command itself, like `key` in `rack access key rotate`.
    if (names[below] === undefined && !isGroup(below, names)) {
      if (names[name]?.argument === true) break
      throw unknown(below, Object.keys(names))
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

export function unknownCommand(name: string, names: Names): UsageError {
  return unknown(name, Object.keys(names))
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
  return topics(names).includes(word)
}

function isGroup(word: string, names: Names): boolean {
  return subcommands(word, names).length > 0
}

function topics(names: Names): string[] {
  return [...new Set(Object.keys(names).map((name) => name.split(' ')[0] ?? ''))]
}

function unknown(typed: string, candidates: readonly string[]): UsageError {
  const meant = suggest(typed, candidates)
  const next = meant === undefined ? 'see: convox help' : `did you mean: convox ${meant}`
  return new UsageError(`there is no command "${typed}"`, next)
}
