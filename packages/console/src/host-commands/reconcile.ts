import { readConfig } from '../config.ts'
import { RECONCILIATION } from '../operator/key-commands.ts'
import { type Reconciliation, reconcile } from '../vault/reconcile.ts'
import { askServer } from './ask-server.ts'
import { noMoreArguments } from './no-more-arguments.ts'
import { onDatabase, requireConsole } from './on-database.ts'
import { consoleFolder, isRunning } from './running-console.ts'

const FORCE = '--force'

/** After a restore. Ends with 1 while a Rack does not take any key that is known. */
export async function reconcileCommand(args: readonly string[]): Promise<number> {
  noMoreArguments(args.filter((word) => word !== FORCE))
  const force = args.includes(FORCE)
  const config = readConfig({ env: process.env })
  requireConsole(config)
  const folder = consoleFolder(config)
  const { racks, paused } = isRunning(folder)
    ? ((await askServer(folder, RECONCILIATION, { force })) as Reconciliation)
    : await onDatabase(config, (context, request) => reconcile(context, force, request))
  for (const { rack, works, found } of racks) {
    process.stdout.write(`${works ? 'ok    ' : 'failed'}  ${rack}  ${found}\n`)
  }
  if (racks.some(({ works }) => !works)) {
    process.stderr.write(
      'ERROR: not every Rack takes its key; for one whose key you have: convox rack key set; without the others: keyrack-console reconcile --force\n',
    )
  }
  process.stdout.write(paused === null ? 'The Console is not paused.\n' : `paused: ${paused}\n`)
  return racks.every(({ works }) => works) ? 0 : 1
}
