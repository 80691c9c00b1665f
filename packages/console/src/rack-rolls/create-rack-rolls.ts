import type { Keyring } from '@keyrack/secrets'
import type { Logger } from '@keyrack/server'
import type { ConsoleConfig } from '../config.ts'
import type { Domain } from '../context.ts'
import { createAddressGuard } from '../proxy/address-guard.ts'
import type { ConsoleIdentity } from './console-identity.ts'
import { KeysInFlight } from './keys-in-flight.ts'
import { NO_POINT, type Point } from './point.ts'
import { RackRolls } from './rack-rolls.ts'
import { createReplicas, ONLY_CONSOLE } from './replicas.ts'
import { createWebhook } from './webhook.ts'

export interface RackRollsOptions {
  domain: Pick<
    Domain,
    'store' | 'commit' | 'ledger' | 'directory' | 'audit' | 'clock' | 'freshness'
  >
  keyring: Keyring
  identity: ConsoleIdentity
  config: Pick<ConsoleConfig, 'rackNetworks' | 'webhook'>
  log: Logger
  /** Of this Console among those on one database; empty where it is the only one. */
  consoleId: string
  point?: Point | undefined
}

export function createRackRolls(options: RackRollsOptions): RackRolls {
  const { domain, keyring, identity, config, log, consoleId: id, point = NO_POINT } = options
  const { store, directory, freshness, clock } = domain
  const keysInFlight = new KeysInFlight()
  const replicas =
    id === ''
      ? ONLY_CONSOLE
      : createReplicas({ id, store, directory, freshness, keysInFlight, log })
  const guard = createAddressGuard(config.rackNetworks)
  return new RackRolls(
    { ...domain, keyring, identity, guard, keysInFlight, replicas, log, point },
    createWebhook({ settings: config.webhook, log, clock }),
  )
}
