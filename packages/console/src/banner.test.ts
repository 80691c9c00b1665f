import { Secret } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { banner, loginHost } from './banner.ts'

const FACTS = {
  port: 3000,
  login: { host: 'localhost:3443', fingerprint: 'ab'.repeat(32) },
  signUpOpen: true,
  setupToken: undefined,
}

describe('the banner', () => {
  it('has the login line, on a line of its own, to be copied as it stands', () => {
    const lines = banner(FACTS).split('\n')
    expect(lines).toContain(`    convox login localhost:3443 --fingerprint ${'ab'.repeat(32)}`)
    expect(lines).toContain('  Sign up at  http://localhost:3000/')
  })

  it('says sign in once somebody has signed up', () => {
    const text = banner({ ...FACTS, signUpOpen: false })
    expect(text).toContain('Sign in at')
    expect(text).not.toContain('Sign up')
  })

  it('shows the setup token only when there is one', () => {
    expect(banner(FACTS)).not.toContain('token')
    expect(banner({ ...FACTS, setupToken: Secret.of('the-token') })).toContain('\n    the-token\n')
  })
})

it.each([
  ['127.0.0.1', 'localhost:3443'],
  ['::1', 'localhost:3443'],
  ['0.0.0.0', 'localhost:3443'],
  ['::', 'localhost:3443'],
  ['192.0.2.1', '192.0.2.1:3443'],
  ['2001:db8::1', '[2001:db8::1]:3443'],
  ['console.example.com', 'console.example.com:3443'],
])('a Console on %s is logged in to at %s', (host, expected) => {
  expect(loginHost({ host }, 3443)).toBe(expected)
})
