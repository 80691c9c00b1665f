import { isIP, type LookupFunction } from 'node:net'
import { connectionError } from '@keyrack/protocol/client'
import type { RackEntry } from '../directory.ts'
import type { AddressGuard } from '../proxy/address-guard.ts'

/** What is needed to reach a Rack. */
export type RackPlace = Pick<RackEntry, 'url' | 'pin' | 'local'>

/** One of the machines behind a Rack's name, as a `lookup` that knows only its address. */
export interface RackPeer {
  address: string
  lookup: LookupFunction
}

/**
 * Every address that a Rack's name has, each checked by the guard. A balancer's name has several,
 * and a key that one of them accepts still may be refused by another.
 */
export async function rackPeers(guard: AddressGuard, rack: RackPlace): Promise<RackPeer[]> {
  const url = new URL(rack.url)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) !== 0) {
    guard.check(host, rack.local)
    return [peer(host, isIP(host))]
  }
  const found = await new Promise<ReadonlyArray<{ address: string; family: number }>>(
    (resolve, reject) => {
      guard.lookup(rack.local)(host, { all: true }, (error, addresses) => {
        if (error !== null) reject(connectionError(error, host, Number(url.port || 443)))
        else resolve(Array.isArray(addresses) ? addresses : [])
      })
    },
  )
  return found.map(({ address, family }) => peer(address, family))
}

function peer(address: string, family: number): RackPeer {
  return {
    address,
    lookup: (_host, options, callback) => {
      if (options.all === true) callback(null, [{ address, family }])
      else callback(null, address, family)
    },
  }
}
