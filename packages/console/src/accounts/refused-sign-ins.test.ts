import { Secret } from '@keyrack/secrets'
import { beforeEach, describe, expect, it } from 'vitest'
import { verifyChain } from '../audit/chain.ts'
import { founder, openDomain, type TestDomain } from '../testing/console-domain.ts'
import { eventually } from '../testing/eventually.ts'
import { confirmPassword } from './confirm-password.ts'
import { RefusedSignIns } from './refused-sign-ins.ts'
import { signIn } from './sign-in.ts'
import { FAILURES_MAX } from './sign-in-limit.ts'

const HOME = '192.0.2.7'
const [HERE, THERE] = ['198.51.100.9', '203.0.113.4']

let domain: TestDomain

beforeEach(async () => {
  domain = await openDomain()
  await founder(domain)
})

function guess(email: string, address: string) {
  const request = { requestId: `guess-${address}`, address }
  return signIn(domain, { email, password: Secret.of('not the one') }, request).catch(
    (error: unknown) => error,
  )
}

async function serverChain() {
  const rows = await domain.store.db
    .selectFrom('audit')
    .where('chain', '=', 'server')
    .selectAll()
    .orderBy('sequence')
    .execute()
  expect(verifyChain(rows)).toBeUndefined()
  return rows.filter(({ phase }) => phase === 'finished')
}

const row = (address: string, note: string) => ({
  ...{ action: 'account.sign-in', target: 'ada@example.com', actor_id: null, address, note },
  ...{ status: 401, outcome: 'failed' as const },
})

describe('wrong passwords', () => {
  it('for an account are one row for each address, with a count', async () => {
    for (let times = 0; times < 3; times += 1) await guess('ADA@example.com', HERE)
    await guess('ada@example.com', THERE)
    await domain.refusedSignIns.flush()
    expect(await serverChain()).toMatchObject([
      row(HERE, '3 wrong passwords'),
      row(THERE, 'a wrong password'),
    ])
    await domain.refusedSignIns.flush()
    expect(await serverChain()).toHaveLength(2)
  })

  it('count where somebody who is signed in has to give theirs again, and beyond the limit', async () => {
    const [ada] = [...(await domain.store.db.selectFrom('accounts').select('id').execute())]
    const account = domain.directory.accountById(ada?.id ?? '')
    if (account === undefined) throw new TypeError('no account')
    const request = { requestId: 'test', address: HERE }
    await confirmPassword(domain, account, Secret.of('wrong'), request).catch(() => {})
    await domain.store.db
      .updateTable('sign_in_failures')
      .set({ failures: FAILURES_MAX + 1 })
      .execute()
    expect(await guess('ada@example.com', HERE)).toMatchObject({ code: 'throttled' })
    await domain.refusedSignIns.flush()
    expect(await serverChain()).toMatchObject([row(HERE, '2 wrong passwords')])
  })

  it('for an address without an account, and right ones, are no row', async () => {
    await guess('nobody@example.com', HERE)
    await domain.refusedSignIns.flush()
    expect(await serverChain()).toEqual([])
  })

  it('from a thousand addresses are a bounded number of rows that lose none', async () => {
    for (let index = 0; index < 1000; index += 1) {
      domain.refusedSignIns.add('ada@example.com', {
        requestId: 'flood',
        address: `198.51.${index >> 8}.${index & 255}`,
      })
    }
    await domain.refusedSignIns.flush()
    const rows = await serverChain()
    expect(rows).toHaveLength(101)
    expect(rows.at(-1)).toMatchObject(row('several', '900 wrong passwords'))
  })

  it('are written without being asked to, and when the Console stops', async () => {
    const often = new RefusedSignIns(domain.audit, domain.log, 1)
    often.add('ada@example.com', { requestId: 'soon', address: HERE })
    await eventually('the row', async () => (await serverChain()).length === 1)
    await guess('ada@example.com', HOME)
    await domain.close()
    domain = await openDomain(domain.config.dataDir)
    expect(await serverChain()).toMatchObject([{ request_id: 'soon' }, { address: HOME }])
  })

  it('that cannot be written now are written with the next ones', async () => {
    let room = false
    const audit: Pick<TestDomain['audit'], 'record'> = {
      record: async (...row) => {
        if (!room) throw new Error('ENOSPC')
        await domain.audit.record(...row)
      },
    }
    const kept = new RefusedSignIns(audit, domain.log)
    kept.add('ada@example.com', { requestId: 'full', address: HERE })
    await kept.flush()
    expect(domain.lines.join()).toContain('ENOSPC')
    room = true
    kept.add('ada@example.com', { requestId: 'room', address: HERE })
    await kept.flush()
    expect(await serverChain()).toMatchObject([row(HERE, '2 wrong passwords')])
  })
})
