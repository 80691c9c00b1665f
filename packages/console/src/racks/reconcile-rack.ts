import { createClient } from '@keyrack/protocol/client'
import { KeyChallenge, RecoveredKey, recoveryText } from '@keyrack/protocol/key-resources'
import { type Keyring, open, SealError, type Secret, signText } from '@keyrack/secrets'
import type { Domain } from '../context.ts'
import type { RackEntry } from '../directory.ts'
import type { AddressGuard } from '../proxy/address-guard.ts'
import { consoleIdentity } from '../rack-rolls/console-identity.ts'
import { readKeyCopy } from '../rack-rolls/key-copy.ts'
import { VERSION } from '../version.ts'
import { guarded } from './ask-rack.ts'
import { rackKeyContext } from './open-rack-key.ts'

const LIMIT_MS = 10_000

/**
 * Asks one of our own Racks for the copy of its key that came with the last roll: how a Console that
 * was restored from before that roll gets it back. The Rack gives it to who signs its nonce with the
 * key of this installation, and only our master key opens it. Undefined: the Rack has none, does not
 * know us, or is too old to be asked; a copy under a master key that is not here is thrown.
 */
export async function recoverRackKey(
  domain: Pick<Domain, 'store' | 'clock'> & { keyring: Keyring; guard: AddressGuard },
  rack: RackEntry,
): Promise<Secret | undefined> {
  const { id: console, privateKey } = await consoleIdentity(domain, domain.keyring)
  const client = createClient({
    url: rack.url,
    version: VERSION,
    timeoutMs: LIMIT_MS,
    ...guarded(domain.guard, rack),
    ...(rack.pin === '' ? {} : { pin: rack.pin }),
  })
  const ask = (path: string, form: Record<string, string>) =>
    client.request('POST', path, { form, anyStatus: true, signal: AbortSignal.timeout(LIMIT_MS) })
  const challenged = await ask('/system/key/challenge', {})
  if (challenged.status !== 200) return undefined
  const { nonce, rack: rackId } = KeyChallenge.parse(JSON.parse(challenged.body))
  // A signature for another Rack would get whoever sent us this nonce that one's copy.
  if (rackId !== rack.remoteId) return undefined
  const signature = signText(privateKey, recoveryText(rackId, console, nonce))
  const recovered = await ask('/system/key/recover', { console, nonce, signature })
  if (recovered.status !== 200) return undefined
  const copy = readKeyCopy(RecoveredKey.parse(JSON.parse(recovered.body)).copy)
  if (copy === undefined) return undefined
  return openCopy(domain.keyring, rack.id, copy)
}

function openCopy(
  keyring: Keyring,
  rackId: string,
  { version, sealed }: { version: number; sealed: string },
): Secret | undefined {
  try {
    return open(keyring, sealed, rackKeyContext(rackId, version))
  } catch (error) {
    // Its sealing names the master key that is missing, which the operator can still put there.
    if (error instanceof SealError && error.code === 'damaged') return undefined
    throw error
  }
}
