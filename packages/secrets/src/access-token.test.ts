import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mintTokenKey, openAccessToken, signAccessToken } from './access-token.ts'
import { Secret } from './secret.ts'

const key = mintTokenKey()
const CLAIMS = { role: 'r', exp: 1, jti: 'one' }

function encoded(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString(
    'base64url',
  )
}

/** Rightly signed, whatever it says. */
function signedAs(header: unknown, body: unknown, algorithm = 'sha256'): Secret {
  const text = `${encoded(header)}.${encoded(body)}`
  const bytes = Buffer.from(key.reveal(), 'base64url')
  const signature = createHmac(algorithm, bytes).update(text).digest('base64url')
  return Secret.of(`${text}.${signature}`)
}

describe('an access token', () => {
  it('opens with the key that signed it, and says what was signed', () => {
    expect(openAccessToken(key, signAccessToken(key, CLAIMS))).toEqual(CLAIMS)
    expect(openAccessToken(mintTokenKey(), signAccessToken(key, CLAIMS))).toBeUndefined()
  })

  it('is what others write and read: the example of RFC 7515 A.1 is signed to the same bytes', () => {
    const text =
      'eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ'
    const bytes = Buffer.from(key.reveal(), 'base64url')
    const signature = createHmac('sha256', bytes).update(text).digest('base64url')
    expect(openAccessToken(key, Secret.of(`${text}.${signature}`))).toEqual({
      iss: 'joe',
      exp: 1300819380,
      'http://example.com/is_root': true,
    })
  })

  it.each([
    ['no algorithm', { alg: 'none' }],
    ['no algorithm at all', { typ: 'JWT' }],
    ['another algorithm', { alg: 'HS512' }],
    ['one in other letters', { alg: 'hs256' }],
    ['a public key for an HMAC key', { alg: 'RS256' }],
    ['what it does not know', { alg: 'HS256', crit: ['b64'], b64: false }],
    ['no object', ['HS256']],
    ['nothing', null],
    ['what is no JSON', '{'],
  ])('whose header asks for %s is refused, even with the right signature', (_what, header) => {
    expect(openAccessToken(key, signedAs(header, CLAIMS))).toBeUndefined()
  })

  it('whose claims are no object is refused', () => {
    for (const body of ['[]', 'null', '1', '"r"', '', '{', '\u00ff'])
      expect(openAccessToken(key, signedAs({ alg: 'HS256' }, body))).toBeUndefined()
    const text = `${encoded({ alg: 'HS256' })}.${Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url')}`
    const bytes = Buffer.from(key.reveal(), 'base64url')
    const signature = createHmac('sha256', bytes).update(text).digest('base64url')
    expect(openAccessToken(key, Secret.of(`${text}.${signature}`))).toBeUndefined()
    const odd = `${encoded({ alg: 'HS256' })}.%`
    const oddSignature = createHmac('sha256', bytes).update(odd).digest('base64url')
    expect(openAccessToken(key, Secret.of(`${odd}.${oddSignature}`))).toBeUndefined()
  })

  it('in any other form is refused, and nothing throws', () => {
    const [head, body, signature] = signAccessToken(key, CLAIMS).reveal().split('.')
    for (const text of [
      ...['', '.', '..', '...', `${head}.${body}`, `${head}.${body}.`, `${head}..${signature}`],
      ...[`${head}.${body}.${signature}.`, `${head}.${body}.${signature}=`, 'x'.repeat(3000)],
    ]) {
      expect(openAccessToken(key, Secret.of(text)), text).toBeUndefined()
    }
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(openAccessToken(key, Secret.of(text))).toBeUndefined()
      }),
    )
  })

  it('with any one character changed is refused', () => {
    const text = signAccessToken(key, CLAIMS).reveal()
    for (let at = 0; at < text.length; at++) {
      const other = text[at] === 'A' ? 'B' : 'A'
      const changed = text.slice(0, at) + other + text.slice(at + 1)
      expect(openAccessToken(key, Secret.of(changed)), String(at)).toBeUndefined()
    }
  })

  it('is never signed under a weak key', () => {
    for (const text of ['', 'abc', 'A'.repeat(42), '%'.repeat(43)]) {
      expect(() => signAccessToken(Secret.of(text), CLAIMS)).toThrow(TypeError)
    }
  })
})
