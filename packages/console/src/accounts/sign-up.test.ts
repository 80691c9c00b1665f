import { KeyrackError } from '@keyrack/protocol'
import { verifyChain } from '@keyrack/protocol/audit'
import { hashApiKey, inspectApiKey, lastFour, Secret } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { invite } from '../organizations/invite.ts'
import {
  entry,
  founder,
  invited,
  openDomain,
  PASSWORD,
  REQUEST,
  type TestDomain,
} from '../testing/console-domain.ts'
import { writeCredential } from '../vault/write-credential.ts'
import { type SignUpInput, signUp } from './sign-up.ts'

const ADA: SignUpInput = {
  email: 'ada@example.com',
  password: Secret.of(PASSWORD),
  organization: 'acme',
}

function attempt(domain: TestDomain, changes: Partial<SignUpInput>) {
  return signUp(domain, { ...ADA, ...changes }, REQUEST)
}

/** The public side of an error, to compare what two callers get to see. */
async function failure(work: Promise<unknown>) {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof KeyrackError))
    throw new TypeError('did not fail as it should', { cause: error })
  return { code: error.code, field: error.field, message: error.message }
}

async function counts(domain: TestDomain) {
  const tables = ['accounts', 'organizations', 'memberships', 'api_keys', 'audit'] as const
  const all = tables.map((table) =>
    domain.store.db
      .selectFrom(table)
      .select((row) => row.fn.countAll<number>().as('n'))
      .executeTakeFirstOrThrow(),
  )
  return (await Promise.all(all)).map(({ n }) => Number(n))
}

