import { readAnswers, sendBytes } from '@keyrack/server/testing'
import { describe, expect, it } from 'vitest'
import { RACK_KEY, shareRecorded } from '../../http/testing/recorded-console.ts'
import { basic } from '../../http/testing/serve-console.ts'

const shared = shareRecorded()

/** What the Console adds towards a Rack, and what it relies on when it reads a request. */
const ADDED = ['Authorization', 'Request-Id', 'Host', 'Connection', 'Upgrade']
const RELIED_ON = [
  ...['Content-Length', 'Transfer-Encoding', 'Content-Type', 'Content-Encoding', 'Rack'],
  ...['Sec-WebSocket-Key', 'Sec-WebSocket-Version', 'X-Request-Id', 'X-Forwarded-For'],
  ...['X-Forwarded-Proto', 'Origin', 'Sec-Fetch-Site', 'Cookie', 'Keep-Alive', 'Proxy-Connection'],
]

async function arrived(lines: string[], body = '') {
  const { rack, port, credentials } = shared()
  rack.reset()
  const head = [...lines.slice(0, 1), `Host: localhost:${port}`, credentials, ...lines.slice(1)]
  const text = await sendBytes(port, `${head.join('\r\n')}\r\n\r\n${body}`)
  return { text, requests: rack.requests }
}

/** As it would be without any `Connection` header but for the id, which is a new one each time. */
function isWhole({ headers }: { headers: Array<[string, string]> }): void {
  const { rack } = shared()
  const named = (wanted: string) =>
    headers.flatMap(([name, value]) => (name === wanted ? [value] : []))
  expect(named('authorization')).toEqual([basic(RACK_KEY)])
  expect(named('host')).toEqual([`127.0.0.1:${rack.port}`])
  expect(named('request-id')).toEqual([expect.stringMatching(/^[0-9a-f]{12}$/)])
}

describe('a Connection header that names what the Console adds or relies on takes nothing away', () => {
  it.each([...ADDED, ...RELIED_ON])('CWE-441 %s', async (name) => {
    const form = 'Content-Type: application/x-www-form-urlencoded'
    for (const connection of [`close, ${name}`, `close,${name.toUpperCase()},\t${name}`]) {
      const lines = ['POST /apps HTTP/1.1', `Connection: ${connection}`, form, 'Content-Length: 5']
      const { text, requests } = await arrived(lines, 'a=b&c')
      expect(rackLines(requests)).toEqual(['POST /apps'])
      for (const request of requests) isWhole(request)
      expect(requests[0]?.body).toBe('a=b&c')
      expect(readAnswers(text, ['POST']).map(({ status }) => status)).toEqual([200])
    }
  })

  it.each([...ADDED, ...RELIED_ON])('CWE-441 %s, in the handshake of a WebSocket', async (name) => {
    const { requests } = await arrived([
      'GET /apps/a/logs HTTP/1.1',
      `Connection: Upgrade, ${name}`,
      ...['Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Follow: false'],
      `Sec-WebSocket-Key: ${Buffer.alloc(16, 7).toString('base64')}`,
    ])
    for (const request of requests) isWhole(request)
    // Of the handshake itself a client may take something away, which then is no handshake.
    expect(requests.length).toBeLessThanOrEqual(1)
    const handshake = /^Sec-WebSocket-/.test(name)
    if (!handshake) expect(rackLines(requests)).toEqual(['GET /apps/a/logs'])
  })

  it('CWE-441 the guard of the Password reads what the Rack reads, whatever is named', async () => {
    for (const name of RELIED_ON) {
      const { requests, text } = await arrived(
        [
          'PUT /system HTTP/1.1',
          `Connection: close, ${name}`,
          ...['Content-Type: application/x-www-form-urlencoded', 'Content-Length: 10'],
        ],
        'Password=x',
      )
      expect(requests).toEqual([])
      expect(readAnswers(text, ['PUT']).map(({ status }) => status)).toEqual([403])
    }
  })
})

function rackLines(requests: ReadonlyArray<{ line: string }>): string[] {
  return requests.map(({ line }) => line)
}
