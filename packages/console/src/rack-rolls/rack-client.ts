import { type Client, createClient } from '@keyrack/protocol/client'
import type { Secret } from '@keyrack/secrets'
import type { AddressGuard } from '../proxy/address-guard.ts'
import { guarded } from '../racks/ask-rack.ts'
import { VERSION } from '../version.ts'
import type { RackPeer, RackPlace } from './rack-peers.ts'

const TIMEOUT_MS = 15_000
/** `GET /system` of an official Rack, with all its outputs, is the longest. */
const ANSWER_BYTES_MAX = 1024 * 1024

/**
 * The Console's own client of a Rack, guarded and pinned. It makes a connection for each request, so
 * that no answer can come from a process that was started with another key.
 */
export function rackClient(
  guard: AddressGuard,
  rack: RackPlace,
  key: Secret | undefined,
  peer?: RackPeer,
): Client {
  return createClient({
    url: rack.url,
    version: VERSION,
    timeoutMs: TIMEOUT_MS,
    answerBytesMax: ANSWER_BYTES_MAX,
    ...(key === undefined ? {} : { password: key }),
    ...guarded(guard, rack),
    ...(peer === undefined ? {} : { lookup: peer.lookup }),
    ...(rack.pin === '' ? {} : { pin: rack.pin }),
  })
}