describe('the first account', () => {
  it('is server administrator and administrator of its new organization', async () => {
    const domain = await openDomain()
    const made = await founder(domain)
    const account = entry(domain, made.id)
    expect(made).toMatchObject({ email: 'ada@example.com', role: 'administrator' })
    expect(account.serverAdministrator).toBe(true)
    expect([...account.roles]).toEqual([[made.organization.id, 'administrator']])
    expect(domain.directory.organizationsOf(account)).toEqual([made.organization])
    expect(domain.directory.empty).toBe(false)
  })

  it('gets a key that is known at once and stored as a hash and four characters only', async () => {
    const domain = await openDomain()
    const { apiKey, id } = await founder(domain)
    expect(inspectApiKey(apiKey.reveal())).toEqual({ kind: 'user' })
    expect(domain.directory.accountByApiKeyHash(hashApiKey(apiKey))?.id).toBe(id)
    const rows = await domain.store.db.selectFrom('api_keys').selectAll().execute()
    expect(rows).toMatchObject([{ hash: hashApiKey(apiKey), last_four: lastFour(apiKey) }])
    const everything = JSON.stringify([rows, domain.lines])
    expect(everything).not.toContain(apiKey.reveal())
    expect(everything).not.toContain(PASSWORD)
  })

  it('is one account even when two sign up at the same moment', async () => {
    const domain = await openDomain()
    const both = await Promise.allSettled([
      attempt(domain, { email: 'one@example.com', organization: 'one' }),
      attempt(domain, { email: 'two@example.com', organization: 'two' }),
    ])
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    const lost = both.find((result) => result.status === 'rejected')
    expect(lost?.reason).toMatchObject({ code: 'forbidden', field: 'invitation' })
    expect(await counts(domain)).toEqual([1, 1, 1, 1, 2])
  })

  it('is one account even when the same person presses the button twice', async () => {
    const domain = await openDomain()
    const both = await Promise.allSettled([attempt(domain, {}), attempt(domain, {})])
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    const lost = both.find((result) => result.status === 'rejected')
    expect(lost?.reason).toMatchObject({ code: 'forbidden', field: 'invitation' })
  })

  it('adopts the local Rack in the same transaction', async () => {
    const domain = await openDomain()
    const row = {
      id: 'rack-1',
      organization_id: null,
      name: 'dev',
      provider: 'local',
      url: 'https://127.0.0.1:1',
      pin: 'ab',
      remote_id: null,
      local_at: 1,
      sealed_key: 'sealed',
      key_version: 1,
      created_at: 1,
    }
    await domain.commit((tx) =>
      writeCredential(tx, 'racks', row.id, () => tx.insertInto('racks').values(row).execute()),
    )
    const made = await founder(domain)
    const [rack, ...others] = domain.directory.racksOf(entry(domain, made.id))
    expect(others).toEqual([])
    expect(rack).toMatchObject({ id: 'rack-1', name: 'dev', organization: made.organization })
    expect(rack?.local).toBe(true)
    const audit = await domain.store.db
      .selectFrom('audit')
      .selectAll()
      .orderBy('sequence')
      .execute()
    expect(audit.map(({ action }) => action)).toEqual([
      ...['account.sign-up', 'account.sign-up', 'rack.adopt', 'rack.adopt'],
    ])
    expect(audit[2]).toMatchObject({ target: 'acme/dev', rack_id: 'rack-1' })
    expect(verifyChain(audit)).toBeUndefined()
  })

  it('leaves nothing behind when any part of it fails', async () => {
    const domain = await openDomain()
    const broken = Object.create(domain.audit, {
      record: { value: () => Promise.reject(new Error('the disk is full')) },
    })
    await expect(attempt({ ...domain, audit: broken }, {})).rejects.toThrow('the disk is full')
    expect(await counts(domain)).toEqual([0, 0, 0, 0, 0])
    expect(domain.directory.empty).toBe(true)
    await founder(domain)
    expect(await counts(domain)).toEqual([1, 1, 1, 1, 2])
  })

  it('needs the setup token where somebody else could come first', async () => {
    const domain = await openDomain(undefined, { env: { HOST: '0.0.0.0' } })
    const token = domain.setupToken?.reveal() ?? ''
    expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/)
    for (const setupToken of [undefined, '', `${token}x`, token.slice(1)]) {
      expect(await failure(attempt(domain, { setupToken }))).toMatchObject({
        code: 'forbidden',
        field: 'setup_token',
      })
    }
    await attempt(domain, { setupToken: ` ${token}\n` })
    expect(domain.directory.empty).toBe(false)
  })

  it('needs no setup token on loopback, and none is made once an account exists', async () => {
    const domain = await openDomain()
    expect(domain.setupToken).toBeUndefined()
    await founder(domain)
    const folder = domain.config.dataDir
    await domain.close()
    const exposed = await openDomain(folder, { env: { HOST: '0.0.0.0' } })
    expect(exposed.setupToken).toBeUndefined()
    expect(await failure(attempt(exposed, {}))).toMatchObject({ field: 'invitation' })
  })
})

