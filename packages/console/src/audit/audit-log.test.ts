import { CHAIN_START, rowHash, verifyChain } from '@keyrack/protocol/audit'
import fc from 'fast-check'
import { type RawBuilder, sql } from 'kysely'
import { describe, expect, inject, it } from 'vitest'
import type { AuditTable } from '../database/schema.ts'
import { founder, openDomain, type TestDomain } from '../testing/console-domain.ts'
import type { AuditEvent } from './audit-log.ts'

const EVENT: AuditEvent = {
  organizationId: null,
  actor: { id: null, name: 'nobody' },
  action: 'test.write',
  target: 'something',
  requestId: 'test-request',
  address: '192.0.2.7',
}

function rowsOf(domain: TestDomain, chain = 'server'): Promise<AuditTable[]> {
  return domain.store.db
    .selectFrom('audit')
    .where('chain', '=', chain)
    .selectAll()
    .orderBy('sequence')
    .execute()
}

/** Statements that PostgreSQL does not have. */
const onlySqlite = () => [
  sql`update or ignore audit set status = 500 where sequence = 2`,
  // The same row again under each of the names it has: SQLite would remove the one in its way.
  replacing(sql`*`),
  replacing(sql.raw(columns({ actor_name: `'eve'` }))),
  replacing(sql.raw(columns({ id: `'new'`, event_id: `'new'` }))),
  replacing(sql.raw(columns({ id: `'new'`, chain: `'other'` }))),
  sql`insert or replace into audit (rowid, ${sql.raw(COLUMNS.join(', '))})
    select rowid, ${sql.raw(columns({ id: `'n'`, event_id: `'n'`, chain: `'other'` }))} from audit`,
]

describe('the audit log', () => {
  it('appends what was going to happen, and then how it ended', async () => {
    const domain = await openDomain()
    const { id } = await domain.audit.started({ ...EVENT, rackId: 'rack-1' })
    expect(await rowsOf(domain)).toMatchObject([{ id, phase: 'started', outcome: null }])
    await domain.audit.finished(id, { status: 403, note: 'forbidden' })
    const rows = await rowsOf(domain)
    expect(rows[1]).toMatchObject({
      ...{ phase: 'finished', event_id: id, outcome: 'failed', status: 403, note: 'forbidden' },
      ...{ action: 'test.write', rack_id: 'rack-1', address: '192.0.2.7', sequence: 2 },
    })
    expect(rows[1]?.previous_hash).toBe(rows[0]?.hash)
    expect(verifyChain(rows)).toBeUndefined()
  })

  it('gives an event one ending', async () => {
    const domain = await openDomain()
    const { id } = await domain.audit.started(EVENT)
    await domain.audit.finished(id, { status: 200 })
    await expect(domain.audit.finished(id, { status: 500 })).rejects.toThrow()
    await expect(domain.audit.finished('no-such-event', { status: 200 })).rejects.toThrow(TypeError)
    expect(await rowsOf(domain)).toHaveLength(2)
  })

  it('keeps each chain whole when many append at once', async () => {
    const domain = await openDomain()
    const { organization } = await founder(domain)
    const events = Array.from({ length: 40 }, async (_, index) => {
      const organizationId = index % 2 === 0 ? organization.id : null
      const { id } = await domain.audit.started({
        ...EVENT,
        organizationId,
        target: `write ${index}`,
      })
      await domain.audit.finished(id, { status: 200 })
    })
    await Promise.all(events)
    for (const chain of ['server', organization.id]) {
      const rows = await rowsOf(domain, chain)
      expect(rows.map(({ sequence }) => sequence)).toEqual(rows.map((_, index) => index + 1))
      expect(rows.filter(({ action }) => action === 'test.write')).toHaveLength(40)
      expect(verifyChain(rows)).toBeUndefined()
    }
  })

  it('refuses to change or delete a row, also for who has the database open', async () => {
    const domain = await openDomain()
    await domain.audit.record(EVENT, { status: 200 })
    for (const statement of [
      sql`update audit set target = 'something else'`,
      sql`update audit set status = 500 where sequence = 2`,
      sql`delete from audit`,
      sql`delete from audit where sequence = 2`,
      sql`insert into audit select * from audit where sequence = 1
        on conflict (id) do update set target = 'something else'`,
      ...(inject('database') === 'SQLite' ? onlySqlite() : [sql`truncate audit`]),
    ]) {
      await expect(statement.execute(domain.store.db)).rejects.toThrow('never changed')
    }
    expect(verifyChain(await rowsOf(domain))).toBeUndefined()
  })

  it('belongs to the transaction of the write it is about', async () => {
    const domain = await openDomain()
    const undone = domain.store.transaction(async (tx) => {
      await domain.audit.record(EVENT, { status: 200 }, tx)
      throw new Error('not this time')
    })
    await expect(undone).rejects.toThrow('not this time')
    expect(await rowsOf(domain)).toEqual([])
  })

  it('ends as unknown, at the next start, what a crash cut off', async () => {
    const domain = await openDomain()
    await domain.audit.record(EVENT, { status: 200 })
    const cut = [(await domain.audit.started(EVENT)).id, (await domain.audit.started(EVENT)).id]
    await domain.close()
    const again = await openDomain(domain.config.dataDir)
    const rows = await rowsOf(again)
    expect(rows.slice(-2)).toMatchObject(
      cut.map((id) => ({ event_id: id, phase: 'finished', outcome: 'unknown', status: null })),
    )
    expect(verifyChain(rows)).toBeUndefined()
    await again.close()
    const third = await openDomain(domain.config.dataDir)
    expect(await rowsOf(third)).toHaveLength(rows.length)
  })
})

