import { KeyrackError } from '@keyrack/protocol'
import { isLoopback } from '../config.ts'
import type { ConsoleContext } from '../context.ts'
import { LocalRack } from './local-rack.ts'
import { localRackRow } from './local-rack-row.ts'

/**
 * The local Rack, with its row made if it is not there; not started yet. Undefined: none can be
 * run here, the log says why, and the Console serves without it.
 */
export async function prepareLocalRack(context: ConsoleContext): Promise<LocalRack | undefined> {
  const { config, keyring, identity, log } = context
  if (config.databaseUrl !== undefined) {
    log.info(
      'no local Rack is run, because the Consoles of one database would each need it on their own machine (DATABASE_URL is set)',
    )
    return undefined
  }
  // Design 8: the local engine is for a server that only this machine reaches.
  if (!isLoopback(config.host)) {
    log.warn(
      { host: config.host },
      'no local Rack is run, because code on it would run as this server and HOST is not loopback',
    )
    return undefined
  }
  try {
    const row = await localRackRow(context, keyring, config.dataDir)
    return new LocalRack({ domain: context, keyring, identity, config, row })
  } catch (error) {
    if (!(error instanceof KeyrackError)) throw error
    log.error({ hint: error.hint }, `no local Rack: ${error.message}`)
    return undefined
  }
}
