/** Several people on one Console: what is not theirs does not exist for them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  basic,
  type SignedUp,
  type StartedConsole,
  signUp,
  startConsole,
} from './started-console.ts'

let server: StartedConsole
let ann: SignedUp

beforeAll(async () => {
  server = await startConsole()
  ann = await signUp(server, { email: 'ann@example.com', organization: 'acme' })
})

afterAll(async () => {
  await server.remove()
})

async function ask(key: string, method: string, path: string, json?: unknown, rack?: string) {
  const answer = await fetch(`${server.web}${path}`, {
    method,
    headers: {
      Authorization: basic(key),
      ...(rack === undefined ? {} : { Rack: rack }),
      ...(json === undefined ? {} : { 'Content-Type': 'application/json' }),
    },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
  })
  const text = await answer.text()
  return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) }
}

async function invited(invitation: object, account: { email: string; organization?: string }) {
  const { status, body } = await ask(ann.apiKey, 'POST', '/api/invitations', invitation)
  expect(status).toBe(201)
  return signUp(server, { ...account, invitation: body.token })
}

describe('the first account', () => {
  it('is followed by others only with an invitation', async () => {
    const uninvited = signUp(server, { email: 'eve@example.com', organization: 'eve' })
    await expect(uninvited).rejects.toThrow('403 this Console is in use')
  })

  it('finds the local Rack in its organization', async () => {
    const { body } = await ask(ann.apiKey, 'GET', '/racks')
    expect(body.map((rack: { name: string }) => rack.name)).toEqual(['dev'])
  })
})

describe('a person of another organization', () => {
  it('sees none of its Racks, and is told that they do not exist', async () => {
    const bob = await invited({}, { email: 'bob@example.com', organization: 'beta' })
    expect((await ask(bob.apiKey, 'GET', '/racks')).body).toEqual([])
    for (const name of ['acme/dev', 'dev', 'acme', 'd']) {
      const { status, body } = await ask(bob.apiKey, 'GET', '/instances', undefined, name)
      expect([status, body.code], name).toEqual([404, 'not-found'])
    }
    expect((await ask(bob.apiKey, 'GET', '/racks/acme/dev')).status).toBe(404)
    const gone = await ask(bob.apiKey, 'DELETE', '/instances/i-1', undefined, 'acme/dev')
    expect(gone.status).toBe(404)
  })

  it('cannot invite into an organization that is not theirs, nor to the server', async () => {
    const dan = await invited({}, { email: 'dan@example.com', organization: 'delta' })
    const into = await ask(dan.apiKey, 'POST', '/api/invitations', { organization: 'acme' })
    expect(into.status).toBeGreaterThanOrEqual(403)
    expect(into.status).toBeLessThanOrEqual(404)
  })
})

describe('a colleague', () => {
  it('shares the organization, but not the local Rack, which runs as the server itself', async () => {
    const invitation = { organization: 'acme', role: 'administrator' }
    const carol = await invited(invitation, { email: 'carol@example.com' })
    const { body } = await ask(carol.apiKey, 'GET', '/api/account')
    expect(body.organizations).toMatchObject([{ name: 'acme', role: 'administrator' }])
    const refused = await ask(carol.apiKey, 'GET', '/instances', undefined, 'acme/dev')
    expect(refused.status).toBe(403)
    expect(refused.body.error).toContain('only the server administrator')
  })

  it('uses an invitation once', async () => {
    const { body } = await ask(ann.apiKey, 'POST', '/api/invitations', { organization: 'acme' })
    const accounts = [1, 2, 3].map((number) =>
      signUp(server, { email: `twin${number}@example.com`, invitation: body.token }),
    )
    const results = await Promise.allSettled(accounts)
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })
})

describe('a regenerated key', () => {
  it('works at once, and the old one no more, on the page, the API and the proxy', async () => {
    const eva = await invited({ organization: 'acme' }, { email: 'eva@example.com' })
    const { status, body } = await ask(eva.apiKey, 'POST', '/api/account/api-key', {})
    expect(status).toBe(201)
    for (const path of ['/auth', '/racks', '/api/account', '/instances']) {
      const old = await ask(eva.apiKey, 'GET', path, undefined, 'acme/dev')
      expect(old.status, path).toBe(401)
    }
    expect((await ask(body.api_key, 'GET', '/auth')).body).toEqual({ id: eva.id })
  })
})
