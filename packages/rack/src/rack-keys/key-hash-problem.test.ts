import { hashApiKey, mintApiKey, sha256Hex } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { keyHashProblem } from './key-hash-problem.ts'

const newHash = () => hashApiKey(mintApiKey('rack'))

describe('the form of a key hash', () => {
  it('is 64 lower-case hex digits', () => {
    expect(keyHashProblem(newHash())).toBeUndefined()
    for (const text of ['', 'abc', 'g'.repeat(64), `${newHash()}0`, mintApiKey('rack').reveal()]) {
      expect(keyHashProblem(text)).toContain('64 characters')
    }
  })

  it('is refused for an empty key and for the mask, which would open the Rack to anybody', () => {
    expect(keyHashProblem(sha256Hex(''))).toContain('empty or masked')
    expect(keyHashProblem(sha256Hex('****'))).toContain('empty or masked')
  })
})
