import type { DefineCommand } from '../../command-table.ts'
import { readActiveHost } from '../../config-folder/login-state.ts'
import type { Context } from '../../context.ts'
import { Failure, UsageError } from '../../failures.ts'
import {
  findInstalledAt,
  installedNames,
  localName,
  notInstalled,
  parseInstalledName,
} from '../../installed/installed-rack.ts'
import { resetRackKey } from '../../installed/reset-rack-key.ts'

interface ResetOptions {
  force?: true
}

export const defineResetKey: DefineCommand = (command, context) => {
  command
    .argument('[name]', 'a Rack that convox install made; else the chosen one, if it is one')
    .option('--force', 'do not ask')
    .addHelpText(
      'after',
      '\nFor a key that is lost: it works on the machine of the Rack and needs no key. The new key is\n' +
        'stored first, then the Rack stops, learns it and starts again, if it ran. Every other key of\n' +
        'the Rack and all its access tokens are refused from then on; a Console that has the Rack\n' +
        'must be given the new key. A key that is not lost is rolled: convox rack key roll.\n' +
        '\nExamples:\n  $ convox rack reset-key lab\n  $ convox rack reset-key lab --force',
    )
    .action((name: string | undefined, options: ResetOptions) => reset(context, name, options))
}

async function reset(
  context: Context,
  typed: string | undefined,
  { force }: ResetOptions,
): Promise<void> {
  const name = typed === undefined ? chosen(context) : named(typed)
  if (!installedNames(context.folder).includes(name)) throw notInstalled(name)
  if (!force) await confirm(context, name)
  await resetRackKey(context, name)
}

function chosen({ folder }: Context): string {
  const host = readActiveHost(folder)
  const name = host === undefined ? undefined : findInstalledAt(folder, host)
  if (name !== undefined) return name
  throw new UsageError(
    'say which Rack of this machine',
    'see which there are: convox racks; then run: convox rack reset-key NAME',
  )
}

function named(typed: string): string {
  if (/^(?!local\/)\w[\w-]*\/\w[\w.-]*$/.test(typed)) {
    throw new UsageError(
      `${typed} is a Rack of a Console, which holds its key`,
      `run: convox rack key roll ${typed}`,
    )
  }
  return parseInstalledName(typed)
}

async function confirm({ terminal }: Context, name: string): Promise<void> {
  const shown = localName(name)
  if (!terminal.canAsk) {
    throw new Failure(
      `every key of ${shown} would be refused, and there is no terminal to ask at`,
      `if it shall be so: convox rack reset-key ${name} --force`,
    )
  }
  const typed = await terminal.askLine(
    `${shown} stops for a moment, and every key it has known will be refused.\nType ${name} to go on: `,
  )
  if (typed?.trim() !== name) throw new Failure('nothing was changed: that was not its name')
}
