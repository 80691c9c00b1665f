import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { hashApiKey, Secret } from '@keyrack/secrets'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { resetPassword } from '../accounts/reset-password.ts'
import { signIn } from '../accounts/sign-in.ts'
import { regenerateApiKey } from '../api-keys/regenerate-api-key.ts'
import { revokeDeployKey } from '../deploy-keys/revoke-deploy-key.ts'
import { openRackKey } from '../racks/open-rack-key.ts'
import { entry, openDomain, PASSWORD, REQUEST, type TestDomain } from '../testing/console-domain.ts'
import { CREDENTIAL_TABLE_NAMES, CREDENTIAL_TABLES } from './credential-tables.ts'
import { knows, populated, problems } from './testing/populated.ts'
import { storedState } from './testing/stored-state.ts'
import { replaceCredential, writeCredential } from './write-credential.ts'

const alarms = (domain: TestDomain) =>
  domain.lines.filter((line) => line.includes('keys verify')).map((line) => JSON.parse(line))

describe('a credential that somebody else has changed', () => {
  it('is not used, whichever covered column it is, and all others are', async () => {
    const { domain, ada, bob } = await populated()
    for (const table of CREDENTIAL_TABLE_NAMES) {
      const { id, columns } = CREDENTIAL_TABLES[table]
      for (const column of columns) {
        const { rows } = await sql<{ row: string; value: string | number | null }>`
          select ${sql.ref(id)} as row, ${sql.ref(column)} as value
          from ${sql.table(table)} limit 1`.execute(domain.store.db)
        const [{ row, value } = { row: '', value: null }] = rows
        const set = (changed: string | number | null) =>
          domain.store.transaction((tx) =>
            sql`update ${sql.table(table)} set ${sql.ref(column)} = ${changed}
              where ${sql.ref(id)} = ${row}`.execute(tx),
          )
        // The id of an organization must be one that is there.
        const other = column === 'organization_id' ? null : value === null ? 7 : flipped(value)
        if (column === 'organization_id' && table === 'deploy_keys') continue
        await set(other)
        const examined = await domain.ledger.examine(domain.store.db, domain.ledger.seen)
        expect([column, examined.findings]).toEqual([column, [{ table, row, problem: 'changed' }]])
        await set(value)
      }
    }
    expect(await problems(domain)).toEqual([])
    expect([knows(domain, ada.apiKey).account, knows(domain, bob.apiKey).account]).toEqual([
      true,
      true,
    ])
  })

  it('fails closed alone, with one alarm that names it, and works again once it is replaced', async () => {
    const { domain, ada, bob, ci } = await populated()
    await domain.store.transaction((tx) =>
      tx
        .updateTable('api_keys')
        .set({ hash: hashApiKey(Secret.of('mine now')) })
        .where('account_id', '=', bob.id)
        .execute(),
    )
    for (let times = 0; times < 3; times += 1) await domain.directory.refresh()
    expect(knows(domain, Secret.of('mine now')).account).toBe(false)
    expect(knows(domain, bob.apiKey).account).toBe(false)
    expect([knows(domain, ada.apiKey).account, knows(domain, ci.key).deploy]).toEqual([true, true])
    expect(alarms(domain)).toMatchObject([{ table: 'api_keys', row: bob.id, problem: 'changed' }])
    expect(domain.lines.join('')).not.toContain(hashApiKey(Secret.of('mine now')))
    const again = await regenerateApiKey(domain, bob.id, REQUEST)
    expect(knows(domain, again.apiKey).account).toBe(true)
    expect(await problems(domain)).toEqual([])
  })

  it('is noticed when two rows were swapped', async () => {
    const { domain, ada, bob } = await populated()
    const hash = (id: string, text: string) =>
      sql`update api_keys set hash = ${text} where account_id = ${id}`
    await domain.store.transaction(async (tx) => {
      await hash(ada.id, 'aside').execute(tx)
      await hash(bob.id, hashApiKey(ada.apiKey)).execute(tx)
      await hash(ada.id, hashApiKey(bob.apiKey)).execute(tx)
    })
    await domain.directory.refresh()
    expect(knows(domain, ada.apiKey).account).toBe(false)
    expect(knows(domain, bob.apiKey).account).toBe(false)
  })

  it('of a Rack is refused with a sentence, and the Rack is shown as failed', async () => {
    const { domain, ada } = await populated()
    await domain.store.transaction((tx) =>
      tx
        .updateTable('racks')
        .set({ url: 'https://evil.example.com' })
        .where('id', '=', 'rack-0000')
        .execute(),
    )
    await domain.directory.refresh()
    const [bad, good] = domain.directory.racksOf(entry(domain, ada.id))
    expect([bad?.status, good?.status]).toEqual(['failed', 'unknown'])
    if (bad === undefined || good === undefined) throw new TypeError('no Racks')
    expect(() => openRackKey(domain.keyring, bad)).toThrow('changed by somebody else')
    expect(openRackKey(domain.keyring, good).reveal()).toMatch(/^cvxr_/)
  })

  it('is not vouched for by a later write of another part of its row', async () => {
    const { domain } = await populated()
    await domain.store.transaction((tx) =>
      tx.updateTable('racks').set({ url: 'https://evil.example.com' }).execute(),
    )
    const write = domain.commit((tx) =>
      writeCredential(tx, 'racks', 'rack-0000', () =>
        tx
          .updateTable('racks')
          .set({ pin: 'cd'.repeat(32) })
          .where('id', '=', 'rack-0000')
          .execute(),
      ),
    )
    await expect(write).rejects.toMatchObject({ code: 'not-ready' })
    expect(await problems(domain)).toHaveLength(2)
  })

  it('is not vouched for by a removal that was meant for another', async () => {
    const { domain, ci } = await populated()
    await domain.store.transaction((tx) =>
      tx.updateTable('deploy_keys').set({ expires_at: 1 }).execute(),
    )
    await domain.commit((tx) =>
      replaceCredential(tx, 'deploy_keys', ci.id, () =>
        tx.deleteFrom('deploy_keys').where('organization_id', '=', 'another').execute(),
      ),
    )
    expect(knows(domain, ci.key).deploy).toBe(false)
    expect(await problems(domain)).toHaveLength(1)
  })

  it('that was inserted is not used', async () => {
    const { domain, ada } = await populated()
    const key = Secret.of('inserted')
    await domain.store.transaction((tx) =>
      tx
        .insertInto('deploy_keys')
        .values({
          id: 'd2',
          organization_id: ada.organization.id,
          name: 'mine',
          hash: hashApiKey(key),
          last_four: 'rted',
          created_by: ada.id,
          created_at: 1,
          expires_at: null,
        })
        .execute(),
    )
    await domain.directory.refresh()
    expect(knows(domain, key).deploy).toBe(false)
    expect(await problems(domain)).toEqual([
      { where: 'deploy_keys/d2', problem: 'was not written by a Console' },
    ])
  })

  it('that is a password lets nobody in, until it is reset', async () => {
    const { domain, bob } = await populated()
    const stored = await domain.store.db
      .selectFrom('accounts')
      .select(['id', 'password_hash'])
      .execute()
    const others = stored.find(({ id }) => id !== bob.id)
    await domain.store.transaction((tx) =>
      tx
        .updateTable('accounts')
        .set({ password_hash: others?.password_hash ?? '' })
        .where('id', '=', bob.id)
        .execute(),
    )
    const enter = (password: string) =>
      signIn(domain, { email: bob.email, password: Secret.of(password) }, REQUEST)
    await expect(enter(PASSWORD)).rejects.toMatchObject({ code: 'not-ready' })
    const password = 'seven quiet herons at dusk'
    await resetPassword(domain, { email: bob.email, password: Secret.of(password) }, REQUEST)
    await expect(enter(password)).resolves.toBeDefined()
  })
})