describe('the chain', () => {
  const fields: fc.Arbitrary<Omit<AuditTable, 'hash'>> = fc.record({
    id: fc.string(),
    chain: fc.string(),
    sequence: fc.nat(),
    at: fc.nat(),
    phase: fc.constantFrom('started', 'finished'),
    event_id: fc.string(),
    actor_id: fc.option(fc.string()),
    actor_name: fc.string(),
    action: fc.string(),
    target: fc.string(),
    rack_id: fc.option(fc.string()),
    request_id: fc.string(),
    address: fc.string(),
    outcome: fc.constantFrom(null, 'succeeded', 'failed', 'unknown'),
    status: fc.option(fc.nat()),
    note: fc.option(fc.string()),
    previous_hash: fc.string(),
  })

  it('has a different hash for any two rows that differ in any field', () => {
    fc.assert(
      fc.property(fields, fields, fc.constantFrom(...Object.keys(EMPTY)), (one, other, name) => {
        const changed = { ...one, [name]: other[name as keyof typeof other] }
        const same = Object.is(one[name as keyof typeof one], other[name as keyof typeof other])
        expect(rowHash(changed) === rowHash(one)).toBe(same)
      }),
    )
  })

  it('does not confuse text that moves from one field into the next, or null with nothing', () => {
    const base = { ...EMPTY }
    expect(rowHash({ ...base, action: 'ab', target: '' })).not.toBe(
      rowHash({ ...base, action: 'a', target: 'b' }),
    )
    expect(rowHash({ ...base, note: null })).not.toBe(rowHash({ ...base, note: '' }))
    expect(rowHash({ ...base, actor_id: null, actor_name: 'x' })).not.toBe(
      rowHash({ ...base, actor_id: 'x', actor_name: '' }),
    )
  })

  it('shows a row that was changed, removed, inserted or moved, and where', () => {
    const rows = chainOf(5)
    expect(verifyChain(rows)).toBeUndefined()
    const changed = rows.map((row, index) => (index === 2 ? { ...row, target: 'other' } : row))
    expect(verifyChain(changed)).toEqual({ sequence: 3, problem: 'changed' })
    const rehashed = changed.map((row) => ({ ...row, hash: rowHash(row) }))
    expect(verifyChain(rehashed)).toEqual({ sequence: 4, problem: 'unlinked' })
    expect(verifyChain(rows.toSpliced(2, 1))).toEqual({ sequence: 3, problem: 'missing' })
    expect(verifyChain(rows.slice(1))).toEqual({ sequence: 1, problem: 'missing' })
    expect(verifyChain([...rows].reverse())).toEqual({ sequence: 1, problem: 'missing' })
  })

  const EMPTY: Omit<AuditTable, 'hash'> = {
    id: '',
    chain: '',
    sequence: 0,
    at: 0,
    phase: 'started',
    event_id: '',
    actor_id: null,
    actor_name: '',
    action: '',
    target: '',
    rack_id: null,
    request_id: '',
    address: '',
    outcome: null,
    status: null,
    note: null,
    previous_hash: '',
  }

  function chainOf(length: number): AuditTable[] {
    const rows: AuditTable[] = []
    for (let sequence = 1; sequence <= length; sequence += 1) {
      const row = { ...EMPTY, sequence, previous_hash: rows.at(-1)?.hash ?? CHAIN_START }
      rows.push({ ...row, hash: rowHash(row) })
    }
    return rows
  }
})

const COLUMNS = [
  'id',
  'chain',
  'sequence',
  'at',
  'phase',
  'event_id',
  'actor_id',
  'actor_name',
  'action',
  'target',
  'rack_id',
  'request_id',
  'address',
  'outcome',
  'status',
  'note',
  'previous_hash',
  'hash',
]

/** The columns of a stored row, with some other values. */
function columns(values: Record<string, string>): string {
  return COLUMNS.map((name) => values[name] ?? name).join(', ')
}

function replacing(row: RawBuilder<unknown>) {
  return sql`insert or replace into audit select ${row} from audit`
}
