import type { DefineCommand } from '../command-table.ts'
import { UsageError } from '../failures.ts'
import { installRack } from '../installed/install-rack.ts'
import { parseInstalledName } from '../installed/installed-rack.ts'

export const defineInstall: DefineCommand = (command, context) => {
  command
    .argument('[provider]', 'where: local, which is this machine', 'local')
    .option('--name <name>', 'what the Rack is to be called')
    .addHelpText(
      'after',
      '\nThe Rack runs in the background, also after this shell has ended. Run it again if it was cut off.\n' +
        '\nExamples:\n  $ convox install --name lab\n  $ convox install local --name lab\n' +
        '  $ convox rack install local lab',
    )
    .action((provider: string, options: { name?: string }) => {
      checkProvider(provider)
      if (options.name === undefined) {
        throw new UsageError('the Rack needs a name', 'run: convox install --name NAME')
      }
      return installRack(context, parseInstalledName(options.name))
    })
}

export function checkProvider(provider: string): void {
  if (provider === 'local') return
  throw new UsageError(
    `"${provider.slice(0, 60)}" is not a place where this convox can install a Rack`,
    'there is one, this machine: convox install local --name NAME',
  )
}
