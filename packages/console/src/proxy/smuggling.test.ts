import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type ProxiedRack, startProxiedRack } from './testing/proxied-rack.ts'
import { parseAnswer } from './testing/raw-request.ts'

let proxied: ProxiedRack | undefined
let heard: Array<{ line: string; body: string; headers: IncomingMessage['headers'] }> = []

afterEach(async () => {
  await proxied?.close()
  proxied = undefined
})

async function start(role?: 'viewer'): Promise<ProxiedRack> {
  heard = []
  proxied = await startProxiedRack({
    request: async (request, answer) => {
      let body = ''
      for await (const chunk of request) body += chunk
      heard.push({ line: `${request.method} ${request.url}`, body, headers: request.headers })
      answer.end(`${body.length}\n`)
    },
    ...(role === undefined ? {} : { role }),
  })
  return proxied
}

/** Sends exactly these bytes and reads until the other side closes. */
async function exchange({ port, authorization }: ProxiedRack, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  const known = `Host: localhost\r\nAuthorization: ${authorization}\r\nRack: acme/dev`
  socket.write(bytes.replaceAll('KNOWN', known), 'latin1')
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  await once(socket, 'close')
  return Buffer.concat(chunks).toString('latin1')
}

const BURIED = 'DELETE /instances/i-9 HTTP/1.1\r\nKNOWN\r\nConnection: close\r\n\r\n'
const post = (headers: string, body = '') =>
  `POST /apps HTTP/1.1\r\nKNOWN\r\nConnection: close\r\n${headers}\r\n\r\n${body}`
const get = (rest: string) =>
  `GET /system HTTP/1.1\r\nKNOWN\r\nConnection: close\r\n${rest}\r\n\r\n`

describe('a method that is not passed on', () => {
  it('TRACE, whose answer would show the key of the Rack', async () => {
    const running = await start()
    for (const method of ['TRACE', 'PROPFIND', 'PURGE']) {
      const bytes = `${method} /system HTTP/1.1\r\nKNOWN\r\nConnection: close\r\n\r\n`
      expect(parseAnswer(await exchange(running, bytes)).status, method).toBe(501)
    }
    expect(heard).toEqual([])
  })
})

describe('an unusual request arrives as one request, its borders where the client put them', () => {
  it('a buried request in a body stays a body', async () => {
    const running = await start()
    const buried = 'DELETE /instances/i-9 HTTP/1.1\r\nHost: x\r\n\r\n'
    await exchange(running, post(`Content-Length: ${buried.length}`, buried))
    const chunked = `${buried.length.toString(16)};ext=1\r\n${buried}\r\n0\r\nTrailer-X: 1\r\n\r\n`
    await exchange(running, post('Transfer-Encoding: chunked', chunked))
    expect(heard.map(({ line, body }) => [line, body])).toEqual([
      ['POST /apps', buried],
      ['POST /apps', buried],
    ])
    expect(heard[1]?.headers['trailer-x']).toBeUndefined()
  })

  it('a GET and a DELETE with a body, a length of 00, an empty chunked body', async () => {
    const running = await start()
    const body = 'Content-Length: 5\r\nConnection: close\r\n\r\nabcde'
    await exchange(running, `GET /system HTTP/1.1\r\nKNOWN\r\n${body}`)
    await exchange(running, `DELETE /apps/a HTTP/1.1\r\nKNOWN\r\n${body}`)
    await exchange(running, post('Content-Length: 00'))
    await exchange(running, post('Transfer-Encoding: chunked', '0\r\n\r\n'))
    await exchange(running, get('Transfer-Encoding: chunked'.concat('\r\n\r\n0')))
    expect(heard.map(({ line, body }) => [line, body])).toEqual([
      ['GET /system', 'abcde'],
      ['DELETE /apps/a', 'abcde'],
      ['POST /apps', ''],
      ['POST /apps', ''],
      ['GET /system', ''],
    ])
  })

  it('what Connection names cannot unframe a body', async () => {
    const running = await start()
    const body = 'Connection: close, Content-Length\r\nContent-Length: 5\r\n\r\nabcde'
    await exchange(running, `POST /apps HTTP/1.1\r\nKNOWN\r\n${body}`)
    expect(heard.map((request) => request.body)).toEqual(['abcde'])
  })

  it('HTTP/1.0, Expect and a value in Latin-1', async () => {
    const running = await start()
    const old = await exchange(
      running,
      'GET /system HTTP/1.0\r\nKNOWN\r\nUser-Agent: gr\xfc\xdfe\r\n\r\n',
    )
    expect(parseAnswer(old)).toMatchObject({ status: 200, body: '0\n' })
    const expecting = await exchange(
      running,
      post('Expect: 100-continue\r\nContent-Length: 2', 'ab'),
    )
    expect(expecting).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /)
    expect(heard.map(({ headers }) => [headers['user-agent'], headers.expect])).toEqual([
      ['gr\xfc\xdfe', undefined],
      [undefined, undefined],
    ])
  })

  it('pipelined requests are answered in order', async () => {
    const running = await start()
    const bytes = 'GET /system HTTP/1.1\r\nKNOWN\r\n\r\n'.repeat(15)
    const text = await exchange(running, bytes + get('Accept: */*'))
    expect(text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(16)
    expect(heard).toHaveLength(16)
  })

  it('each of several pipelined ones has its own rights', async () => {
    const running = await start('viewer')
    const text = await exchange(running, `GET /system HTTP/1.1\r\nKNOWN\r\n\r\n${BURIED}`)
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 403'])
    expect(heard.map(({ line }) => line)).toEqual(['GET /system'])
  })
})

describe('a path that a Rack may read as a guarded one', () => {
  for (const line of [
    'PUT /system/',
    'PUT /System',
    'PUT /system;a=b',
    'PUT /system%20',
    'PUT /system%3Fa',
    'POST /apps/dev/parameters/',
    'POST /system/key/stage/',
    'POST /System/JWT/Token',
  ]) {
    it(line, async () => {
      const running = await start()
      const form = 'Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 10'
      const bytes = `${line} HTTP/1.1\r\nKNOWN\r\nConnection: close\r\n${form}\r\n\r\nPassword=x`
      expect(parseAnswer(await exchange(running, bytes)).status).toBe(404)
      expect(heard).toEqual([])
    })
  }
})
