import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type ProxiedRack, startProxiedRack } from './testing/proxied-rack.ts'

const TOTAL = 64 * 1024 * 1024
/** What the sockets and streams on the way may hold: kernels buffer a few MiB on loopback. */
const HELD_MAX = 32 * 1024 * 1024

let proxied: ProxiedRack | undefined

afterEach(async () => {
  await proxied?.close()
  proxied = undefined
})

/** Waits until a count has moved and then stays the same from one look to the next. */
async function settled(count: () => number): Promise<number> {
  let before = -1
  await expect
    .poll(
      () => {
        const now = count()
        const still = now > 0 && now === before
        before = now
        return still
      },
      { interval: 300, timeout: 20_000 },
    )
    .toBe(true)
  return before
}

function open({ port, authorization }: ProxiedRack, line: string, ...extra: string[]): Socket {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  const known = ['Host: localhost', `Authorization: ${authorization}`, 'Rack: acme/dev']
  socket.write(`${[`${line} HTTP/1.1`, ...known, ...extra].join('\r\n')}\r\n\r\n`)
  return socket
}

describe('CWE-400 who does not read holds the other side back', () => {
  it('a client its Rack, and then gets everything', async () => {
    let sent = 0
    proxied = await startProxiedRack({
      request: (_request, answer) => {
        answer.writeHead(200, { 'Content-Length': TOTAL })
        const chunk = Buffer.alloc(64 * 1024)
        const more = (): void => {
          while (sent < TOTAL) {
            sent += chunk.length
            if (!answer.write(chunk)) {
              answer.once('drain', more)
              return
            }
          }
          answer.end()
        }
        more()
      },
    })
    const socket = open(proxied, 'GET /apps/a/objects/x', 'Connection: close')
    expect(await settled(() => sent)).toBeLessThan(HELD_MAX)
    let received = 0
    for await (const chunk of socket) received += chunk.length
    expect(received).toBeGreaterThan(TOTAL)
  }, 60_000)

  it('a Rack its client, which can then send everything', async () => {
    let received = 0
    let read: () => void = () => undefined
    proxied = await startProxiedRack({
      request: (request, answer) => {
        read = () => {
          request.on('data', (chunk) => {
            received += chunk.length
          })
          request.once('end', () => answer.end('all\n'))
        }
      },
    })
    const length = `Content-Length: ${TOTAL}`
    const socket = open(proxied, 'POST /apps/a/objects/x', length, 'Connection: close')
    let taken = 0
    const chunk = Buffer.alloc(64 * 1024)
    // One at a time: the system has taken a chunk when its callback comes.
    const more = (): void => {
      if (taken === TOTAL) return
      socket.write(chunk, () => {
        taken += chunk.length
        more()
      })
    }
    more()
    expect(await settled(() => taken)).toBeLessThan(HELD_MAX)
    read()
    let said = ''
    for await (const chunk of socket) said += chunk
    expect(said).toContain('all\n')
    expect(received).toBe(TOTAL)
  }, 60_000)
})
