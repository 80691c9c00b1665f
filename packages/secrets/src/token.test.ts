import { describe, expect, it } from 'vitest'
import { mintToken, sha256Hex } from './token.ts'

describe('mintToken', () => {
  it('has 256 random bits unless told otherwise, in characters a URL takes', () => {
    expect(mintToken().reveal()).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(mintToken(16).reveal()).toMatch(/^[A-Za-z0-9_-]{22}$/)
    expect(new Set(Array.from({ length: 1000 }, () => mintToken().reveal())).size).toBe(1000)
  })

  it('is the bytes the random source gave', () => {
    expect(mintToken(18, (size) => new Uint8Array(size).fill(0xff)).reveal()).toBe('_'.repeat(24))
  })

  it.each([15, 0, -1, Number.NaN])('refuses %d bytes: too easy to guess', (size) => {
    expect(() => mintToken(size)).toThrow(TypeError)
  })
})

describe('sha256Hex', () => {
  it('agrees with the example of FIPS 180-2, for text and for bytes', () => {
    const expected = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
    expect(sha256Hex('abc')).toBe(expected)
    expect(sha256Hex(new TextEncoder().encode('abc'))).toBe(expected)
  })
})
