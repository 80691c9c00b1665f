import { isIP } from 'node:net'
import { KeyrackError } from '@keyrack/protocol'
import { createClient, type PeerCertificate, peerCertificate } from '@keyrack/protocol/client'
import { System } from '@keyrack/protocol/resources'
import type { Secret } from '@keyrack/secrets'
import type { AddressGuard } from '../proxy/address-guard.ts'
import { VERSION } from '../version.ts'
import type { RackAddress } from './rack-address.ts'

/** What a Rack says of itself, cut to what can be shown. */
export interface RackFacts {
  /** Null: official Racks have none. */
  remoteId: string | null
  provider: string
  version: string
  /** It shows its key to everybody who may read it, as official v2 Racks in development mode do. */
  showsKey: boolean
}

/** For everything together, so that a server that drips bytes holds nobody up. */
const LIMIT_MS = 20_000
/** `GET /system` with all outputs and parameters of a large Rack is a few kilobytes. */
const ANSWER_BYTES_MAX = 1024 * 1024

/** The certificate that is shown at an address. Nothing is sent. */
export function certificateAt(guard: AddressGuard, rack: RackAddress): Promise<PeerCertificate> {
  return peerCertificate(rack.url, {
    ...guarded(guard, rack),
    signal: AbortSignal.timeout(LIMIT_MS),
  })
}

/** Proves that a Rack answers there and takes the key; nothing is sent to another certificate. */
export async function askRack(
  guard: AddressGuard,
  rack: RackAddress & { pin: string },
  key: Secret,
  limitMs: number = LIMIT_MS,
): Promise<RackFacts> {
  const { host } = new URL(rack.url)
  const client = createClient({
    url: rack.url,
    password: key,
    version: VERSION,
    answerBytesMax: ANSWER_BYTES_MAX,
    ...guarded(guard, rack),
    ...(rack.pin === '' ? {} : { pin: rack.pin }),
  })
  const signal = AbortSignal.timeout(limitMs)
  try {
    const auth = await client.request('GET', '/auth', { signal })
    const remoteId = readAuth(auth.body, host)
    const system = await client.request('GET', '/system', { signal })
    return { remoteId, ...readSystem(system.body, host) }
  } catch (error) {
    throw explained(error, host)
  }
}

/** How a client of a Rack resolves names; throws where no Rack may be. */
export function guarded(guard: AddressGuard, { url, local }: RackAddress) {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) !== 0) guard.check(host, local)
  return { lookup: guard.lookup(local) }
}

/** An official Rack answers `ok`, `OK` or JSON, an old one nothing (protocol.md 1.4); a page is none. */
function readAuth(body: string, host: string): string | null {
  if (/^(ok)?$/i.test(body.trim())) return null
  const value = parseObject(body)
  if (value === undefined) throw noRack(host)
  const { id } = value
  return typeof id === 'string' && /^[\w.-]{1,64}$/.test(id) ? id : null
}

function readSystem(body: string, host: string): Omit<RackFacts, 'remoteId'> {
  const found = System.safeParse(parseObject(body))
  if (!found.success || found.data.name === '') throw noRack(host)
  const { provider, version, outputs, parameters } = found.data
  const showsKey = [outputs, parameters].flatMap(Object.entries).some(isShownKey)
  return { provider: shown(provider), version: shown(version), showsKey }
}

/** A Rack's `Password` is its key; most Racks put asterisks in its place. */
function isShownKey([name, value]: [string, string]): boolean {
  return name.toLowerCase() === 'password' && !/^\**$/.test(value)
}

function parseObject(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? { ...value } : undefined
  } catch {
    return undefined
  }
}

function shown(text: string): string {
  return text.replaceAll(/\p{C}/gu, '').slice(0, 60)
}

function noRack(host: string): KeyrackError {
  return new KeyrackError('rack-broken', `${host} does not answer as a Rack does`, {
    hint: 'check the host and the port',
  })
}

/** A 401 from a Rack is about the Rack's key: the caller's own is fine. */
function explained(error: unknown, host: string): unknown {
  if (!(error instanceof KeyrackError)) return error
  switch (error.code) {
    case 'unauthenticated':
    case 'forbidden':
      return new KeyrackError('invalid', `${host} refuses this key`, {
        field: 'key',
        hint: 'it wants the key that the Rack was installed with',
        cause: error,
      })
    case 'rack-broken':
    case 'rack-refused':
    case 'rack-unreachable':
    case 'timeout':
      return error
    case 'throttled':
      return new KeyrackError('throttled', `${host} was given too many wrong keys`, {
        hint: 'wait a moment and try again',
        retryAfterSeconds: error.retryAfterSeconds ?? 60,
      })
    default:
      return new KeyrackError('rack-broken', `${host} does not answer as a Rack does`, {
        hint: `it said: ${error.message.slice(0, 200)}`,
        cause: error,
      })
  }
}
