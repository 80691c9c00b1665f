import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'

export interface Client {
  address: string
  /** True when the last hop that we can speak for was TLS. */
  secure: boolean
}

/**
 * Who is asking. `X-Forwarded-*` counts only when the peer itself is a trusted proxy, and then only
 * the entry that proxy added, the last one: everything before it was written by the client
 * (CWE-348).
 */
export function createClientReader(
  trustedProxies: readonly string[],
): (request: IncomingMessage) => Client {
  const trusted = new BlockList()
  for (const entry of trustedProxies) {
    const [network = '', prefix] = entry.split('/')
    const family = isIP(network) === 6 ? 'ipv6' : 'ipv4'
    if (isIP(network) === 0) throw new TypeError(`not an address: ${entry}`)
    if (prefix === undefined) trusted.addAddress(network, family)
    else trusted.addSubnet(network, Number(prefix), family)
  }
  return (request) => {
    const peer = plainAddress(request.socket.remoteAddress ?? '')
    const secure = 'encrypted' in request.socket && request.socket.encrypted === true
    const family = isIP(peer)
    if (family === 0 || !trusted.check(peer, family === 6 ? 'ipv6' : 'ipv4')) {
      return { address: peer, secure }
    }
    const forwarded = plainAddress(lastEntry(request.headers['x-forwarded-for']) ?? '')
    return {
      address: isIP(forwarded) === 0 ? peer : forwarded,
      secure: secure || lastEntry(request.headers['x-forwarded-proto']) === 'https',
    }
  }
}

function lastEntry(header: string | string[] | undefined): string | undefined {
  const text = Array.isArray(header) ? header.join(',') : header
  return text?.split(',').at(-1)?.trim()
}

/** `::ffff:127.0.0.1` is how a dual-stack socket names an IPv4 peer; one client, one spelling. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}
