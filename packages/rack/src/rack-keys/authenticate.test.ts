import { basicHeader, KeyrackError } from '@keyrack/protocol'
import { hashApiKey, mintApiKey, Secret } from '@keyrack/secrets'
import { KeyThrottle } from '@keyrack/server'
import { describe, expect, it } from 'vitest'
import { authenticate } from './authenticate.ts'

const ADDRESS = '192.0.2.1'

function rackWith(...live: Secret[]) {
  const keys = live.map((key, index) => ({ id: `key-${index}`, hash: hashApiKey(key) }))
  return rackOf(keys, new Set())
}

function rackOf(keys: Array<{ id: string; hash: string }>, tombstones: ReadonlySet<string>) {
  const known = { live: () => keys, isTombstone: (hash: string) => tombstones.has(hash) }
  const tokens = { check: () => undefined }
  return { keys: known, tokens, throttle: new KeyThrottle(() => 0) }
}

function headerOf(password: Secret | string, user?: string): string {
  const secret = typeof password === 'string' ? Secret.of(password) : password
  return basicHeader(secret, user).reveal()
}

function refusal(attempt: () => unknown): KeyrackError {
  try {
    attempt()
  } catch (error) {
    if (error instanceof KeyrackError) return error
    throw error
  }
  throw new Error('it was accepted')
}

describe('authentication at the Rack', () => {
  it('accepts the Rack API key, whatever user name it comes with', () => {
    const key = mintApiKey('rack')
    const rack = rackWith(key)
    for (const user of ['convox', '', 'x']) {
      expect(authenticate(rack, headerOf(key, user), ADDRESS)).toEqual({ keyId: 'key-0' })
    }
  })

  it('accepts each of two live keys, as during a roll', () => {
    const [current, staged] = [mintApiKey('rack'), mintApiKey('rack')]
    const rack = rackWith(current, staged)
    expect(authenticate(rack, headerOf(current), ADDRESS)).toEqual({ keyId: 'key-0' })
    expect(authenticate(rack, headerOf(staged), ADDRESS)).toEqual({ keyId: 'key-1' })
  })

  it('accepts a key of another form raw and as official CLIs escape it', () => {
    const password = 'sec ret/+%&chosen by somebody else'
    const rack = rackWith(Secret.of(password))
    expect(authenticate(rack, headerOf(password), ADDRESS)).toEqual({ keyId: 'key-0' })
    const escaped = encodeURIComponent(password)
    expect(authenticate(rack, headerOf(escaped), ADDRESS)).toEqual({ keyId: 'key-0' })
  })

  it.each([
    ['no header', undefined],
    ['an empty header', ''],
    ['another scheme', 'Bearer abc'],
    ['what is not base64', 'Basic \u0001'],
    ['no colon', `Basic ${Buffer.from('convox').toString('base64')}`],
    ['an empty password', headerOf('')],
    ['the mask of official Racks', headerOf('****')],
    ['another Rack key', headerOf(mintApiKey('rack'))],
    ['a long text', headerOf('x'.repeat(3000))],
  ])('refuses %s as unauthenticated, with the official text', (_what, header) => {
    const error = refusal(() => authenticate(rackWith(mintApiKey('rack')), header, ADDRESS))
    expect(error.code).toBe('unauthenticated')
    expect(error.message).toBe('invalid authentication')
  })

  it('accepts nothing when no key is stored', () => {
    for (const text of ['', '****', 'x', mintApiKey('rack').reveal()]) {
      expect(refusal(() => authenticate(rackWith(), headerOf(text), ADDRESS)).status).toBe(401)
    }
  })

  it('refuses a key with one wrong character even if its hash were stored', () => {
    const text = mintApiKey('rack').reveal()
    const broken = Secret.of(text.slice(0, -1) + (text.endsWith('0') ? '1' : '0'))
    const error = refusal(() => authenticate(rackWith(broken), headerOf(broken), ADDRESS))
    expect(error.code).toBe('unauthenticated')
  })

  it("refuses a person's key even if its hash were stored", () => {
    const key = mintApiKey('user')
    expect(refusal(() => authenticate(rackWith(key), headerOf(key), ADDRESS)).status).toBe(401)
  })

  it('does not take the Rack API key for an access token', () => {
    const key = mintApiKey('rack')
    const error = refusal(() => authenticate(rackWith(key), headerOf(key, 'jwt'), ADDRESS))
    expect(error.code).toBe('unauthenticated')
  })

  it('tells a guesser to wait and never delays the valid key from the same address', () => {
    const key = mintApiKey('rack')
    const rack = rackWith(key)
    const guess = () => refusal(() => authenticate(rack, headerOf(mintApiKey('rack')), ADDRESS))
    const codes = Array.from({ length: 21 }, () => guess().code)
    expect(codes).toEqual([...Array(20).fill('unauthenticated'), 'throttled'])
    expect(guess().retryAfterSeconds).toBe(600)
    expect(authenticate(rack, headerOf(key), ADDRESS)).toEqual({ keyId: 'key-0' })
  })

  it('answers a retired key plainly for ever: it is no guess and makes nobody wait', () => {
    const retired = Array.from({ length: 40 }, () => mintApiKey('rack'))
    const rack = rackOf([], new Set(retired.map((key) => hashApiKey(key))))
    for (let round = 0; round < 3; round++) {
      for (const key of retired) {
        const error = refusal(() => authenticate(rack, headerOf(key), ADDRESS))
        expect([error.code, error.message]).toEqual(['unauthenticated', 'invalid authentication'])
      }
    }
    expect(rack.throttle.size).toBe(0)
    const guess = () => refusal(() => authenticate(rack, headerOf(mintApiKey('rack')), ADDRESS))
    const codes = Array.from({ length: 21 }, () => guess().code)
    expect(codes.at(-1)).toBe('throttled')
    const [old = mintApiKey('rack')] = retired
    expect(refusal(() => authenticate(rack, headerOf(old), ADDRESS)).code).toBe('unauthenticated')
  })

  it('does not count requests without a key as guesses', () => {
    const rack = rackWith(mintApiKey('rack'))
    for (let attempt = 0; attempt < 100; attempt++) {
      expect(refusal(() => authenticate(rack, undefined, ADDRESS)).code).toBe('unauthenticated')
    }
    expect(rack.throttle.size).toBe(0)
  })

  it('never repeats in an error what was presented', () => {
    const rack = rackWith(mintApiKey('rack'))
    for (let attempt = 0; attempt < 25; attempt++) {
      const presented = mintApiKey('rack')
      const error = refusal(() => authenticate(rack, headerOf(presented), ADDRESS))
      expect(`${error.message} ${error.hint} ${error.stack}`).not.toContain(presented.reveal())
    }
  })
})
