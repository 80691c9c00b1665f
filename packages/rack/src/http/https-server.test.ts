import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { loadCertificate } from '@keyrack/server'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ask } from '../testing/ask.ts'
import { openTls } from '../testing/raw-stream.ts'
import { temporaryFolder } from '../testing/temporary-folder.ts'
import { createHttpsServer, type ServerLimits } from './https-server.ts'

async function serve(limits: ServerLimits): Promise<number> {
  const certificate = await loadCertificate({ folder: temporaryFolder(), names: [] })
  const { server, dropConnections } = createHttpsServer(certificate, limits)
  server.on('request', (_request, response) => response.end('ok'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    dropConnections()
  })
  return (server.address() as AddressInfo).port
}

describe('CWE-770 who has no key', () => {
  it.each(['', 'GET / HTTP/1.1\r\nHost: x'])(
    'and is slow with a head (%j) is told so and hung up on',
    async (said) => {
      // Long enough for a handshake on a busy machine, which has the same limit.
      const port = await serve({ connections: 10, headMs: 1_000, checkMs: 50 })
      const socket = await openTls(port)
      let heard = ''
      socket.setEncoding('utf8').on('data', (chunk) => {
        heard += chunk
      })
      socket.write(said)
      await once(socket, 'close')
      expect(heard).toContain('the request headers did not arrive in time')
    },
  )

  it('and never begins TLS is hung up on', async () => {
    const port = await serve({ connections: 10, headMs: 100, checkMs: 20 })
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'close')
  })

  it('takes no more than the connections there are, and the next one is served again', async () => {
    const port = await serve({ connections: 2, headMs: 60_000, checkMs: 60_000 })
    const [first] = [await openTls(port), await openTls(port)]
    await expect(ask(port, 'GET /')).rejects.toThrow()
    first.destroy()
    const served = () =>
      ask(port, 'GET /').then(
        ({ body }) => body,
        () => undefined,
      )
    await expect.poll(served, { timeout: 20_000 }).toBe('ok')
  })
})
