import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { KeyrackError } from '@keyrack/protocol'
import { lockFolder, openStore } from '@keyrack/server'
import { readConfig } from '../config.ts'
import { MIGRATIONS } from '../database/migrations.ts'
import type { RackSchema } from '../database/schema.ts'
import { resetKey } from '../rack-keys/reset-key.ts'
import { goAhead } from './go-ahead.ts'

/**
 * Puts the key in force whose hash RACK_KEY_HASH is. The key itself never comes here: whoever made
 * it has saved it before.
 */
export async function resetKeyCommand(): Promise<void> {
  const { dataDir, rackName, rackKeyHash } = readConfig({ env: process.env })
  if (rackKeyHash === undefined) {
    throw new KeyrackError('invalid', 'RACK_KEY_HASH is not set', {
      hint: 'set it to the SHA-256 of the new key, 64 hex characters',
      field: 'RACK_KEY_HASH',
    })
  }
  // A Console beside it holds the key of this Rack sealed, and would be locked out.
  if (existsSync(join(dataDir, 'console'))) {
    throw new KeyrackError('conflict', `the Rack in ${dataDir} belongs to the Console there`, {
      hint: 'its Console holds and rolls its key; start the Console and run: convox rack key roll',
    })
  }
  const folder = join(dataDir, 'racks', rackName)
  const file = join(folder, 'db')
  if (!existsSync(file)) {
    throw new KeyrackError('not-found', `there is no Rack ${rackName} in ${dataDir}`, {
      hint: 'set DATA_DIR and RACK_NAME as for the Rack',
    })
  }
  const lock = lockFolder(folder, 'Rack')
  try {
    await goAhead()
    const store = await openStore<RackSchema>({ file, migrations: MIGRATIONS })
    try {
      const changed = await resetKey(store, rackKeyHash)
      process.stdout.write(changed ? 'the new key is in force\n' : 'that key is in force already\n')
    } finally {
      await store.close()
    }
  } finally {
    lock.release()
  }
}
