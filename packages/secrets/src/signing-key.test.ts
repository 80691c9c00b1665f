import { createPublicKey, verify } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { Secret } from './secret.ts'
import { generateSigningKey, signText } from './signing-key.ts'

function verifies(publicKey: string, text: string, signature: string): boolean {
  const key = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: publicKey },
    format: 'jwk',
  })
  return verify(null, Buffer.from(text, 'utf8'), key, Buffer.from(signature, 'base64url'))
}

describe('a signing key', () => {
  it('signs what its public half verifies, and nothing else', () => {
    const { publicKey, privateKey } = generateSigningKey()
    expect(publicKey).toMatch(/^[A-Za-z0-9_-]{43}$/)
    const signature = signText(privateKey, 'grüße')
    expect(verifies(publicKey, 'grüße', signature)).toBe(true)
    expect(verifies(publicKey, 'gruesse', signature)).toBe(false)
    expect(verifies(generateSigningKey().publicKey, 'grüße', signature)).toBe(false)
  })

  // RFC 8032 section 7.1, test 1.
  it('signs as the RFC shows it', () => {
    const seed = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'
    const privateKey = Secret.of(Buffer.from(seed, 'hex').toString('base64url'))
    expect(Buffer.from(signText(privateKey, ''), 'base64url').toString('hex')).toBe(
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
    )
  })

  it.each(['', 'AAAA', 'not base64url!'])('is not %j', (text) => {
    expect(() => signText(Secret.of(text), 'x')).toThrow(TypeError)
  })
})
