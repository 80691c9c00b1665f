import { matchRoute, type Route, route } from '@keyrack/protocol'
import { Secret } from '@keyrack/secrets'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { answerHeaders } from './answer-headers.ts'
import { attachRackKey, pairs } from './attach-rack-key.ts'

const RACK_KEY = Secret.of('the-key-of-the-rack')
const AUTHORIZATION = `Basic ${btoa('convox:the-key-of-the-rack')}`

function attached(rawHeaders: string[], on: Route = route('system.get')): Array<[string, string]> {
  return [...pairs(attachRackKey({ rawHeaders, route: on, rackKey: RACK_KEY, requestId: 'r-1' }))]
}

const names = (headers: Array<[string, string]>) => headers.map(([name]) => name.toLowerCase())

describe('towards the Rack', () => {
  it('CWE-290 only listed headers travel, whatever else a client invents', () => {
    const token = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,20}$/)
    const header = fc.tuple(
      fc.oneof(
        token,
        fc.constantFrom('Authorization', 'X-Convox-Actor', 'Cookie', 'Rack', 'Accept', 'Host'),
      ),
      fc.stringMatching(/^[\x20-\x7e]{0,20}$/),
    )
    const listed = new Set([
      ...['accept', 'accept-encoding', 'content-encoding', 'content-length', 'content-type'],
      ...['if-match', 'if-modified-since', 'if-none-match', 'if-range', 'if-unmodified-since'],
      ...['range', 'user-agent', 'version', 'authorization', 'request-id'],
    ])
    fc.assert(
      fc.property(fc.array(header), (headers) => {
        const sent = attached(headers.flat())
        for (const name of names(sent)) expect(listed).toContain(name)
        const credentials = sent.filter(([name]) => name.toLowerCase() === 'authorization')
        expect(credentials).toEqual([['Authorization', AUTHORIZATION]])
        expect(sent.at(-1)).toEqual(['Request-Id', 'r-1'])
      }),
    )
  })

  it('CWE-441 a Connection header cannot take away what the Console adds (CVE-2021-31999)', () => {
    for (const named of ['Authorization', 'authorization, request-id', 'close, Authorization']) {
      const sent = attached(['Connection', named, 'Accept', '*/*'])
      expect(sent).toContainEqual(['Authorization', AUTHORIZATION])
      expect(sent).toContainEqual(['Request-Id', 'r-1'])
    }
  })

  it('what Connection names stays on its hop, even when it is on the list', () => {
    expect(names(attached(['Accept', 'a/b', 'Connection', 'x, ACCEPT']))).not.toContain('accept')
  })

  it('option headers travel on their own route only', () => {
    const command = ['Command', 'id', 'Height', '40', 'Since', '2m']
    expect(names(attached(command, route('instances.shell')))).toEqual([
      'command',
      'height',
      'authorization',
      'request-id',
    ])
    expect(names(attached(command))).toEqual(['authorization', 'request-id'])
    expect(names(attached(command, route('system.logs')))).toContain('since')
  })

  it('the handshake of a WebSocket travels on socket routes only, without extensions', () => {
    const handshake = ['Sec-WebSocket-Key', 'k', 'Sec-WebSocket-Version', '13']
    const extras = ['Sec-WebSocket-Extensions', 'permessage-deflate', 'Origin', 'https://a.example']
    const shell = matchRoute('GET', '/instances/i-1/shell', true)?.route
    expect(shell).toBeDefined()
    expect(names(attached([...handshake, ...extras], shell))).toEqual([
      'sec-websocket-key',
      'sec-websocket-version',
      'authorization',
      'request-id',
    ])
    expect(names(attached(handshake))).toEqual(['authorization', 'request-id'])
  })
})

describe('towards the client', () => {
  const answered = (raw: string[]) => [...pairs(answerHeaders(raw, 'r-1'))]

  it('hop-by-hop headers, those named by Connection and those of the origin stay behind', () => {
    const kept = answered([
      ...['Connection', 'close, X-Hop', 'X-Hop', '1', 'Keep-Alive', 'timeout=5'],
      ...['Transfer-Encoding', 'chunked', 'Upgrade', 'h2c', 'Trailer', 'X', 'TE', 'gzip'],
      ...['Proxy-Authenticate', 'Basic', 'WWW-Authenticate', 'Basic', 'Set-Cookie', 'a=b'],
      ...['Strict-Transport-Security', 'max-age=1', 'Alt-Svc', 'h3=":1"'],
      ...['Content-Security-Policy', 'default-src *', 'Access-Control-Allow-Origin', '*'],
      ...['NEL', '{"report_to":"x"}', 'Report-To', '{}', 'Reporting-Endpoints', 'x="https://x"'],
      ...['X-Accel-Redirect', '/internal', 'X-Sendfile', '/etc/passwd', 'Refresh', '0; url=//x'],
      ...['Cache-Control', 'public, max-age=99', 'Expires', 'Fri, 01 Jan 2100 00:00:00 GMT'],
      ...['Request-Id', 'of-the-rack', 'Content-Type', 'text/html', 'Release-Id', 'RABC'],
    ])
    expect(kept).toEqual([
      ['Content-Type', 'text/html'],
      ['Release-Id', 'RABC'],
      ['Request-Id', 'r-1'],
      ['Cache-Control', 'no-store'],
      ['Content-Security-Policy', "sandbox; default-src 'none'"],
      ['X-Content-Type-Options', 'nosniff'],
    ])
  })

  it('everything else arrives as it was sent, repeated ones too', () => {
    const raw = ['X-A', '1', 'x-a', '2', 'Content-Length', '3', 'Content-Encoding', 'gzip']
    expect(answered(raw).slice(0, 4)).toEqual([
      ['X-A', '1'],
      ['x-a', '2'],
      ['Content-Length', '3'],
      ['Content-Encoding', 'gzip'],
    ])
  })
})
