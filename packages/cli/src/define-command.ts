import { Command } from 'commander'
import { COMMANDS } from './command-table.ts'
import type { Context } from './context.ts'

/** The parser of one command, with the options that every command takes. */
export async function defineCommand(name: string, context: Context): Promise<Command> {
  const entry = COMMANDS[name]
  if (entry === undefined) throw new TypeError(`there is no command ${name}`)
  const { terminal } = context
  const command = new Command(`convox ${name}`)
    .description(`${entry.summary.charAt(0).toUpperCase()}${entry.summary.slice(1)}.`)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.print(text.trimEnd()),
      // Its text is in the error that it throws.
      writeErr: () => {},
    })
    .helpOption('-h, --help', 'show this help')
  if (entry.passThrough) command.passThroughOptions()
  const define = await entry.load()
  define(command, context)
  command.option('-r, --rack <org/rack>', 'use this Rack')
  // `racks add` has a host of its own to be told.
  if (!command.options.some(({ long }) => long === '--host')) {
    command.option('--host <host>', 'use this Console or Rack')
  }
  return (
    command
      .option('--no-color', 'no colour')
      .option('--no-input', 'never ask; fail instead')
      .option('--debug', 'show each request and the causes of an error, on stderr')
      // As they are read, so that they hold for what is wrong with the rest of the line, too.
      .on('option:no-color', () => terminal.restrict({ colour: false }))
      .on('option:no-input', () => terminal.restrict({ asking: false }))
      .on('option:debug', () => terminal.startDebugging())
  )
}
