import type { DefineCommand } from '../../command-table.ts'
import { savePin } from '../../config-folder/login-state.ts'
import type { Context } from '../../context.ts'
import { Failure } from '../../failures.ts'
import { portOf } from '../../installed/install-rack.ts'
import {
  exclusively,
  installedFolder,
  installedNames,
  localName,
  notInstalled,
  parseInstalledName,
  readRecord,
  writeRecord,
} from '../../installed/installed-rack.ts'
import {
  findProcess,
  requireProgram,
  startRack,
  stopProcess,
} from '../../installed/rack-process.ts'

export const defineRackStart: DefineCommand = (command, context) => {
  command
    .argument('<name>', 'a Rack that convox install made')
    .addHelpText('after', '\nExample:\n  $ convox rack start lab')
    .action((name: string) => start(context, parseInstalledName(name)))
}

async function start(context: Context, name: string): Promise<void> {
  requireProgram()
  const { folder, terminal, environment } = context
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
    await terminal.progress(`Starting ${shown}`, async () => {
      // A start that was cut off is about to end.
      await stopProcess(path)
      const { rack, ready } = await startRack(path, {
        ...environment.forPrograms,
        RACK_NAME: name,
        RACK_PORT: portOf(record.host),
      })
      const { fingerprint } = ready
      await savePin(folder, record.host, fingerprint)
      writeRecord(folder, name, { ...record, fingerprint })
      await rack.letGo()
    })
  })
}
