import { KeyrackError } from '@keyrack/protocol'
import { describe, expect, it } from 'vitest'
import { exitStatus } from './exit-status.ts'
import { EndWith, Failure, Interrupted, NotLoggedIn, UsageError } from './failures.ts'

describe('how a command ends', () => {
  it.each([
    [new Failure('it broke', 'mend it'), { status: 1, text: 'it broke; mend it' }],
    [new Failure('it broke'), { status: 1, text: 'it broke' }],
    [new UsageError('what?', 'see help'), { status: 2, text: 'what?; see help' }],
    [new NotLoggedIn('who?', 'log in'), { status: 4, text: 'who?; log in' }],
    [new Interrupted('Ctrl-C'), { status: 130 }],
    [new EndWith(77), { status: 77 }],
    [new KeyrackError('conflict', 'busy', { hint: 'wait' }), { status: 1, text: 'busy; wait' }],
  ])('%s', (error, ending) => {
    expect(exitStatus(error)).toEqual(ending)
  })

  it('repeats no endless line, and still says what to do', () => {
    const typed = 'x'.repeat(100_000)
    const { text = '' } = exitStatus(new UsageError(`there is no ${typed}, sir`, 'see help'))
    expect(text.length).toBeLessThan(500)
    expect(text).toMatch(/^there is no x.* … x+, sir; see help$/)
  })

  it('admits a mistake of its own', () => {
    for (const thrown of [new TypeError('x is undefined'), 'x is undefined']) {
      const { status, text } = exitStatus(thrown)
      expect(status).toBe(1)
      expect(text).toMatch(/mistake in convox: x is undefined; please report/)
    }
  })
})
