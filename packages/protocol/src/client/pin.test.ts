import { X509Certificate } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fingerprintsOf, parsePin, pinMatches } from './pin.ts'
import { makeCertificate } from './tls-server.fixture.ts'

const digest = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes))
const hex = 'ab'.repeat(32)

function colons(bytes: Buffer): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':')
}

describe('parsePin', () => {
  it('reads every spelling of one fingerprint as the same pin', () => {
    fc.assert(
      fc.property(digest, (bytes) => {
        const pin = bytes.toString('hex')
        const bodies = [
          pin,
          pin.toUpperCase(),
          colons(bytes),
          colons(bytes).toUpperCase(),
          bytes.toString('base64'),
          bytes.toString('base64').replace('=', ''),
          bytes.toString('base64url'),
        ]
        const prefixes = ['', 'sha256:', 'SHA256:', 'sha-256:', 'sha256//', 'sha256 Fingerprint=']
        for (const body of bodies) {
          for (const prefix of prefixes) expect(parsePin(` ${prefix}${body}\n`)).toBe(pin)
        }
      }),
    )
  })

  it.each([
    ['nothing', ''],
    ['a prefix alone', 'sha256:'],
    ['another digest', `sha1:${'ab'.repeat(20)}`],
    ['SHA-1', 'ab'.repeat(20)],
    ['one digit less', hex.slice(1)],
    ['one digit more', `${hex}a`],
    ['another character', `${hex.slice(1)}g`],
    ['colons in other places', `a:${hex.slice(1)}`],
    ['base64 with bits too many', `${'A'.repeat(42)}B=`],
    ['two', `${hex} ${hex}`],
  ])('refuses %s', (_name, text) => {
    expect(() => parsePin(text)).toThrow(
      expect.objectContaining({ code: 'invalid', field: 'fingerprint' }),
    )
  })
})

describe('fingerprints', () => {
  it('agree with what Node says of the certificate', async () => {
    const { cert } = await makeCertificate()
    const certificate = new X509Certificate(cert)
    const { certificate: whole, key } = fingerprintsOf(certificate.raw)
    expect(whole).toBe(parsePin(certificate.fingerprint256))
    expect(key).toMatch(/^[0-9a-f]{64}$/)
    expect(key).not.toBe(whole)
  })

  it('match the certificate or its key, and a renewed certificate by its key only', async () => {
    const first = await makeCertificate()
    const privateKey = first.key
    const publicKey = new X509Certificate(first.cert).publicKey
      .export({ type: 'spki', format: 'pem' })
      .toString()
    const second = await makeCertificate({ days: 90, keyPair: { privateKey, publicKey } })
    const raw = new X509Certificate(first.cert).raw
    const renewed = new X509Certificate(second.cert).raw
    const { certificate, key } = fingerprintsOf(raw)
    expect([pinMatches(certificate, raw), pinMatches(key, raw)]).toEqual([true, true])
    expect([pinMatches(certificate, renewed), pinMatches(key, renewed)]).toEqual([false, true])
    expect(pinMatches('', raw)).toBe(false)
    expect(pinMatches(certificate.slice(1), raw)).toBe(false)
  })
})
