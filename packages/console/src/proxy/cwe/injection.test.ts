import { readAnswers, sendBytes } from '@keyrack/server/testing'
import { describe, expect, it } from 'vitest'
import { shareRecorded } from '../../http/testing/recorded-console.ts'

const shared = shareRecorded()

/** One request with these lines, ended; what came back is read without mercy. */
async function ask(line: string, headers: readonly string[]) {
  const { rack, port, credentials } = shared()
  rack.reset()
  const own = headers.some((header) => header.startsWith('Rack:'))
  const known = own ? credentials.replace(/\r\nRack: .*/, '') : credentials
  const head = [`${line} HTTP/1.1`, `Host: localhost:${port}`, known, ...headers]
  const text = await sendBytes(port, `${head.join('\r\n')}\r\nConnection: close\r\n\r\n`)
  return readAnswers(text, [line.split(' ')[0] ?? ''])
}

/** Line breaks as they are, encoded, and as letters whose lower byte they are. */
const BREAKS = ['%0d%0a', '%0D%0AX-Injected: 1', '\\r\\n', '\u010d\u010a', '\u2028', '\x85', '\x0b']
const utf8 = (text: string) => Buffer.from(text).toString('latin1')

describe('no line break of a client becomes one of ours', () => {
  it('CWE-93 towards the Rack, in any value that travels', async () => {
    for (const text of BREAKS) {
      const value = utf8(`a${text}X-Injected: 1`)
      await ask('GET /apps', [`User-Agent: ${value}`, `Version: ${value}`, `If-Match: ${value}`])
      const { rack } = shared()
      expect(rack.violations).toEqual([])
      for (const { headers } of rack.requests) {
        expect(headers.map(([name]) => name)).not.toContain('x-injected')
        expect(headers.length).toBeLessThanOrEqual(8)
      }
    }
  })

  it('CWE-113 towards the client, in anything that is repeated to it', async () => {
    for (const text of BREAKS) {
      const value = utf8(`12345678${text}Set-Cookie: a=b`)
      const tries: Array<[string, string[]]> = [
        ['GET /apps', [`X-Request-Id: ${value}`]],
        ['GET /apps', [`Rack: ${value}`]],
        [`GET /apps/${encodeURIComponent(text)}/none`, []],
        [`GET /apps?next=${encodeURIComponent(text)}Set-Cookie:a=b`, []],
      ]
      for (const [line, headers] of tries) {
        const answers = await ask(line, headers)
        expect(answers).toHaveLength(1)
        expect(answers[0]?.headers.has('set-cookie')).toBe(false)
      }
    }
  })
})

describe('what a client sends is no line of a log and no order to a terminal', () => {
  const TRICKS = ['\x1b[2J', '\x9b2J', '\r\n{"level":30}', '\n', '\u202egnp.exe', '\x07']

  it('CWE-117 every line of the log is one object, and none was written by a client', async () => {
    const { domain } = shared()
    domain.lines.splice(0)
    for (const trick of TRICKS) {
      const text = utf8(trick.replaceAll(/[\r\n]/g, ' '))
      const encoded = encodeURIComponent(trick)
      await ask(`GET /apps/${encoded}`, [`X-Request-Id: forged line${text}`])
      await ask('GET /apps', [`Rack: forged line${text}`, `User-Agent: forged line${text}`])
      await ask(`PUT /forged%20line${encoded}?a=forged%20line`, [])
    }
    expect(domain.lines.length).toBeGreaterThan(TRICKS.length)
    for (const line of domain.lines) {
      expect(line).toMatch(/^\{.*\}\n?$/)
      expect(() => JSON.parse(line)).not.toThrow()
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
      expect(line.trimEnd()).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202e]/)
      expect(line).not.toContain('forged line')
    }
  })

  it('CWE-150 a text that repeats what was sent has printable characters only', async () => {
    for (const trick of TRICKS) {
      const text = utf8(trick.replaceAll(/[\r\n]/g, ' '))
      const tries: Array<[string, string[]]> = [
        ['GET /apps', [`Rack: none${text}`]],
        [`PUT /System${encodeURIComponent(trick)}`, []],
        [`GET /apps/${encodeURIComponent(trick)}/none`, [`Rack: none`]],
      ]
      for (const [line, headers] of tries) {
        for (const { status, body } of await ask(line, headers)) {
          if (status >= 400) expect(body.trimEnd()).toMatch(/^[\x20-\x7e]*$/)
        }
      }
    }
  })
})
