import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { WebSocketServer } from 'ws'
import { FRAME_SOCKET_OPTIONS, FrameStream, failWith } from './stream.ts'

const MIB = 1024 * 1024
const CLIENTS = 30

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

/** The head of a masked text frame of one mebibyte, and all of it but its last byte. */
const UNFINISHED = Buffer.concat([
  Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0, 1, 2, 3, 4]),
  Buffer.alloc(MIB - 1),
])

it('CWE-770 what a client sends after it was refused is dropped as it comes and held nowhere', async () => {
  const http = createServer()
  const sockets = new WebSocketServer({ noServer: true, ...FRAME_SOCKET_OPTIONS })
  const served: Socket[] = []
  http.on('upgrade', (request, socket, head) => {
    served.push(socket as Socket)
    sockets.handleUpgrade(request, socket, head, (ws) => {
      failWith(new FrameStream(ws, { socket }), 'invalid authentication', 1)
    })
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const { port } = http.address() as AddressInfo
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
      client.write(
        'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
      )
      client.resume()
      // Everything was said to it; it goes on talking.
      await once(client, 'end')
      return client
    }),
  )
  collectGarbage()
  const before = process.memoryUsage().arrayBuffers
  for (const client of clients) client.write(UNFINISHED)
  const arrived = () => served.every(({ bytesRead }) => bytesRead > MIB)
  await expect.poll(arrived, { timeout: 60_000 }).toBe(true)
  // What is held nowhere may still wait for its turn to be freed.
  const held = () => {
    collectGarbage()
    return process.memoryUsage().arrayBuffers - before
  }
  await expect.poll(held, { timeout: 60_000 }).toBeLessThan((CLIENTS * MIB) / 4)

  for (const client of clients) client.destroy()
  http.close()
  await once(http, 'close')
})
