import { afterEach, describe, expect, it } from 'vitest'
import { type ProxiedRack, startProxiedRack } from './testing/proxied-rack.ts'
import { rawRequest } from './testing/raw-request.ts'

let proxied: ProxiedRack | undefined
const bodies: string[] = []

afterEach(async () => {
  await proxied?.close()
  bodies.length = 0
})

async function send(line: string, headers: string[], body: string) {
  const running = await startProxiedRack({
    request: async (request, answer) => {
      let text = ''
      for await (const chunk of request) text += chunk
      bodies.push(text)
      answer.end('ok\n')
    },
  })
  proxied = running
  return rawRequest(
    running.port,
    [
      `${line} HTTP/1.1`,
      'Host: localhost',
      `Authorization: ${running.authorization}`,
      'Rack: acme/dev',
      ...headers,
      ...(headers.some((header) => header.startsWith('Transfer'))
        ? []
        : [`Content-Length: ${body.length}`]),
    ],
    body,
  )
}

const FORM = ['Content-Type: application/x-www-form-urlencoded']

describe('the key of a Rack cannot be set through the proxy', () => {
  const attempts: Array<[string, string, string[], string]> = [
    ['as v2 sends it', 'PUT /system', FORM, 'parameters=Password%3Dstolen'],
    ['among others', 'PUT /system', FORM, 'count=3&parameters=A%3D1%26Password%3Dstolen'],
    ['in a second field', 'PUT /system', FORM, 'parameters=A%3D1&parameters=Password%3Dx'],
    ['in another case', 'PUT /system', FORM, 'parameters=PASSWORD%3Dx'],
    ['with its letters encoded twice', 'PUT /system', FORM, 'parameters=%2550assword%3Dx'],
    ['after a semicolon', 'PUT /system', FORM, 'a=1;parameters=Password%3Dx'],
    ['inside after a semicolon', 'PUT /system', FORM, 'parameters=A%3D1%3BPassword%3Dx'],
    [
      'inside after one that is only read there',
      'PUT /system',
      FORM,
      'parameters=A%3D1;Password%3Dx',
    ],
    ['in the query', 'PUT /system?parameters=Password%3Dx', FORM, ''],
    ['as a field of its own', 'PUT /system', FORM, 'Password=x'],
    ['with the mask', 'PUT /system', FORM, 'parameters=Password%3D****'],
    ['empty', 'PUT /system', FORM, 'parameters=Password%3D'],
    ['inside three forms', 'PUT /system', FORM, 'a=b%3Dc%253DPassword%25253Dx%2526Password%253Dx'],
    ['as JSON, like new v3', 'PUT /system', FORM, 'params=%7B%22Password%22%3A%22x%22%7D'],
    ['as JSON with escapes', 'PUT /system', FORM, 'p=%7B%22%5Cu0050assword%22%3A%22x%22%7D'],
    ['in brackets', 'PUT /system', FORM, 'parameters[Password]=x'],
    ['after a byte order mark', 'PUT /system', FORM, '%EF%BB%BFPassword=x'],
    ['with a NUL', 'PUT /system', FORM, 'parameters=Password%2500%3Dx'],
    ['with a long s', 'PUT /system', FORM, 'parameters=Pa%25C5%25BFsword%3Dx'],
    ['without a value', 'PUT /system', FORM, 'parameters=Password'],
    ['as gen1 sends it', 'POST /apps/dev/parameters', FORM, 'Password=stolen'],
    ['as gen1, for any app', 'POST /apps/other/parameters', FORM, 'A=1&Password=stolen'],
  ]
  for (const [name, line, headers, body] of attempts) {
    it(name, async () => {
      const answer = await send(line, headers, body)
      expect(answer.status).toBe(403)
      expect(JSON.parse(answer.body).error).toContain('convox rack key roll')
      expect(bodies).toEqual([])
    })
  }

  it('in a body that Racks and we could read differently', async () => {
    const multipart = '--b\r\nContent-Disposition: form-data; name="Password"\r\n\r\nx\r\n--b--'
    for (const [headers, body] of [
      [['Content-Type: multipart/form-data; boundary=b'], multipart],
      [['Content-Type: application/json'], '{"Password":"x"}'],
      [[], 'parameters=Password%3Dx'],
      [[...FORM, 'Content-Encoding: gzip'], 'x'],
      [['Content-Type: application/x-www-form-urlencoded, text/plain'], 'Password=x'],
      [['Content-Type: application/x-www-form-urlencoded; charset=utf-7'], '+AFA-assword=x'],
      [['Content-Type: application/x-www-form-urlencoded; charset=utf-16'], 'P\0a\0s\0s\0'],
    ] as Array<[string[], string]>) {
      const answer = await send('PUT /system', headers, body)
      expect(answer.status, headers.join()).toBe(415)
      expect(bodies).toEqual([])
      await proxied?.close()
    }
  })

  it('CWE-400 in a body too large to look through', async () => {
    const answer = await send('PUT /system', FORM, `a=${'x'.repeat(300 * 1024)}`)
    expect(answer.status).toBe(413)
    expect(bodies).toEqual([])
  })
})

describe('other parameters', () => {
  it('reach the Rack byte for byte', async () => {
    const body =
      'count=4&type=&parameters=InstanceType%3Dt3.small%26Tags%3Da%253Db&docker_hub_password=x&proxy=http://u:password@h'
    const answer = await send('PUT /system', FORM, body)
    expect(answer.status).toBe(200)
    expect(bodies).toEqual([body])
  })

  it('also with the character set named', async () => {
    const named = ['Content-Type: application/x-www-form-urlencoded; charset=UTF-8']
    expect((await send('PUT /system', named, 'count=4')).status).toBe(200)
    expect(bodies).toEqual(['count=4'])
  })

  it('also in chunks', async () => {
    const body = 'count=4'
    const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
    const answer = await send('PUT /system', [...FORM, 'Transfer-Encoding: chunked'], chunked)
    expect(answer.status).toBe(200)
    expect(bodies).toEqual([body])
  })

  it('of routes that cannot set a key are not looked at', async () => {
    const answer = await send('POST /apps', FORM, 'name=Password&Password=x')
    expect(answer.status).toBe(200)
    expect(bodies).toEqual(['name=Password&Password=x'])
  })
})
