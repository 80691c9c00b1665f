import type { DefineCommand } from '../../command-table.ts'
import type { Context } from '../../context.ts'
import {
  exclusively,
  installedFolder,
  installedNames,
  localName,
  notInstalled,
  parseInstalledName,
} from '../../installed/installed-rack.ts'
import { findProcess, stopProcess } from '../../installed/rack-process.ts'

export const defineRackStop: DefineCommand = (command, context) => {
  command
    .argument('<name>', 'a Rack that convox install made')
    .addHelpText(
      'after',
      '\nIts instances stop with it; a start brings them back.\n\nExample:\n  $ convox rack stop lab',
    )
    .action((name: string) => stop(context, parseInstalledName(name)))
}

async function stop({ folder, terminal }: Context, name: string): Promise<void> {
  if (!installedNames(folder).includes(name)) throw notInstalled(name)
  await exclusively(folder, name, async () => {
    const path = installedFolder(folder, name)
    if (findProcess(path) === undefined) {
      terminal.print(`${localName(name)} is not running`)
      return
    }
    await terminal.progress(`Stopping ${localName(name)}`, () => stopProcess(path))
  })
}
