import { describe, expect, it } from 'vitest'
import { invitationCode, invitationUrl } from './invitation-url.ts'

const TOKEN = 'q-Zk_0123456789'

describe('an invitation link', () => {
  it('leads to where the inviter is, or to the public address', () => {
    const facts = { secure: true, host: 'localhost:3443' }
    const own = invitationUrl({ publicUrl: undefined }, facts, TOKEN)
    expect(own).toBe(`https://localhost:3443/sign-up#invitation=${TOKEN}`)
    const plain = invitationUrl({ publicUrl: undefined }, { ...facts, secure: false }, TOKEN)
    expect(plain).toBe(`http://localhost:3443/sign-up#invitation=${TOKEN}`)
    const known = invitationUrl({ publicUrl: 'https://keys.example.com/' }, facts, TOKEN)
    expect(known).toBe(`https://keys.example.com/sign-up#invitation=${TOKEN}`)
  })

  it('sends the code to no server', () => {
    const url = new URL(invitationUrl({ publicUrl: undefined }, { secure: true, host: 'a' }, TOKEN))
    expect(url.pathname + url.search).not.toContain(TOKEN)
  })

  it.each([TOKEN, ` ${TOKEN}\n`, `https://keys.example.com/sign-up#invitation=${TOKEN} `])(
    'gives its code back from %j',
    (pasted) => {
      expect(invitationCode(pasted)).toBe(TOKEN)
    },
  )

  it('is no code when it is something else', () => {
    expect(invitationCode('https://keys.example.com/')).toBe('https://keys.example.com/')
    expect(invitationCode('  ')).toBe('')
  })
})
