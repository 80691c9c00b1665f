import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type ProxiedRack, startProxiedRack } from './testing/proxied-rack.ts'
import { parseAnswer, type RawAnswer } from './testing/raw-request.ts'

let proxied: ProxiedRack | undefined

afterEach(async () => {
  await proxied?.close()
  proxied = undefined
})

/** What a client gets when the Rack writes exactly these bytes and then, perhaps, hangs up. */
async function passedOn(
  bytes: string,
  method = 'GET',
  hangUp = true,
): Promise<RawAnswer & { text: string }> {
  const running = await startProxiedRack({
    request: ({ socket }) => {
      socket.write(bytes, 'latin1')
      if (hangUp) socket.end()
    },
  })
  proxied = running
  const socket = connect(running.port, '127.0.0.1')
  socket.on('error', () => undefined)
  const known = `Host: localhost\r\nAuthorization: ${running.authorization}\r\nRack: acme/dev`
  socket.write(`${method} /apps/a/objects/x HTTP/1.1\r\n${known}\r\nConnection: close\r\n\r\n`)
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  await once(socket, 'close')
  const text = Buffer.concat(chunks).toString('latin1')
  return { ...parseAnswer(text), text }
}

const OK = 'HTTP/1.1 200 OK\r\n'

describe('CWE-113 an answer that two clients may read as two things is a 502', () => {
  const cases: Array<[string, string]> = [
    ['both lengths', `${OK}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['two lengths', `${OK}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`],
    ['a NUL in a value', `${OK}X: a\0b\r\nContent-Length: 0\r\n\r\n`],
    ['a bare CR in a value', `${OK}X: a\rSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n`],
    ['a control character in a value', `${OK}X: a\x01b\r\nContent-Length: 0\r\n\r\n`],
    ['a name that is no token', `${OK}X Y: a\r\nContent-Length: 0\r\n\r\n`],
    ['a head without end', `${OK}${`X: ${'a'.repeat(1000)}\r\n`.repeat(40)}\r\n`],
    ['no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
    [
      'an upgrade nobody asked for',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n',
    ],
  ]
  for (const [name, bytes] of cases) {
    it(name, async () => {
      const { status, headers } = await passedOn(bytes)
      expect(status).toBe(502)
      expect(headers.has('set-cookie')).toBe(false)
    })
  }
})

describe('an unusual answer arrives as one answer', () => {
  it('after 103, with Latin-1 in a value and in its reason', async () => {
    const early = 'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'
    const answer = await passedOn(
      `${early}HTTP/1.1 200 gr\xfc\xdf\r\nX: \xe9\r\nContent-Length: 2\r\n\r\nok`,
    )
    expect(answer).toMatchObject({ status: 200, body: 'ok' })
    expect(answer.headers.get('x')).toBe('\xe9')
    expect(answer.text.match(/HTTP\/1\.1 /g)).toHaveLength(1)
  })

  it('HEAD with a length, 204, 304, without a body', async () => {
    const head = await passedOn(`${OK}Content-Length: 12\r\n\r\n`, 'HEAD')
    expect([head.status, head.headers.get('content-length'), head.body]).toEqual([200, '12', ''])
    await proxied?.close()
    for (const status of [204, 304]) {
      const { text } = await passedOn(`HTTP/1.1 ${status} X\r\n\r\nGARBAGE`)
      expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
      expect(text).not.toContain('GARBAGE')
      await proxied?.close()
    }
  })

  it('more bytes than announced are not passed on', async () => {
    const { body } = await passedOn(
      `${OK}Content-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nX: y\r\n\r\n`,
    )
    expect(body).toBe('ok')
  })

  it('fewer bytes than announced are cut, never filled or ended', async () => {
    const { text, headers } = await passedOn(`${OK}Content-Length: 20\r\n\r\nok`)
    expect(headers.get('content-length')).toBe('20')
    expect(text.endsWith('\r\n\r\nok')).toBe(true)
    await proxied?.close()
    const chunked = await passedOn(`${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n`)
    expect(chunked.text.endsWith('2\r\nok\r\n')).toBe(true)
  })

  it('an end by hanging up is an end', async () => {
    const { text } = await passedOn(`${OK}Connection: close\r\n\r\nok`)
    expect(text.endsWith('2\r\nok\r\n0\r\n\r\n')).toBe(true)
  })

  it('trailers stay behind', async () => {
    const trailers =
      'Transfer-Encoding: chunked\r\nTrailer: Set-Cookie\r\n\r\n2\r\nok\r\n0\r\nSet-Cookie: a=b\r\n\r\n'
    const { text } = await passedOn(OK + trailers, 'GET', false)
    expect(text).not.toContain('Set-Cookie')
    expect(text.endsWith('0\r\n\r\n')).toBe(true)
  })
})
