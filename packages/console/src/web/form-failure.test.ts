import { KeyrackError } from '@keyrack/protocol'
import { describe, expect, it } from 'vitest'
import { formFailure, requireFields, sentence } from './form-failure.ts'

describe('an error in a form', () => {
  it('belongs to its field only where the form has that field', () => {
    const error = new KeyrackError('invalid', 'this is wrong', { field: 'email' })
    expect(formFailure(error, ['email'])).toEqual({ field: 'email', text: 'This is wrong.' })
    expect(formFailure(error, ['password'])).toEqual({ field: undefined, text: 'This is wrong.' })
  })

  it('says what to do next', () => {
    const error = new KeyrackError('conflict', 'taken', { hint: 'choose another' })
    expect(formFailure(error, []).text).toBe('Taken; choose another.')
  })

  it('is a sentence for a person', () => {
    expect(sentence('done already!')).toBe('Done already!')
    expect(sentence('`email` is wrong')).toBe('`email` is wrong.')
    expect(sentence('ann@example.com is no member')).toBe('ann@example.com is no member.')
    expect(sentence('acme/dev is not reachable')).toBe('acme/dev is not reachable.')
  })

  it('about an empty field names the first one', () => {
    const form = new Map([['password', 'x']])
    expect(() => requireFields(form, ['password'])).not.toThrow()
    expect(() => requireFields(form, ['password', 'email', 'other'])).toThrow(
      expect.objectContaining({ field: 'email' }),
    )
  })
})
