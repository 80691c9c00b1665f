import { sha256Hex } from '@keyrack/secrets'
import { sql } from 'kysely'
import { describe, expect, inject, it } from 'vitest'
import { founder, openDomain, REQUEST } from '../testing/console-domain.ts'
import { createSession } from './create.ts'
import { endSession, endSessionsOf } from './end.ts'
import { findSession } from './find.ts'

const HOUR_MS = 60 * 60_000

const REFUSE_UPDATES = {
  SQLite: [
    `create trigger full before update on sessions begin select raise(abort, 'no room'); end`,
  ],
  PostgreSQL: [
    `create function no_room() returns trigger language plpgsql as $$ begin raise 'no room'; end $$`,
    `create trigger no_room before update on sessions execute function no_room()`,
  ],
}

async function signedIn() {
  let now = Date.parse('2026-11-23T12:00:00Z')
  const domain = await openDomain(undefined, { clock: () => now })
  const ada = await founder(domain)
  const { token, expiresAt } = await createSession(domain, ada.id, REQUEST)
  return {
    domain,
    ada,
    token: token.reveal(),
    expiresAt,
    find: (text = token.reveal()) => findSession(domain, text),
    pass: (milliseconds: number) => {
      now += milliseconds
    },
    now: () => now,
  }
}

describe('a session', () => {
  it('is found by its token, of which only a hash is stored', async () => {
    const { domain, ada, token, expiresAt, find } = await signedIn()
    expect(await find()).toMatchObject({ expiresAt, account: { id: ada.id } })
    const [row] = await domain.store.db.selectFrom('sessions').selectAll().execute()
    expect(row?.token_hash).toBe(sha256Hex(token))
    expect(JSON.stringify([row, domain.lines])).not.toContain(token)
    expect(await find(row?.token_hash ?? '')).toBeUndefined()
  })

  it.each([
    ['nothing', ''],
    ['another one', 'A'.repeat(43)],
    ['a longer one', 'A'.repeat(44)],
    ['a megabyte', 'A'.repeat(1024 * 1024)],
    ['SQL', "' or 1=1 --"],
  ])('is not found by %s', async (_what, token) => {
    const { find } = await signedIn()
    expect(await find(token)).toBeUndefined()
  })

  it('ends after twelve hours without use', async () => {
    const { find, pass } = await signedIn()
    pass(12 * HOUR_MS - 1)
    expect(await find()).toBeDefined()
    pass(12 * HOUR_MS - 1)
    expect(await find()).toBeDefined()
    pass(12 * HOUR_MS)
    expect(await find()).toBeUndefined()
  })

  it('is found also while nothing can be written, as on a full disk', async () => {
    const { domain, find, pass } = await signedIn()
    const [row] = await domain.store.db.selectFrom('sessions').selectAll().execute()
    for (const statement of REFUSE_UPDATES[inject('database')]) {
      await sql.raw(statement).execute(domain.store.db)
    }
    pass(HOUR_MS)
    expect(await find()).toMatchObject({ id: row?.id })
    expect(await domain.store.db.selectFrom('sessions').selectAll().execute()).toEqual([row])
    expect(domain.lines.join()).toContain('no room')
    pass(11 * HOUR_MS)
    expect(await find()).toBeUndefined()
  })

  it('is over when it was made while the clock was ahead, or it would outlive its limits', async () => {
    const { find, pass } = await signedIn()
    pass(-60_000)
    expect(await find()).toBeDefined()
    pass(-HOUR_MS)
    expect(await find()).toBeUndefined()
  })

  it('ends after seven days however much it is used', async () => {
    const { find, pass, expiresAt, now } = await signedIn()
    while (now() + 6 * HOUR_MS < expiresAt) {
      pass(6 * HOUR_MS)
      expect(await find()).toBeDefined()
    }
    pass(expiresAt - now())
    expect(await find()).toBeUndefined()
  })

  it('ends at sign-out, and others of the account go on', async () => {
    const { domain, ada, token, find } = await signedIn()
    const other = await createSession(domain, ada.id, REQUEST)
    await endSession(domain, token)
    await endSession(domain, token)
    expect(await find()).toBeUndefined()
    expect(await find(other.token.reveal())).toBeDefined()
  })

  it('ends with all others of the account when the transaction that ends them commits', async () => {
    const { domain, ada, find } = await signedIn()
    const other = await createSession(domain, ada.id, REQUEST)
    const undone = domain.store.transaction(async (tx) => {
      await endSessionsOf(tx, ada.id)
      throw new Error('not this time')
    })
    await expect(undone).rejects.toThrow('not this time')
    expect(await find()).toBeDefined()
    await domain.store.transaction((tx) => endSessionsOf(tx, ada.id))
    expect(await find()).toBeUndefined()
    expect(await find(other.token.reveal())).toBeUndefined()
  })

  it('is removed from the database once it is over', async () => {
    const { domain, ada, pass } = await signedIn()
    pass(12 * HOUR_MS)
    await createSession(domain, ada.id, REQUEST)
    expect(await domain.store.db.selectFrom('sessions').selectAll().execute()).toHaveLength(1)
  })

  it('outlives a restart of the server', async () => {
    const { domain, ada, token } = await signedIn()
    await domain.close()
    const again = await openDomain(domain.config.dataDir, { clock: domain.clock })
    expect((await findSession(again, token))?.account.id).toBe(ada.id)
  })
})
