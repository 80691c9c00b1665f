import { describe, expect, it } from 'vitest'
import { ERROR_STATUS, type ErrorCode, errorText, KeyrackError } from './errors.ts'

describe('KeyrackError', () => {
  it.each(Object.keys(ERROR_STATUS) as ErrorCode[])('%s has the status of its code', (code) => {
    expect(new KeyrackError(code, 'x').status).toBe(ERROR_STATUS[code])
    expect(ERROR_STATUS[code]).toBeGreaterThanOrEqual(400)
  })

  it('keeps its cause apart from what is shown', () => {
    const error = new KeyrackError('internal', 'it failed', {
      cause: new Error('password hunter2'),
    })
    expect(errorText(error)).toBe('it failed')
    expect(error.cause).toBeInstanceOf(Error)
    expect(Object.hasOwn(new KeyrackError('internal', 'x'), 'cause')).toBe(false)
  })

  it('is shown with its hint and without percent signs, which official clients would garble', () => {
    const error = new KeyrackError('invalid', 'the disk is 100% full', { hint: 'free 5%' })
    expect(errorText(error)).toBe('the disk is 100 percent full; free 5 percent')
  })
})
