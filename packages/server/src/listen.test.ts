import { once } from 'node:events'
import { createServer as createHttpServer, get } from 'node:http'
import { connect, createServer, type Server } from 'node:net'
import { errorText, KeyrackError } from '@keyrack/protocol'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type ListenOptions, listen } from './listen.ts'

const LOCAL: ListenOptions = { port: 0, host: '127.0.0.1', variable: 'RACK_PORT' }

async function refusal(server: Server, options: ListenOptions): Promise<string> {
  const error = await listen(server, options).then(
    () => new Error('it listens'),
    (failure: unknown) => failure,
  )
  expect(error).toBeInstanceOf(KeyrackError)
  return errorText(error as KeyrackError)
}

describe('listen', () => {
  it('says which free port it was given, and answers there', async () => {
    const server = createServer((socket) => socket.end('hello'))
    const listening = await listen(server, LOCAL)
    onTestFinished(listening.close)
    expect(listening.port).toBeGreaterThan(0)
    expect(listening.host).toBe('127.0.0.1')
    const socket = connect(listening.port, '127.0.0.1')
    const [greeting] = await once(socket, 'data')
    expect(String(greeting)).toBe('hello')
  })

  it('says that a port is taken and which setting to change', async () => {
    const first = await listen(createServer(), LOCAL)
    onTestFinished(first.close)
    expect(await refusal(createServer(), { ...LOCAL, port: first.port })).toBe(
      `port ${first.port} is taken; set RACK_PORT to another one`,
    )
  })

  it('says that the host is not of this machine and which setting to change', async () => {
    // 192.0.2.0/24 is reserved for documentation (RFC 5737).
    expect(await refusal(createServer(), { ...LOCAL, host: '192.0.2.1' })).toBe(
      '192.0.2.1 is not an address of this machine; set HOST to one that is, or to 127.0.0.1',
    )
    const named = { ...LOCAL, host: '192.0.2.1', hostVariable: 'TLS_HOST' }
    expect(await refusal(createServer(), named)).toContain('set TLS_HOST')
  })

  it('can listen after a refusal, with the same server', async () => {
    const first = await listen(createServer(), LOCAL)
    onTestFinished(first.close)
    const server = createServer()
    await refusal(server, { ...LOCAL, port: first.port })
    const second = await listen(server, LOCAL)
    await second.close()
  })
})

describe('close', () => {
  it('ends with kept-alive connections, lets a request finish, takes no new one', async () => {
    let finish = () => {}
    const server = createHttpServer((request, response) => {
      if (request.url === '/slow') finish = () => response.end('done')
      else response.end('quick')
    })
    const { port, close } = await listen(server, LOCAL)
    const request = (path: string) =>
      get({ port, host: '127.0.0.1', path, headers: { connection: 'keep-alive' } })
    const [quick] = await once(request('/quick'), 'response')
    await once(quick.resume(), 'end')

    const slow = once(request('/slow'), 'response')
    await once(server, 'request')
    const closed = close()
    expect(close()).toBe(closed)
    const [error] = await once(connect(port, '127.0.0.1'), 'error')
    expect(error.code).toBe('ECONNREFUSED')
    finish()
    const [answer] = await slow
    let text = ''
    for await (const chunk of answer) text += chunk
    expect(text).toBe('done')
    await closed
  })
})
