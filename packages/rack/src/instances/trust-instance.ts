import { KeyrackError } from '@keyrack/protocol'
import type { HostKeyStatus } from '@keyrack/protocol/resources'
import { equalSecrets, sshFingerprint } from '@keyrack/secrets'
import type { KnownInstances } from './known-instances.ts'
import { type InstanceAccess, logIn, unreachable } from './log-in.ts'

export interface TrustParts {
  engine: InstanceAccess['engine']
  knownInstances: KnownInstances
}

const PROBE_MS = 20_000

/** Which host key an instance shows now, and which one is recorded for it. Nothing is sent to it. */
export async function readHostKeys(parts: TrustParts, instanceId: string): Promise<HostKeyStatus> {
  const shown = await shownHostKey(parts, instanceId)
  const recorded = await parts.knownInstances.recorded(instanceId)
  return {
    id: instanceId,
    recorded: recorded === undefined ? '' : fingerprintOf(recorded),
    shown: fingerprintOf(shown),
  }
}

/** Records the host key that the instance shows, when it is the one with that fingerprint. */
export async function trustInstance(
  parts: TrustParts,
  instanceId: string,
  fingerprint: string,
): Promise<void> {
  if (!/^SHA256:[A-Za-z0-9+/]{43}$/.test(fingerprint)) {
    throw new KeyrackError('invalid', 'fingerprint must be SHA256: and 43 characters', {
      field: 'fingerprint',
      hint: `see what it shows: convox instances trust ${instanceId}`,
    })
  }
  const shown = await shownHostKey(parts, instanceId)
  if (!equalSecrets(fingerprintOf(shown), fingerprint)) {
    throw new KeyrackError('conflict', `instance ${instanceId} shows another host key than that`, {
      hint: `see which one: convox instances trust ${instanceId}`,
    })
  }
  await parts.knownInstances.replace(instanceId, shown)
}

async function shownHostKey({ engine }: TrustParts, instanceId: string): Promise<Buffer> {
  let shown: Buffer | undefined
  const refuse = async (_id: string, key: Uint8Array): Promise<void> => {
    shown = Buffer.from(key)
    throw new Error('only looked at')
  }
  const access = { engine, knownInstances: { verify: refuse } }
  try {
    await logIn(access, instanceId, [], AbortSignal.timeout(PROBE_MS))
  } catch (error) {
    if (shown !== undefined) return shown
    if (error instanceof KeyrackError && error.code !== 'rack-broken') throw error
    throw unreachable(instanceId, error)
  }
  throw new TypeError('a refused host key was accepted')
}

function fingerprintOf(hostKey: Buffer): string {
  // One kind of host key is accepted, see log-in.ts.
  return sshFingerprint(`ssh-ed25519 ${hostKey.toString('base64')}`)
}
