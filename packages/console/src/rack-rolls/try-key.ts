import { KeyrackError } from '@keyrack/protocol'
import { answerError } from '@keyrack/protocol/client'
import type { Secret } from '@keyrack/secrets'
import type { AddressGuard } from '../proxy/address-guard.ts'
import { rackClient } from './rack-client.ts'
import { type RackPeer, type RackPlace, rackPeers } from './rack-peers.ts'

const LIMIT_MS = 10_000

export type KeyVerdict = 'accepted' | 'refused'

/**
 * Whether a Rack takes a key, by a connection that is made for this question, to the certificate
 * that is pinned. Only a 200 and a 401 prove anything: 403, 404, 429, 5xx and silence are thrown.
 */
export async function tryKey(
  guard: AddressGuard,
  rack: RackPlace,
  key: Secret,
  peer?: RackPeer,
): Promise<KeyVerdict> {
  const client = rackClient(guard, rack, key, peer)
  const signal = AbortSignal.timeout(LIMIT_MS)
  const answer = await client.request('GET', '/auth', { anyStatus: true, signal })
  if (answer.status === 200) return 'accepted'
  if (answer.status === 401) return 'refused'
  const { host } = new URL(rack.url)
  throw new KeyrackError(
    'rack-broken',
    `${host} answered ${answer.status} to a key, which proves nothing`,
    { cause: answerError(answer, host) },
  )
}

/** The verdict of every machine behind the Rack's name; they may differ while one lags behind. */
export async function tryKeyEverywhere(
  guard: AddressGuard,
  rack: RackPlace,
  key: Secret,
): Promise<{ accepted: string[]; refused: string[] }> {
  const verdicts = { accepted: [] as string[], refused: [] as string[] }
  for (const peer of await rackPeers(guard, rack)) {
    verdicts[await tryKey(guard, rack, key, peer)].push(peer.address)
  }
  return verdicts
}