describe('a later account', () => {
  it('needs an invitation, whether or not its address has an account', async () => {
    const domain = await openDomain()
    await founder(domain)
    const known = await failure(attempt(domain, {}))
    const unknown = await failure(attempt(domain, { email: 'eve@example.com' }))
    expect(known).toEqual(unknown)
    expect(known.code).toBe('forbidden')
  })

  it('joins the organization of its invitation with the role written there', async () => {
    const domain = await openDomain()
    const ada = await founder(domain)
    const bob = await invited(domain, ada, 'bob@example.com')
    const vic = await invited(domain, ada, 'vic@example.com', 'viewer')
    expect(bob).toMatchObject({ organization: ada.organization, role: 'developer' })
    expect(vic).toMatchObject({ organization: ada.organization, role: 'viewer' })
    expect(entry(domain, bob.id).serverAdministrator).toBe(false)
    expect([...entry(domain, vic.id).roles.values()]).toEqual(['viewer'])
  })

  it('may repeat the organization of its invitation, and no other', async () => {
    const domain = await openDomain()
    const ada = await founder(domain)
    const { token } = await invite(domain, entry(domain, ada.id), { organization: 'acme' }, REQUEST)
    const bob = { email: 'bob@example.com', invitation: token.reveal() }
    expect(await failure(attempt(domain, { ...bob, organization: 'umbrella' }))).toMatchObject({
      code: 'invalid',
      field: 'organization',
    })
    const made = await attempt(domain, { ...bob, organization: ' ACME ' })
    expect(made.organization).toEqual(ada.organization)
  })

  it('brings a new organization with the invitation of a server administrator', async () => {
    const domain = await openDomain()
    const ada = await founder(domain)
    const { token } = await invite(domain, entry(domain, ada.id), {}, REQUEST)
    const cyd = { email: 'cyd@example.com', invitation: token.reveal() }
    expect(await failure(attempt(domain, { ...cyd, organization: undefined }))).toMatchObject({
      field: 'organization',
    })
    expect(await failure(attempt(domain, { ...cyd, organization: 'acme' }))).toMatchObject({
      code: 'conflict',
      field: 'organization',
    })
    const made = await attempt(domain, { ...cyd, organization: 'umbrella' })
    expect(made.role).toBe('administrator')
    const account = entry(domain, made.id)
    expect(account.serverAdministrator).toBe(false)
    expect(domain.directory.organizationsOf(account)).toEqual([made.organization])
  })

  it('is told when its address has an account, without losing the invitation', async () => {
    const domain = await openDomain()
    const ada = await founder(domain)
    const { token } = await invite(domain, entry(domain, ada.id), { organization: 'acme' }, REQUEST)
    const invitation = token.reveal()
    const taken = { email: ' Ada@Example.com', invitation, organization: undefined }
    expect(await failure(attempt(domain, taken))).toMatchObject({
      code: 'conflict',
      field: 'email',
    })
    await attempt(domain, { ...taken, email: 'bob@example.com' })
  })

  it('takes an invitation that two people use at once for one of them', async () => {
    const domain = await openDomain()
    const ada = await founder(domain)
    const { token } = await invite(domain, entry(domain, ada.id), { organization: 'acme' }, REQUEST)
    const invitation = token.reveal()
    const both = await Promise.allSettled(
      ['bob@example.com', 'cyd@example.com'].map((email) => attempt(domain, { email, invitation })),
    )
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    const lost = both.find((result) => result.status === 'rejected')
    expect(lost?.reason).toMatchObject({ code: 'forbidden', field: 'invitation' })
  })
})

describe('input', () => {
  it('is refused with the field named, before anything is stored', async () => {
    const domain = await openDomain()
    const cases: Array<[string, Partial<SignUpInput>]> = [
      ['password', { password: Secret.of('short') }],
      ['password', { password: Secret.of('') }],
      ['password', { password: Secret.of('x'.repeat(1024 * 1024)) }],
      ['password', { password: Secret.of('aaaaaaaaaaaaaaaaaaaa') }],
      ['organization', { organization: '-acme' }],
      ['organization', { organization: 'acme/dev' }],
      ['organization', { organization: 'a'.repeat(64) }],
      ['organization', { organization: '' }],
      ['email', { email: 'ada' }],
      ['email', { email: 'a da@example.com' }],
      ['invitation', { invitation: 'no such invitation' }],
    ]
    for (const [field, changes] of cases) {
      const failed = await failure(attempt(domain, changes))
      expect(failed.field, JSON.stringify(changes).slice(0, 80)).toBe(field)
    }
    expect(await counts(domain)).toEqual([0, 0, 0, 0, 0])
  })

  it('may be in any script and any capitals: one address is one account', async () => {
    const domain = await openDomain()
    const made = await attempt(domain, {
      email: ' ÅDA@ＥＸＡＭＰＬＥ.com ',
      organization: ' Acme-Labs ',
      password: Secret.of('пять синих фонарей плывут'),
    })
    expect(made.email).toBe('åda@example.com')
    expect(made.organization.name).toBe('acme-labs')
  })
})
