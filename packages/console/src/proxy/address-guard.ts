/**
 * Where Racks may be (CWE-918). The check is made on the address that is about to be connected to,
 * at the moment of connecting, so a name that changes its answer gains nothing (CWE-350, CWE-367).
 */
import { lookup as dnsLookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { KeyrackError } from '@keyrack/protocol'

const LOOPBACK = blockList(['127.0.0.0/8', '::1/128'])
/**
 * Never a Rack: this network, link-local with the metadata service, the one that Azure has at a
 * public address, multicast, reserved, and IPv6 that carries IPv4 inside (6to4, Teredo).
 */
const NEVER = blockList([
  ...['0.0.0.0/8', '169.254.0.0/16', '192.0.0.0/24', '224.0.0.0/4', '240.0.0.0/4'],
  ...['168.63.129.16/32', 'fd00:ec2::/32', 'fd20:ce::/32', '2001::/32', '2002::/16'],
])
/** All other IPv6 (link-local, NAT64, IPv4 in old notations, ...) is refused for not being here. */
const USUAL_IPV6 = blockList(['2000::/3', 'fc00::/7'])
const PRIVATE = blockList([
  ...['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '198.18.0.0/15'],
  'fc00::/7',
])

export interface AddressGuard {
  /** Throws unless a Rack of this kind may be at that address. */
  check(address: string, local: boolean): void
  /** A `lookup` that answers with a checked address only. */
  lookup(local: boolean): LookupFunction
}

/** `networks`: private networks (CIDR) in which the operator says Racks are. */
export function createAddressGuard(networks: readonly string[]): AddressGuard {
  const allowed = blockList(networks)

  function check(text: string, local: boolean): void {
    const address = unmapped(text)
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    const loopback = isOnThisMachine(address)
    if (local) {
      if (loopback) return
      throw refused('a local Rack is on this machine only')
    }
    const strange = family === 'ipv6' && !USUAL_IPV6.check(address, family)
    if (isIP(address) === 0 || loopback || strange || NEVER.check(address, family)) {
      throw refused('it is on this machine, or an address that no Rack can have')
    }
    if (PRIVATE.check(address, family) && !allowed.check(address, family)) {
      throw refused('it is in a private network that RACK_NETWORKS does not list')
    }
  }

  return {
    check,
    lookup: (local) => (hostname, options, callback) => {
      dnsLookup(hostname, { ...options, all: true }, (error, addresses) => {
        if (error) {
          callback(error, '', 0)
          return
        }
        try {
          // One forbidden answer spoils the name: a client may try them all.
          for (const { address } of addresses) check(address, local)
        } catch (refusal) {
          callback(refusal as NodeJS.ErrnoException, '', 0)
          return
        }
        if (options.all === true) callback(null, addresses)
        else callback(null, addresses[0]?.address ?? '', addresses[0]?.family ?? 4)
      })
    },
  }
}

/** Whether an address, in any spelling, is this machine's loopback. */
export function isOnThisMachine(text: string): boolean {
  const address = unmapped(text)
  const family = isIP(address)
  return family !== 0 && LOOPBACK.check(address, family === 6 ? 'ipv6' : 'ipv4')
}

function refused(why: string): KeyrackError {
  return new KeyrackError('rack-refused', `the address of this Rack is not allowed: ${why}`)
}

/** The IPv4 address inside `::ffff:a.b.c.d`, in either spelling; anything else as it is. */
function unmapped(address: string): string {
  const bare = address.replace(/^\[|\]$/g, '').split('%')[0] ?? ''
  const [, tail] = /^(?:0*:)*:?ffff:([0-9.]+|[0-9a-f]+:[0-9a-f]+)$/i.exec(bare) ?? []
  if (tail === undefined) return bare
  if (tail.includes('.')) return tail
  const [high = '0', low = '0'] = tail.split(':')
  const [h, l] = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
  return [h >> 8, h & 255, l >> 8, l & 255].join('.')
}

function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', prefix] = network.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    list.addSubnet(address, Number(prefix ?? (family === 'ipv6' ? 128 : 32)), family)
  }
  return list
}