describe('a credential that was put back', () => {
  it('is refused while the Console runs: a regenerated key, with all that vouched for it', async () => {
    const { domain, ada, bob } = await populated()
    const putBack = await storedState(domain)
    const fresh = await regenerateApiKey(domain, bob.id, REQUEST)
    await putBack()
    await domain.directory.refresh()
    expect(knows(domain, bob.apiKey).account).toBe(false)
    expect(knows(domain, fresh.apiKey).account).toBe(false)
    expect(knows(domain, ada.apiKey).account).toBe(true)
    expect(alarms(domain)).toContainEqual(
      expect.objectContaining({ row: bob.id, problem: 'put back' }),
    )
  })

  it('is refused while the Console runs: a revoked deploy key', async () => {
    const { domain, ada, ci } = await populated()
    const putBack = await storedState(domain, ['deploy_keys', 'credential_macs'])
    await revokeDeployKey(
      domain,
      entry(domain, ada.id),
      { organization: 'acme', id: ci.id },
      REQUEST,
    )
    await putBack()
    await domain.directory.refresh()
    expect(knows(domain, ci.key).deploy).toBe(false)
    expect(knows(domain, ada.apiKey).account).toBe(true)
  })

  it('does not keep others from getting new keys that work', async () => {
    const { domain, ada, bob } = await populated()
    const putBack = await storedState(domain, ['api_keys', 'credential_macs'])
    await regenerateApiKey(domain, bob.id, REQUEST)
    await putBack()
    const fresh = await regenerateApiKey(domain, ada.id, REQUEST)
    expect(knows(domain, fresh.apiKey).account).toBe(true)
    expect(knows(domain, bob.apiKey).account).toBe(false)
    await domain.directory.refresh()
    expect(knows(domain, fresh.apiKey).account).toBe(true)
    expect(knows(domain, bob.apiKey).account).toBe(false)
  })

  it.each([
    ['with the whole ledger', undefined],
    ['with its own entry', ['api_keys', 'credential_macs'] as const],
  ])('keeps the next start from serving: %s', async (_what, tables) => {
    const { domain, bob, folder } = await populated()
    const putBack = await storedState(domain, tables)
    await regenerateApiKey(domain, bob.id, REQUEST)
    await putBack()
    await domain.close()
    await expect(openDomain(folder)).rejects.toMatchObject({
      code: 'not-ready',
      message: expect.stringContaining('not the newest'),
      hint: expect.stringContaining('--accept-rollback'),
    })
  })
})

