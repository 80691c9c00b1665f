import { KeyrackError } from '@keyrack/protocol'
import { type ConsoleConfig, readConfig } from '../../config.ts'
import { KEY_VERIFICATION } from '../../operator/key-commands.ts'
import { acceptRollback } from '../../vault/accept-rollback.ts'
import { openVault } from '../../vault/open-vault.ts'
import { type Verification, verifyStored } from '../../vault/verify-stored.ts'
import { askServer } from '../ask-server.ts'
import { noMoreArguments } from '../no-more-arguments.ts'
import { closingAfter, requireConsole } from '../on-database.ts'
import { consoleFolder, isRunning } from '../running-console.ts'

const ACCEPT = '--accept-rollback'

/** Looks at everything that is sealed or hashed. Ends with 1 if anything is not as it was written last. */
export async function verifyCommand(args: readonly string[]): Promise<number> {
  noMoreArguments(args.filter((word) => word !== ACCEPT))
  const config = readConfig({ env: process.env })
  requireConsole(config)
  const folder = consoleFolder(config)
  if (args.includes(ACCEPT)) return accept(config, isRunning(folder))
  const found = isRunning(folder)
    ? ((await askServer(folder, KEY_VERIFICATION, {})) as Verification)
    : await closingAfter(async (closing, log) =>
        verifyStored(await openVault(config, log, closing), config.anchorFile),
      )
  return sayFound(found)
}

function sayFound({ sealed, credentials, problems }: Verification): number {
  for (const { where, problem } of problems) process.stdout.write(`failed  ${where}  ${problem}\n`)
  process.stdout.write(`opened ${sealed} sealed values, compared ${credentials} credentials\n`)
  if (problems.length === 0) {
    process.stdout.write('ok: everything is as it was written last\n')
    return 0
  }
  process.stderr.write(
    `ERROR: ${problems.length} problems; restore a backup with keyrack-console restore FILE, or replace the keys that are named (regenerate, revoke, remove and add)\n`,
  )
  return 1
}

async function accept(config: ConsoleConfig, running: boolean): Promise<number> {
  if (running) {
    throw new KeyrackError('conflict', 'the server runs, so it has not been refused', {
      hint: `stop it, and every other Console of the database, before ${ACCEPT}`,
    })
  }
  const { refused } = await closingAfter(async (closing, log) =>
    acceptRollback(await openVault(config, log, closing), config.anchorFile),
  )
  process.stdout.write('the database is believed as it is now; what was newer can not come back\n')
  for (const row of refused) process.stdout.write(`still refused  ${row}\n`)
  return 0
}
