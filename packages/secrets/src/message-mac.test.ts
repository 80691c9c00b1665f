import { describe, expect, it } from 'vitest'
import { messageMac } from './message-mac.ts'
import { Secret } from './secret.ts'

describe('the code of a message', () => {
  // RFC 4231 section 4.3, test case 2.
  it('is that of the RFC', () => {
    expect(messageMac(Secret.of('Jefe'), 'what do ya want for nothing?')).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    )
  })

  it('depends on the key and on every character', () => {
    const mac = messageMac(Secret.of('a'), 'text')
    expect(messageMac(Secret.of('b'), 'text')).not.toBe(mac)
    expect(messageMac(Secret.of('a'), 'text ')).not.toBe(mac)
  })
})
