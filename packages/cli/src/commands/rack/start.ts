import type { DefineCommand } from '../../command-table.ts'
import type { Context } from '../../context.ts'
import { Failure } from '../../failures.ts'
import {
  exclusively,
  installedFolder,
  installedNames,
  localName,
  notInstalled,
  parseInstalledName,
  readRecord,
} from '../../installed/installed-rack.ts'
import { findProcess, requireProgram } from '../../installed/rack-process.ts'
import { startInstalled } from '../../installed/start-installed.ts'

export const defineRackStart: DefineCommand = (command, context) => {
  command
    .argument('<name>', 'a Rack that convox install made')
    .addHelpText('after', '\nExample:\n  $ convox rack start lab')
    .action((name: string) => start(context, parseInstalledName(name)))
}

async function start(context: Context, name: string): Promise<void> {
  requireProgram()
  const { folder, terminal } = context
  const shown = localName(name)
  if (!installedNames(folder).includes(name)) throw notInstalled(name)
  await exclusively(folder, name, async () => {
    const record = readRecord(folder, name)
    if (!record?.installed) {
      throw new Failure(
        `the installation of ${shown} was cut off`,
        `finish it: convox install --name ${name}`,
      )
    }
    const path = installedFolder(folder, name)
    if (findProcess(path)?.state === 'running') {
      terminal.print(`${shown} is running already`)
      return
    }
    await terminal.progress(`Starting ${shown}`, () => startInstalled(context, name, record))
  })
}
