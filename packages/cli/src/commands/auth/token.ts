import type { DefineCommand } from '../../command-table.ts'
import type { Context, GlobalOptions } from '../../context.ts'
import { UsageError } from '../../failures.ts'
import { findTarget } from '../../target.ts'

export const defineToken: DefineCommand = (command, context) => {
  command
    .argument('[host]', 'the Console or Rack; the active one if not given')
    .addHelpText(
      'after',
      '\nThe key goes to stdout as it is. Whoever has it can do what you can do: pipe it where it is\n' +
        'needed, and regenerate it (Account > API key) when somebody else has seen it.\n' +
        '\nExamples:\n  $ convox auth token | wc -c\n  $ convox auth token localhost:3443 > key-file',
    )
    .action((host: string | undefined, options: GlobalOptions) => token(context, options, host))
}

function token(context: Context, options: GlobalOptions, typed: string | undefined): void {
  const { terminal } = context
  if (typed !== undefined && options.host !== undefined) {
    throw new UsageError('two hosts were given', 'give one')
  }
  const target = findTarget(context, typed === undefined ? options : { ...options, host: typed })
  if (terminal.stdoutIsTerminal) {
    terminal.warn(`the key for ${target.host.name} is on your screen now; see who else can see it`)
  }
  terminal.print(target.key.reveal())
}
