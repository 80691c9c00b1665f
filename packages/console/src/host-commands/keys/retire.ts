import { KeyrackError } from '@keyrack/protocol'
import { readConfig } from '../../config.ts'
import { KEY_RETIREMENT } from '../../operator/key-commands.ts'
import { retireMasterKey } from '../../vault/retire-master-key.ts'
import { askServer } from '../ask-server.ts'
import { noMoreArguments } from '../no-more-arguments.ts'
import { onDatabase, requireConsole } from '../on-database.ts'
import { consoleFolder, isRunning } from '../running-console.ts'

/** Takes a master key that seals nothing out of use; its file stays, under another name. */
export async function retireCommand([id, ...more]: readonly string[]): Promise<number> {
  noMoreArguments(more)
  if (id === undefined || !/^[0-9a-f]{16}$/.test(id)) {
    throw new KeyrackError('invalid', 'say which master key: keyrack-console keys retire ID', {
      hint: 'list them with: keyrack-console keys status',
    })
  }
  const config = readConfig({ env: process.env })
  requireConsole(config)
  const folder = consoleFolder(config)
  const { file } = isRunning(folder)
    ? ((await askServer(folder, KEY_RETIREMENT, { id })) as { file: string })
    : await onDatabase(config, (context, request) => retireMasterKey(context, id, request))
  process.stdout.write(
    `retired the master key ${id}; it is now ${file}\n` +
      'Older backups need it, and keys that Racks keep may: move it to where copies of keys are kept.\n',
  )
  return 0
}
