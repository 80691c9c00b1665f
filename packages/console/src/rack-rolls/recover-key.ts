import { KeyrackError } from '@keyrack/protocol'
import { KeyChallenge, RecoveredKey, recoveryText } from '@keyrack/protocol/key-resources'
import { SealError, type Secret, signText } from '@keyrack/secrets'
import type { RackEntry } from '../directory.ts'
import { openRackKey } from '../racks/open-rack-key.ts'
import { readKeyCopy } from './key-copy.ts'
import { rackClient } from './rack-client.ts'
import type { RollDomain } from './roll-domain.ts'
import { tryKey } from './try-key.ts'

/**
 * The key that a Rack takes, from the copy that it keeps for its Console: for a Console whose
 * database is older than the last roll. It signs a nonce of the Rack's with the key that it has
 * registered; the copy opens with the Console's own master key only, and only for that Rack's row.
 * Undefined: the Rack has none for us, or the copy is none that we can open.
 */
export async function recoverKey(
  domain: RollDomain,
  rack: RackEntry,
): Promise<{ key: Secret; version: number } | undefined> {
  if (rack.remoteId === null) return undefined
  const client = rackClient(domain.guard, rack, undefined)
  const { identity } = domain
  const asked = await client.request('POST', '/system/key/challenge', { anyStatus: true })
  if (asked.status !== 200) return undefined
  const challenge = KeyChallenge.parse(JSON.parse(asked.body))
  if (challenge.rack !== rack.remoteId) {
    throw new KeyrackError('rack-refused', 'another Rack answers in the place of this one')
  }
  const text = recoveryText(challenge.rack, identity.id, challenge.nonce)
  const { nonce } = challenge
  const form = { console: identity.id, nonce, signature: signText(identity.privateKey, text) }
  const answer = await client.request('POST', '/system/key/recover', { form, anyStatus: true })
  if (answer.status !== 200) return undefined
  const copy = readKeyCopy(RecoveredKey.parse(JSON.parse(answer.body)).copy)
  if (copy === undefined) return undefined
  const key = openCopy(domain, rack.id, copy)
  if (key === undefined || (await tryKey(domain.guard, rack, key)) === 'refused') return undefined
  return { key, version: copy.version }
}

function openCopy(
  { keyring, log }: RollDomain,
  id: string,
  { sealed: sealedKey, version: keyVersion }: { sealed: string; version: number },
): Secret | undefined {
  try {
    return openRackKey(keyring, { id, sealedKey, keyVersion })
  } catch (error) {
    if (!(error instanceof SealError)) throw error
    log.error({ rack: id, err: error }, 'the copy of a key that a Rack gave back does not open')
    return undefined
  }
}
