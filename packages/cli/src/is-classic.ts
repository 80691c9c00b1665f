import type { System } from '@keyrack/protocol/resources'

/** Racks up to this version know the requests of 2016 only (protocol.md 8.1). */
const LAST_CLASSIC_VERSION = '20180708231844'

/** A Rack of the first generation, which wants some things asked in another way. */
export function isClassic({ version }: Pick<System, 'version'>): boolean {
  return version !== '' && version <= LAST_CLASSIC_VERSION
}
