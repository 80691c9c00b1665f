import { Secret } from '@keyrack/secrets/secret'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { basicHeader, parseBasic } from './basic.ts'

const encode = (userinfo: string | Uint8Array): string =>
  `Basic ${Buffer.from(userinfo).toString('base64')}`

function read(header: string | undefined): { user: string; passwords: string[] } | undefined {
  const found = parseBasic(header)
  return found && { user: found.user, passwords: found.candidates.map((one) => one.reveal()) }
}

/** What Go's url.UserPassword makes of a password (protocol.md 0.1, clients.md 5). */
function asOfficialClients(password: string): string {
  return encodeURIComponent(password)
    .replaceAll(/%(2B|26|3D|24|3B|2C)/g, (escaped) => decodeURIComponent(escaped))
    .replaceAll('%20', '+')
    .replaceAll(/[!*'()]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}

describe('parseBasic', () => {
  it('finds any password that our client sends', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (password) => {
        const found = read(basicHeader(Secret.of(password)).reveal())
        expect(found?.user).toBe('convox')
        expect(found?.passwords[0]).toBe(password)
      }),
    )
  })

  it('finds any password that official clients send escaped, unless it mixes plus and space', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (password) => {
        fc.pre(!(password.includes('+') && password.includes(' ')))
        const found = read(encode(`convox:${asOfficialClients(password)}`))
        expect(found?.passwords).toContain(password)
      }),
    )
  })

  it.each([
    ['plain', 'convox:pw', ['pw']],
    ['with colons', 'convox:a:b:c', ['a:b:c']],
    ['empty', 'convox:', ['']],
    ['escaped', 'convox:pw%2F1', ['pw%2F1', 'pw/1']],
    ['escaped with a plus', 'convox:a+b%2Fc', ['a+b%2Fc', 'a+b/c', 'a b/c']],
    ['with a plus only', 'convox:a+b', ['a+b', 'a b']],
    ['with a percent sign that escapes nothing', 'convox:100%', ['100%']],
    ['escaped into what is not UTF-8', 'convox:%FF', ['%FF']],
    ['in UTF-8', 'convox:grüße', ['grüße']],
  ])('a password %s', (_name, userinfo, passwords) => {
    expect(read(encode(userinfo))).toEqual({ user: 'convox', passwords })
  })

  it.each([
    ['jwt', 'jwt:a.b.c'],
    ['', ':pw'],
    ['YWNtZS9zdGFnaW5n', 'YWNtZS9zdGFnaW5n:pw'],
  ])('the user is kept as it was sent: %j', (user, userinfo) => {
    expect(read(encode(userinfo))?.user).toBe(user)
  })

  it.each([
    ['absent', undefined],
    ['empty', ''],
    ['another scheme', 'Bearer abc'],
    ['the scheme alone', 'Basic'],
    ['nothing after the scheme', 'Basic '],
    ['not base64', 'Basic %%%%'],
    ['a base64 text of an impossible length', 'Basic Y29udm94OnB3Z'],
    ['padding in the middle', 'Basic Y29u=dm94OnB3'],
    ['two values', 'Basic Y29udm94OnB3, Basic Y29udm94OnB3'],
    ['no colon', encode('convox')],
    ['bytes that are not UTF-8', encode(Buffer.from([0x61, 0x3a, 0xff]))],
    ['a megabyte', encode(`convox:${'a'.repeat(1024 * 1024)}`)],
  ])('a header that is %s holds no credential', (_name, header) => {
    expect(parseBasic(header)).toBeUndefined()
  })

  it('reads the scheme in any case and base64 of URLs', () => {
    expect(read(`bAsIc ${Buffer.from('u:??>>').toString('base64url')}`)?.passwords[0]).toBe('??>>')
  })

  it('never throws, whatever arrives', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parseBasic(text)))
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void parseBasic(encode(bytes))))
  })

  it('shows no password when it is printed', () => {
    expect(JSON.stringify(parseBasic(encode('convox:hunter2')))).not.toContain('hunter2')
    expect(String(basicHeader(Secret.of('hunter2')))).toBe('[secret]')
  })
})
