import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { KeyrackError } from '@keyrack/protocol'
import { connectionError } from '@keyrack/protocol/client'
import { type AddressGuard, isOnThisMachine } from '../proxy/address-guard.ts'

export interface RackAddress {
  /** `https://host` or `https://host:port`. */
  url: string
  /** On this machine. */
  local: boolean
}

/**
 * Where a Rack is, from what a person typed. Refuses addresses at which no Rack may be, so that the
 * refusal has a text; the guard checks again at each connecting, when the name may mean another one.
 */
export async function locateRack(guard: AddressGuard, typed: string): Promise<RackAddress> {
  const url = parseRackHost(typed)
  const addresses = await addressesOf(url)
  const local = addresses.every(isOnThisMachine)
  try {
    for (const address of addresses) guard.check(address, local)
  } catch (error) {
    if (!(error instanceof KeyrackError)) throw error
    throw new KeyrackError('invalid', error.message, {
      field: 'host',
      hint: 'give the public name of the Rack, or have the server administrator set RACK_NETWORKS',
    })
  }
  return { url: `https://${url.host}`, local }
}

/** The URL parser writes every spelling of an address (decimal, octal, hex, short) in its usual form. */
export function parseRackHost(typed: string): URL {
  const text = typed.trim()
  const bare = /^[0-9a-f:]*:[0-9a-f:]*:[0-9a-f:.]*$/i.test(text) ? `[${text}]` : text
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(bare) ? bare : `https://${bare}`
  // The parser drops tabs and line breaks silently, reads a backslash as a slash and decodes.
  if (text === '' || text.length > 300 || /[\s\\%\p{C}]/u.test(text) || !URL.canParse(address)) {
    throw notHost('this is not the host of a Rack')
  }
  const url = new URL(address)
  if (url.username !== '' || url.password !== '') {
    throw notHost('a key does not belong into the host')
  }
  if (url.protocol !== 'https:') throw notHost('a Rack is reached by https only')
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.port === '0') {
    throw notHost('this is more than the host of a Rack')
  }
  return url
}

function notHost(message: string): KeyrackError {
  return new KeyrackError('invalid', message, {
    field: 'host',
    hint: 'give a name and perhaps a port, as in rack.example.com:5443',
  })
}

async function addressesOf(url: URL): Promise<string[]> {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) !== 0) return [host]
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address)
  } catch (error) {
    throw connectionError(error, host, Number(url.port || 443))
  }
}
