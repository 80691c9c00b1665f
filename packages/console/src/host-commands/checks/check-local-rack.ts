import { KeyrackError } from '@keyrack/protocol'
import { peerCertificate } from '@keyrack/protocol/client'
import type { InspectedStore } from '@keyrack/server'
import { type ConsoleConfig, isLoopback } from '../../config.ts'
import type { Database } from '../../database/schema.ts'

/** Whether the Rack that the server runs itself answers, as the one it is. Nothing is sent to it. */
export async function checkLocalRack(
  store: Pick<InspectedStore<Database>, 'db'>,
  config: Pick<ConsoleConfig, 'host'>,
  running: boolean,
): Promise<string> {
  if (!isLoopback(config.host)) return 'none runs, because HOST is not loopback'
  const row = await store.db
    .selectFrom('racks')
    .where('local_at', 'is not', null)
    .select(['name', 'url', 'pin'])
    .executeTakeFirst()
  if (row === undefined) return 'none yet'
  if (!running) return `${row.name} starts with the server`
  if (row.url === null || row.pin === null) {
    throw new KeyrackError('not-ready', `${row.name} has never been ready`, {
      hint: 'look at the log of the server',
    })
  }
  const shown = await peerCertificate(row.url, { timeoutMs: 5000 })
  if (shown.fingerprint === row.pin) return `${row.name} answers at ${row.url}`
  throw new KeyrackError('rack-broken', `something else than ${row.name} answers at ${row.url}`, {
    hint: 'set RACK_PORT to another port and start the server again',
  })
}
