import { KeyrackError } from '@keyrack/protocol'
import { type Keyring, open, type Secret } from '@keyrack/secrets'
import type { RackEntry } from '../directory.ts'

/** The one place where a Rack's key becomes readable to the Console. */
export function openRackKey(
  keyring: Keyring,
  rack: Pick<RackEntry, 'id' | 'sealedKey' | 'keyVersion' | 'refused'>,
): Secret {
  if (rack.refused) {
    throw new KeyrackError(
      'not-ready',
      'the stored record of this Rack was changed by somebody else, so its key is not used',
      { hint: 'the operator of the server sees more with: keyrack-console keys verify' },
    )
  }
  return open(keyring, rack.sealedKey, rackKeyContext(rack.id, rack.keyVersion))
}

/** What a Rack's sealed key is bound to: the same for sealing and opening. */
export function rackKeyContext(rackId: string, version: number) {
  return { table: 'racks', row: rackId, column: 'sealed_key', version }
}
