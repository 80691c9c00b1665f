import { generateSigningKey } from '@keyrack/secrets'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ActorStatement, auditTarget, readActor, signActor } from './actor-statement.ts'

const { publicKey, privateKey } = generateSigningKey()
const STATEMENT: ActorStatement = {
  console: 'c-1',
  rack: 'r-1',
  actor: 'änn@example.com',
  target: auditTarget('DELETE', '/instances/i-1'),
  request: 'request-1',
  row: { chain: 'o-1', sequence: 7, hash: 'a'.repeat(64) },
}

describe('a signed actor', () => {
  it('is read by whoever knows the key, and by no other key', () => {
    const header = signActor(STATEMENT, privateKey)
    expect(header).toMatch(/^[\w-]+\.[\w-]{86}$/)
    expect(readActor(header, publicKey)).toEqual(STATEMENT)
    expect(readActor(header, generateSigningKey().publicKey)).toBeUndefined()
  })

  it('is nothing with any one character changed, moved or left out', () => {
    const header = signActor(STATEMENT, privateKey)
    for (let index = 0; index < header.length; index++) {
      const other = header[index] === 'A' ? 'B' : 'A'
      const changed = header.slice(0, index) + other + header.slice(index + 1)
      expect(readActor(changed, publicKey)).toBeUndefined()
      expect(readActor(header.slice(0, index), publicKey)).toBeUndefined()
    }
  })

  it('is nothing for any text that nobody signed, and no text makes it fail', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        expect(readActor(text, publicKey)).toBeUndefined()
      }),
      { numRuns: 200 },
    )
    expect(readActor(`${'A'.repeat(9_000)}.x`, publicKey)).toBeUndefined()
  })

  it('has no more and no other fields than it should', () => {
    const odd = { ...STATEMENT, admin: true } as ActorStatement
    expect(readActor(signActor(odd, privateKey), publicKey)).toBeUndefined()
    const none = { ...STATEMENT, actor: '' }
    expect(readActor(signActor(none, privateKey), publicKey)).toBeUndefined()
  })
})
