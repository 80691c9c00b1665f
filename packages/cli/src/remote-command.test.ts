import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RefusalFilter } from './remote-command.ts'

/** What is printed at once and what is held back, when the text arrives in these parts. */
function pass(parts: readonly string[]): { printed: string; refusal: string | undefined } {
  const filter = new RefusalFilter()
  const printed = parts.map((part) => filter.push(Buffer.from(part)).toString()).join('')
  return { printed, refusal: filter.refusal }
}

describe('a refusal', () => {
  it('is the only line there is', () => {
    expect(pass(['ERR', 'OR: no such', ' instance\n'])).toEqual({
      printed: '',
      refusal: 'no such instance',
    })
    expect(pass(['ERROR: no line break']).refusal).toBe('no line break')
  })

  it.each([
    [['hello\n']],
    [['ERROR: one\n', 'two']],
    [['ERROR no colon\n']],
    [['\n', 'ERROR: later\n']],
    [[`ERROR: ${'x'.repeat(5000)}`]],
  ])('is not %j', (parts) => {
    expect(pass(parts)).toEqual({ printed: parts.join(''), refusal: undefined })
  })

  it('loses and reorders nothing of anything', () => {
    const part = fc.oneof(fc.string(), fc.constantFrom('ERROR: ', 'E', 'RROR: x', '\n'))
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const filter = new RefusalFilter()
        const printed = parts.map((text) => filter.push(Buffer.from(text)).toString()).join('')
        expect(printed + filter.rest.toString()).toBe(parts.join(''))
      }),
    )
  })
})
