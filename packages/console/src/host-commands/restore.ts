import { resolve } from 'node:path'
import { KeyrackError } from '@keyrack/protocol'
import { readConfig } from '../config.ts'
import { newId } from '../new-id.ts'
import { restore } from '../vault/restore.ts'
import { noMoreArguments } from './no-more-arguments.ts'
import { closingAfter } from './on-database.ts'

const FORCE = '--force'

/** With the server stopped. */
export async function restoreCommand(args: readonly string[]): Promise<number> {
  const [name = '', ...more] = args.filter((word) => word !== FORCE)
  noMoreArguments(more)
  if (name === '' || name.startsWith('-')) {
    throw new KeyrackError('invalid', 'say from where: keyrack-console restore FILE [--force]')
  }
  const config = readConfig({ env: process.env })
  const options = { file: resolve(name), force: args.includes(FORCE) }
  const request = { requestId: newId(), address: '127.0.0.1' }
  const { rows, createdAt, refused } = await closingAfter((closing, log) =>
    restore(config, log, closing, options, request),
  )
  process.stdout.write(
    `restored ${rows} rows, as they were at ${new Date(createdAt).toISOString()}\n` +
      'Everybody is signed out. Keys that were replaced or revoked since then are as they were: replace them again.\n' +
      'The Console is paused: it begins no scheduled roll until you have run: keyrack-console reconcile\n',
  )
  for (const row of refused) process.stdout.write(`refused, not written by a Console: ${row}\n`)
  return 0
}
