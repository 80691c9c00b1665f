import type { Keyring } from '@keyrack/secrets'
import type { Domain } from '../context.ts'
import type { AddressGuard } from '../proxy/address-guard.ts'
import type { ConsoleIdentity } from './console-identity.ts'
import type { KeysInFlight } from './keys-in-flight.ts'
import type { Point } from './point.ts'
import type { Replicas } from './replicas.ts'

/** What rolling the keys of Racks works with. */
export interface RollDomain
  extends Pick<Domain, 'store' | 'commit' | 'ledger' | 'directory' | 'audit' | 'log' | 'clock'> {
  keyring: Keyring
  /** As whom Racks know us. */
  identity: ConsoleIdentity
  guard: AddressGuard
  keysInFlight: KeysInFlight
  replicas: Replicas
  point: Point
}
