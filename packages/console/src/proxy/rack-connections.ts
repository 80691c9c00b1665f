/**
 * Connections to Racks: verified before the first byte, kept alive per Rack. A Rack that moved or
 * whose certificate was trusted anew gets a new pool.
 */
import { isIP } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { KeyrackError } from '@keyrack/protocol'
import { connectPinned } from '@keyrack/protocol/client'
import { type Dispatcher, Pool } from 'undici'
import type { RackEntry } from '../directory.ts'
import type { AddressGuard } from './address-guard.ts'

const CONNECT_TIMEOUT_MS = 10_000
const KEEP_ALIVE_MS = 60_000

export interface RackConnections {
  /** The pool for ordinary requests and for answers that never end: it has no limit of its own. */
  pool(rack: RackEntry): Dispatcher
  /** A connection of its own, for a WebSocket. */
  connect(rack: RackEntry, signal: AbortSignal): Promise<TLSSocket>
  /** For good: a request that had found the Rack before it was removed gets no connection either. */
  forget(rackId: string): void
  close(): Promise<void>
}

export function createRackConnections(guard: AddressGuard): RackConnections {
  const pools = new Map<string, { target: string; pool: Pool }>()
  /** Replaced ones that still have work, with their Rack. */
  const retired = new Map<Pool, string>()
  const forgotten = new Set<string>()
  let closed = false

  function refuse({ id }: RackEntry): void {
    if (closed) throw stopping()
    if (forgotten.has(id)) throw new KeyrackError('not-found', 'this Rack was just removed')
  }

  async function connect(rack: RackEntry, signal?: AbortSignal): Promise<TLSSocket> {
    refuse(rack)
    const { host, port } = addressOf(rack)
    if (isIP(host) !== 0) guard.check(host, rack.local)
    const socket = await connectPinned({
      host,
      port,
      ...(rack.pin === '' ? {} : { pin: rack.pin }),
      ...(signal === undefined ? {} : { signal }),
      lookup: guard.lookup(rack.local),
      timeoutMs: CONNECT_TIMEOUT_MS,
    })
    // Streams may be quiet for hours; only this tells that a Rack's machine is gone.
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    return socket
  }

  // What is under way on the old pool ends by itself, or with us.
  function retire(pool: Pool, rackId: string): void {
    retired.set(pool, rackId)
    void pool.close().then(() => retired.delete(pool))
  }

  return {
    pool(rack) {
      refuse(rack)
      const target = `${rack.url} ${rack.pin} ${rack.local}`
      const known = pools.get(rack.id)
      if (known?.target === target) return known.pool
      addressOf(rack)
      if (known !== undefined) retire(known.pool, rack.id)
      const pool = new Pool(rack.url, {
        connect: (_options, done) => {
          connect(rack).then(
            (socket) => done(null, socket),
            (error) => done(error, null),
          )
        },
        allowH2: false,
        pipelining: 1,
      })
      pools.set(rack.id, { target, pool })
      return pool
    },
    connect,
    forget(rackId) {
      forgotten.add(rackId)
      void pools.get(rackId)?.pool.destroy()
      pools.delete(rackId)
      for (const [pool, id] of retired) if (id === rackId) void pool.destroy()
    },
    async close() {
      closed = true
      const open = [...retired.keys(), ...[...pools.values()].map(({ pool }) => pool)]
      pools.clear()
      await Promise.all(open.map((pool) => pool.destroy()))
    },
  }
}

function stopping(): KeyrackError {
  return new KeyrackError('not-ready', 'this Console is stopping')
}

function addressOf(rack: RackEntry): { host: string; port: number } {
  if (rack.url === '') {
    throw new KeyrackError('rack-unreachable', `the Rack ${rack.name} has not started yet`, {
      hint: 'wait a moment and try again',
    })
  }
  const { protocol, hostname, port } = new URL(rack.url)
  if (protocol !== 'https:') throw new TypeError('a Rack is reached by https only')
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 443) }
}
