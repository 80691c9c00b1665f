import type { DefineCommand } from '../../command-table.ts'
import { installRack } from '../../installed/install-rack.ts'
import { parseInstalledName } from '../../installed/installed-rack.ts'
import { checkProvider } from '../install.ts'

export const defineRackInstall: DefineCommand = (command, context) => {
  command
    .argument('<provider>', 'where: local, which is this machine')
    .argument('<name>', 'what the Rack is to be called')
    .addHelpText('after', '\nExample:\n  $ convox rack install local lab')
    .action((provider: string, name: string) => {
      checkProvider(provider)
      return installRack(context, parseInstalledName(name))
    })
}
