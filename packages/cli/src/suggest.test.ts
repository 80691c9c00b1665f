import { describe, expect, it } from 'vitest'
import { suggest } from './suggest.ts'

describe('what was probably meant', () => {
  it.each([
    ['lgoin', 'login'],
    ['parms', 'params'],
    ['Racks', 'racks'],
    ['keyrol', 'keyroll'],
    ['instancecuont', 'InstanceCount'],
    ['ann@exmaple.com', 'ann@example.com'],
  ])('by %s is %s', (typed, meant) => {
    expect(
      suggest(typed, ['login', 'params', 'racks', 'keyroll', 'InstanceCount', 'ann@example.com']),
    ).toBe(meant)
  })

  it.each(['nope', 'nobody@example.com', 'bob@example.com', ''])('by %j is nothing', (typed) => {
    expect(suggest(typed, ['ps', 'ann@example.com'])).toBeUndefined()
  })
})
