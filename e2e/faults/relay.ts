/** A real TCP relay between two real programs, which does to what a server answers what networks do. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export interface Fault {
  /** Each connection breaks off once so many bytes of the answer have passed. */
  cutAfter?: number
  /** Each connection breaks off in the place of the next bytes of an answer. */
  cutNext?: true
  /** How it breaks off: as if the server hung up, or without a word. */
  by?: 'end' | 'reset'
  /** Nothing passes behind so many bytes of an answer, until there is another fault or none. */
  holdAfter?: number
  /** So many bytes of an answer pass at once, and the next ones a millisecond later. */
  drip?: number
}

export interface Relay {
  /** `localhost:PORT`. */
  host: string
  /** What happens from now on, also to what is open; nothing happens to it without an argument. */
  fault(fault?: Fault): void
  /** Breaks off everything that is open. */
  cut(): void
  /** Takes no connections any more, and breaks off those there are; `up` undoes it. */
  down(): Promise<void>
  up(): Promise<void>
  /** How many are open. */
  connections(): number
  /** Bytes of answers that were passed on since the last call of `fault`. */
  passed(): number
  /** Bytes of answers that wait for a fault to end. */
  held(): number
  close(): Promise<void>
}

interface Pair {
  client: Socket
  server: Socket
  waiting: Buffer[]
  passed: number
  ended: boolean
  pumping: boolean
}

export async function startRelay(to: number): Promise<Relay> {
  let fault: Fault = {}
  let total = 0
  const pairs = new Set<Pair>()

  function pump(pair: Pair): void {
    if (pair.pumping) return
    for (;;) {
      const { cutAfter, cutNext, holdAfter, drip } = fault
      const cutNow = cutNext === true && pair.waiting.length > 0
      if (cutNow || (cutAfter !== undefined && pair.passed >= cutAfter)) {
        breakOff(pair)
        return
      }
      const next = pair.waiting.shift()
      if (next === undefined) break
      const room = Math.min(cutAfter ?? Infinity, holdAfter ?? Infinity) - pair.passed
      const part = next.subarray(0, Math.max(0, Math.min(room, drip ?? Infinity)))
      if (part.length < next.length) pair.waiting.unshift(next.subarray(part.length))
      if (part.length === 0) return
      pair.client.write(part)
      pair.passed += part.length
      total += part.length
      if (drip !== undefined) {
        pair.pumping = true
        setTimeout(() => {
          pair.pumping = false
          pump(pair)
        }, 1)
        return
      }
    }
    if (pair.ended) pair.client.end()
  }

  function breakOff(pair: Pair): void {
    pairs.delete(pair)
    pair.server.destroy()
    if (fault.by === 'reset') pair.client.resetAndDestroy()
    else pair.client.destroySoon()
  }

  const relay = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const server = connect({ port: to, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    const pair: Pair = { client, server, waiting: [], passed: 0, ended: false, pumping: false }
    pairs.add(pair)
    client.pipe(server)
    server.on('data', (chunk) => {
      pair.waiting.push(chunk)
      pump(pair)
    })
    server.on('end', () => {
      pair.ended = true
      pump(pair)
    })
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => {
        if (one === client || one.errored) {
          pairs.delete(pair)
          other.destroy()
        }
      })
    }
    pump(pair)
  })
  relay.listen(0, '127.0.0.1')
  await once(relay, 'listening')
  const address = relay.address()
  if (address === null || typeof address === 'string') throw new TypeError('no port')
  const { port } = address
  const cut = (): void => {
    for (const pair of pairs) breakOff(pair)
  }
  async function down(): Promise<void> {
    const closed = once(relay, 'close')
    relay.close()
    cut()
    await closed
  }
  return {
    host: `localhost:${port}`,
    fault(next = {}) {
      fault = next
      total = 0
      for (const pair of pairs) pump(pair)
    },
    cut,
    down,
    async up() {
      relay.listen(port, '127.0.0.1')
      await once(relay, 'listening')
    },
    connections: () => pairs.size,
    passed: () => total,
    held: () =>
      [...pairs].flatMap(({ waiting }) => waiting).reduce((sum, { length }) => sum + length, 0),
    close: () => (relay.listening ? down() : Promise.resolve()),
  }
}
