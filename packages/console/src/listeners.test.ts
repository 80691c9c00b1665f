import { once } from 'node:events'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { loadCertificate } from '@keyrack/server'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { ConsoleHandler } from './http/handler.ts'
import { type ListenerLimits, openListeners } from './listeners.ts'
import { testFolder } from './testing/console-domain.ts'

const CONFIG = { port: 0, tlsPort: 0, host: '127.0.0.1' }

async function open(handler: Partial<ConsoleHandler>, limits?: ListenerLimits) {
  const folder = join(testFolder(), 'tls')
  const certificate = await loadCertificate({ folder, names: ['localhost'] })
  const whole = { request: () => {}, upgrade: () => {}, ...handler }
  const listeners = await openListeners(whole, CONFIG, certificate, limits)
  onTestFinished(() => listeners.close(0))
  return { listeners, certificate }
}

describe('the listeners', () => {
  it('let what is under way end before they are closed', async () => {
    let finish = (): void => {}
    const { listeners } = await open({
      request: (_req, res) => {
        res.write('begun')
        finish = () => res.end(' and done')
      },
    })
    const answer = await fetch(`http://127.0.0.1:${listeners.plain.port}/`)
    const closed = listeners.close(60_000)
    finish()
    expect(await answer.text()).toBe('begun and done')
    await closed
  })

  it('cut what does not end within the grace, upgraded connections too', async () => {
    const { listeners } = await open({
      upgrade: (_req, socket) => {
        socket.on('error', () => {})
        socket.write(
          'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
        )
      },
    })
    const { port } = listeners.plain
    const headers = { connection: 'upgrade', upgrade: 'x' }
    const asked = request({ port, host: '127.0.0.1', headers }).end()
    const [, socket] = await once(asked, 'upgrade')
    const cut = once(socket, 'close')
    socket.on('error', () => {})
    await listeners.close(0)
    await cut
  })

  it('leave no port taken when the second one cannot be opened', async () => {
    const { listeners, certificate } = await open({})
    const handler = { request: () => {}, upgrade: () => {} }
    const free = await open({})
    const port = free.listeners.plain.port
    await free.listeners.close(0)
    const config = { port, tlsPort: listeners.tls.port, host: '127.0.0.1' }
    await expect(openListeners(handler, config, certificate)).rejects.toMatchObject({
      hint: expect.stringContaining('TLS_PORT'),
    })
    const refused = connect({ port, host: '127.0.0.1' })
    const [error] = await once(refused, 'error')
    expect(error).toMatchObject({ code: 'ECONNREFUSED' })
  })
})

/** A connection that says this much and no more. */
async function quiet(port: number, said: string): Promise<{ socket: Socket; heard: () => string }> {
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {})
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
  })
  await once(socket, 'connect')
  socket.write(said)
  return { socket, heard: () => text }
}

const LIMITS = { connections: 10, headMs: 60_000, checkMs: 60_000, restMs: 60_000 }

describe('CWE-770 who has no key', () => {
  it.each([
    ['no key', '', 200],
    ['a wrong key', 'Authorization: Basic eA==\r\n', 401],
    ['too many keys', 'Authorization: Basic eA==\r\n', 429],
  ])('(%s) holds no connection by a body that never ends', async (_, header, status) => {
    const limits = { ...LIMITS, restMs: 100 }
    const { listeners } = await open(
      { request: (_req, res) => res.writeHead(status).end('ok') },
      limits,
    )
    const head = `POST / HTTP/1.1\r\nHost: x\r\n${header}Content-Length: 1000\r\n\r\nabc`
    const { socket, heard } = await quiet(listeners.plain.port, head)
    await once(socket, 'close')
    expect(heard()).toContain(` ${status} `)
  })

  it.each(['', 'GET / HTTP/1.1\r\nHost: local'])(
    'and is slow with a head (%j) is hung up on, over TLS and without',
    async (said) => {
      const { listeners } = await open({}, { ...LIMITS, headMs: 100, checkMs: 20 })
      for (const { port } of [listeners.plain, listeners.tls]) {
        const { socket } = await quiet(port, said)
        await once(socket, 'close')
      }
    },
  )

  it('takes no more than the connections there are, and the next one is served again', async () => {
    const limits = { ...LIMITS, connections: 2 }
    const { listeners } = await open({ request: (_req, res) => res.end('ok') }, limits)
    const { port } = listeners.plain
    const [first] = [await quiet(port, ''), await quiet(port, '')]
    const third = await quiet(port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await once(third.socket, 'close')
    expect(third.heard()).toBe('')
    first.socket.destroy()
    const served = async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined)
      return answer?.text()
    }
    await expect.poll(served, { timeout: 20_000 }).toBe('ok')
  })
})
