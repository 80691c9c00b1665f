import { describe, expect, it } from 'vitest'
import { returnPath } from './return-path.ts'

describe('the way on after signing in', () => {
  it.each(['/', '/account', '/rack/acme/dev/settings?x=1'])('%s is a page of ours', (path) => {
    expect(returnPath(path)).toBe(path)
  })

  it.each([
    ...['//evil.example', '/\\evil.example', '/\t/evil.example', '/\n/evil.example', '\\\\evil'],
    ...['https://evil.example', 'javascript:alert(1)', 'evil', '', '/.//evil.example', '///'],
  ])('%j is not', (path) => {
    expect(returnPath(path)).toBeUndefined()
  })

  it('nothing that was asked for is not either', () => {
    expect(returnPath(undefined)).toBeUndefined()
  })
})
