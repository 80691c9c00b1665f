import { describe, expect, it } from 'vitest'
import { PASSWORD } from '../testing/console-domain.ts'
import { createClientReader } from './client-address.ts'
import { serveConsole } from './testing/serve-console.ts'

const BODY = { email: 'ada@example.com', password: PASSWORD, organization: 'acme' }

/** The address that a sign-up was recorded with. */
async function recorded(env: Record<string, string>, headers: Record<string, string | string[]>) {
  const { ask, domain } = await serveConsole(env)
  const setup_token = domain.setupToken?.reveal()
  const answer = await ask('/api/sign-up', { body: { ...BODY, setup_token }, headers })
  expect(answer.status).toBe(201)
  const row = await domain.store.db
    .selectFrom('audit')
    .where('action', '=', 'account.sign-up')
    .select('address')
    .executeTakeFirstOrThrow()
  return row.address
}

describe('where a request comes from', () => {
  it('CWE-348 is the peer, whatever an untrusted client writes about itself', async () => {
    // One whose proxy is announced by its name only, so that a first account is made at all.
    const env = { ALLOWED_HOSTS: 'keys.example.com' }
    expect(await recorded(env, { 'x-forwarded-for': '192.0.2.1' })).toBe('127.0.0.1')
  })

  it('CWE-348 is what a trusted proxy added last, not what the client wrote before', async () => {
    const env = { TRUSTED_PROXIES: '127.0.0.0/8' }
    const address = await recorded(env, { 'x-forwarded-for': '10.9.9.9, 192.0.2.1' })
    expect(address).toBe('192.0.2.1')
  })

  it('is the peer when the trusted proxy says nothing usable', async () => {
    const env = { TRUSTED_PROXIES: '127.0.0.1,::1' }
    expect(await recorded(env, {})).toBe('127.0.0.1')
    expect(await recorded(env, { 'x-forwarded-for': 'unknown' })).toBe('127.0.0.1')
  })

  it('an entry that is no address is a mistake of the operator, not ignored', () => {
    expect(() => createClientReader(['localhost'])).toThrow(TypeError)
  })
})

describe('whether the browser saw https', () => {
  const link = async (
    env: Record<string, string>,
    headers: Record<string, string>,
    tls = false,
  ) => {
    const { ask, domain } = await serveConsole(env)
    const setup_token = domain.setupToken?.reveal()
    const made = await ask('/api/sign-up', { body: { ...BODY, setup_token } })
    const { api_key: key } = made.json as { api_key: string }
    const answer = await ask('/api/invitations', { key, body: {}, headers, tls })
    return new URL((answer.json as { url: string }).url).protocol
  }

  it('is known of our own TLS listener and of nobody’s word', async () => {
    expect(await link({}, {}, true)).toBe('https:')
    expect(await link({}, { 'x-forwarded-proto': 'https' })).toBe('http:')
  })

  it('is taken from a trusted proxy', async () => {
    const env = { TRUSTED_PROXIES: '127.0.0.1' }
    expect(await link(env, { 'x-forwarded-proto': 'https' })).toBe('https:')
    expect(await link(env, { 'x-forwarded-proto': 'https, http' })).toBe('http:')
  })
})
