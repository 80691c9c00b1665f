import { readCommandLine, subcommands, unknownCommand } from './command-line.ts'
import { COMMANDS } from './command-table.ts'
import type { Environment } from './config.ts'
import { UsageError } from './failures.ts'
import { helpTopic, rootHelp } from './help.ts'
import type { Terminal } from './terminal.ts'
import { ownVersion } from './version.ts'

/** Runs one command line. How it ends is told by what it throws; see exit-status.ts. */
export async function runProgram(
  argv: readonly string[],
  terminal: Terminal,
  environment: Environment,
): Promise<void> {
  // Looked for here too: a line that makes no sense never gets to the parser that knows the flag.
  if (argv.includes('--no-color')) terminal.restrict({ colour: false })
  const line = readCommandLine(argv, COMMANDS)
  if (line.kind === 'version') terminal.print(`convox ${ownVersion()}`)
  else if (line.kind === 'command') await runCommand(line.name, line.args, terminal, environment)
  else await showHelp(line.words, terminal, environment)
}

async function showHelp(
  words: readonly string[],
  terminal: Terminal,
  environment: Environment,
): Promise<void> {
  const name = words.join(' ')
  const topic = helpTopic(name)
  if (name === '' || name === 'help') terminal.print(rootHelp())
  else if (topic !== undefined) terminal.print(topic)
  else await runCommand(name, ['--help'], terminal, environment)
}

async function runCommand(
  name: string,
  args: readonly string[],
  terminal: Terminal,
  environment: Environment,
): Promise<void> {
  if (!Object.hasOwn(COMMANDS, name)) throw unknownCommand(name, COMMANDS)
  const [{ CommanderError }, { createContext }, { defineCommand }] = await Promise.all([
    import('commander'),
    import('./context.ts'),
    import('./define-command.ts'),
  ])
  const command = await defineCommand(name, createContext(terminal, environment))
  const below = subcommands(name, COMMANDS)
  if (below.length > 0) command.addHelpText('after', `\nCommands:\n${listOf(below)}`)
  try {
    await command.parseAsync(args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    // Help that was asked for ends this way too.
    if (error.exitCode !== 0) throw usageError(error.message, name)
  }
}

/** The parser's own texts, as in `error: unknown option '--jsn'\n(Did you mean --json?)`. */
function usageError(message: string, name: string): UsageError {
  const [first = '', suggestion = ''] = message.replace(/^error: /, '').split('\n')
  const meant = /Did you mean (\S+)\?\)$/.exec(suggestion)?.[1]
  return new UsageError(
    first,
    meant === undefined ? `see: convox help ${name}` : `did you mean ${meant}`,
  )
}

function listOf(names: readonly string[]): string {
  const width = Math.max(...names.map((name) => name.length))
  return names.map((name) => `  ${name.padEnd(width)}  ${COMMANDS[name]?.summary ?? ''}`).join('\n')
}
