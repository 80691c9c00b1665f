import type { DefineCommand } from '../command-table.ts'
import { forgetHost } from '../config-folder/login-state.ts'
import type { Context } from '../context.ts'
import { Failure } from '../failures.ts'
import {
  exclusively,
  type InstallRecord,
  installedFolder,
  isAnythingLeft,
  localName,
  notInstalled,
  parseInstalledName,
  readRecord,
  removeInstalled,
} from '../installed/installed-rack.ts'
import { stopProcess } from '../installed/rack-process.ts'

interface UninstallOptions {
  force?: true
}

export const defineUninstall: DefineCommand = (command, context) => {
  command
    .argument('<name>', 'a Rack that convox install made')
    .option('--force', 'do not ask')
    .addHelpText(
      'after',
      '\nThe Rack stops; its instances, its data and its key are gone for good.\n' +
        '\nExamples:\n  $ convox uninstall lab\n  $ convox uninstall lab --force',
    )
    .action((name: string, options: UninstallOptions) =>
      uninstall(context, parseInstalledName(name), options),
    )
}

async function uninstall(
  context: Context,
  name: string,
  { force }: UninstallOptions,
): Promise<void> {
  const { folder, terminal } = context
  const shown = localName(name)
  if (!isAnythingLeft(folder, name)) throw notInstalled(name)
  if (!force) await confirm(context, name)
  await exclusively(folder, name, async () => {
    const record = whatCanBeRead(context, name)
    await terminal.progress(`Uninstalling ${shown}`, async () => {
      await stopProcess(installedFolder(folder, name))
      if (record !== undefined) await forgetHost(folder, record.host)
      removeInstalled(folder, name)
    })
  })
}

async function confirm({ terminal }: Context, name: string): Promise<void> {
  const shown = localName(name)
  if (!terminal.canAsk) {
    throw new Failure(
      `${shown} would be gone for good, and there is no terminal to ask at`,
      `if it shall be so: convox uninstall ${name} --force`,
    )
  }
  const typed = await terminal.askLine(
    `${shown}, its instances, its data and its key will be gone for good.\nType ${name} to go on: `,
  )
  if (typed?.trim() !== name) throw new Failure('nothing was removed: that was not its name')
}

function whatCanBeRead({ folder, terminal }: Context, name: string): InstallRecord | undefined {
  try {
    return readRecord(folder, name)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    // Removing is what its text advises, so it must work.
    terminal.warn(`${error.message.split(';')[0]}; an entry in ${folder.pathOf('auth')} may stay`)
    return undefined
  }
}
