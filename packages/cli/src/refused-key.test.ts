import { describe, expect, it } from 'vitest'
import { refusedKey } from './refused-key.ts'

describe('a refused key', () => {
  it.each([
    ['invalid authentication', 'invalid authentication'],
    ['it may be old; run: convox login (request a1)', 'it may be old (request a1)'],
    ['it may be old; run: convox login', 'it may be old'],
    ['run: convox login elsewhere', 'run: convox login elsewhere'],
  ])('%s', (text, message) => {
    expect(refusedKey(text, { host: { name: 'h:1' } })).toMatchObject({
      message,
      hint: 'run: convox login h:1',
    })
  })
})