describe('every write of a credential', () => {
  it('is refused outside of commit', async () => {
    const { domain } = await populated()
    const write = domain.store.transaction((tx) =>
      writeCredential(tx, 'racks', 'rack-0000', () => tx.deleteFrom('racks').execute()),
    )
    await expect(write).rejects.toThrow('inside of commit')
  })

  it('in this package goes through the ledger', () => {
    const source = join(import.meta.dirname, '..')
    const writes = new RegExp(
      `(insertInto|updateTable|deleteFrom)\\('(${CREDENTIAL_TABLE_NAMES.join('|')})'\\)`,
    )
    const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.tsx?$/.test(file) && !/\.test\.|testing\//.test(file))
      .filter((file) => writes.test(readFileSync(join(source, file), 'utf8')))
    const past = files.filter(
      (file) => !/(write|replace)Credential\(/.test(readFileSync(join(source, file), 'utf8')),
    )
    expect(files.length).toBeGreaterThan(5)
    // A name is no credential, and what the ledger covers stays as it is.
    expect(past).toEqual(['racks/rename-rack.ts'])
  })
})

function flipped(value: string | number): string | number {
  if (typeof value === 'number') return value + 1
  const last = value.at(-1) === 'A' ? 'B' : 'A'
  return `${value.slice(0, -1)}${last}`
}
