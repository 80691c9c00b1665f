import { createClient } from '@keyrack/protocol/client'
import type { Secret } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { eventually } from '../testing/eventually.ts'
import { type RolledConsole, rolledConsole, shareRunningRack } from './testing/rolled-console.ts'

const rack = shareRunningRack()

function stateWords(notes: readonly string[]): string[] {
  return notes.map((note) => note.split(' ', 1)[0] ?? '')
}

async function addressed(served: RolledConsole): Promise<number> {
  const { status } = await served.ask('/system', {
    key: served.key,
    headers: { rack: 'acme/live' },
  })
  return status
}

function fail(): never {
  throw new TypeError('it is not there')
}

/** Somebody who has a copy of a Rack's key, as an installer does. */
async function useDirectly(served: RolledConsole, password: Secret): Promise<void> {
  const { url, fingerprint: pin } = served.rack
  await createClient({ url, pin, password, version: '9.9' }).request('GET', '/system')
}

describe('a roll of a Rack key', () => {
  it('ends with a new key that works and an old one that is refused, each state on record', async () => {
    const served = await rolledConsole(rack())
    const before = served.held()
    const asked = await served.ask(`${served.path}/roll`, { key: served.key, body: {} })
    expect(asked.status).toBe(202)
    const done = await served.until('done')
    expect(done).toMatchObject({ rack: 'acme/live', error: null, grace_until: null })
    const after = served.held()
    expect(after.reveal()).not.toBe(before.reveal())
    expect(await served.takes(after)).toBe(true)
    expect(await served.takes(before)).toBe(false)
    expect(await addressed(served)).toBe(200)
    expect(stateWords(await served.notes())).toEqual([
      ...['staging', 'staged', 'verifying', 'verified', 'committing', 'committed'],
      ...['draining', 'retiring', 'retired', 'proving', 'done'],
    ])
    for (const secret of [before, after]) {
      expect(served.domain.lines.join('')).not.toContain(secret.reveal())
      expect(JSON.stringify(done)).not.toContain(secret.reveal())
    }
  })

  it('is joined by whoever asks while it is open: one roll, one new key', async () => {
    const served = await rolledConsole(rack())
    const asked = await Promise.all(
      Array.from({ length: 5 }, () =>
        served.ask(`${served.path}/roll`, { key: served.key, body: {} }),
      ),
    )
    const ids = new Set(asked.map(({ json }) => (json as { id: string }).id))
    expect(asked.filter(({ status }) => status === 202)).toHaveLength(1)
    expect(asked.filter(({ status }) => status === 200)).toHaveLength(4)
    expect(ids.size).toBe(1)
    await served.until('done')
    const keys = await served.domain.store.db.selectFrom('previous_rack_keys').selectAll().execute()
    expect(keys).toHaveLength(1)
  })

  it('keeps the last three keys, sealed, and destroys what is older', async () => {
    const served = await rolledConsole(rack())
    for (let turn = 0; turn < 5; turn += 1) {
      await served.roll()
      await served.until('done')
    }
    const { db } = served.domain.store
    const kept = await db
      .selectFrom('previous_rack_keys')
      .orderBy('key_version')
      .select(['key_version', 'sealed_key'])
      .execute()
    expect(kept.map((row) => row.key_version)).toEqual([3, 4, 5])
    expect(kept.every((row) => row.sealed_key.startsWith('krs1.'))).toBe(true)
    const rolls = await db.selectFrom('rack_rolls').select('sealed_new_key').execute()
    expect(rolls.every((row) => row.sealed_new_key === null)).toBe(true)
  })
})

describe('the end of an old key', () => {
  it('waits for the requests that carry it, and names them', async () => {
    const served = await rolledConsole(rack())
    const before = served.held()
    const [entry] = served.domain.directory
      .racksOf(served.domain.directory.accountById(served.account.id) ?? fail())
      .filter(({ name }) => name === 'live')
    const through = served.domain.rolls.begin(entry ?? fail())
    await served.roll()
    await eventually('the barrier', async () =>
      (await served.state()).detail.startsWith('one request that began with the old key'),
    )
    expect(await served.takes(before)).toBe(true)
    expect(await served.takes(served.held())).toBe(true)
    through()
    await served.until('done')
    expect(await served.takes(before)).toBe(false)
  })
})

describe('a grace', () => {
  it('leaves both keys in force, shows who uses the old one, and is not finished over their heads', async () => {
    const served = await rolledConsole(rack())
    const before = served.held()
    await served.roll({ grace_seconds: 3600 })
    const waiting = await eventually('a grace', async () => {
      const now = await served.state()
      return now.detail.startsWith('both keys') ? now : undefined
    })
    expect(waiting.grace_until).toBeGreaterThan(Date.now())
    expect(await served.takes(before)).toBe(true)
    expect(await served.takes(served.held())).toBe(true)
    expect(await addressed(served)).toBe(200)

    await useDirectly(served, before)
    const { uses } = await eventually('a use', async () => {
      const now = await served.state()
      return now.uses.some(({ client }) => client === 'keyrack/9.9') && now
    })
    expect(uses[0]?.address).toContain('127.0.0.1')
    const refused = await served.ask(`${served.path}/roll/finish`, { key: served.key, body: {} })
    expect(refused.status).toBe(409)
    expect(refused.json).toMatchObject({
      field: 'force',
      error: expect.stringContaining('127.0.0.1 (keyrack/9.9)'),
    })
    expect(await served.takes(before)).toBe(true)

    const forced = { key: served.key, body: { force: true } }
    expect((await served.ask(`${served.path}/roll/finish`, forced)).status).toBe(202)
    await served.until('done')
    expect(await served.takes(before)).toBe(false)
    expect((await served.notes()).join()).toContain('forced to finish by ada@example.com')
  })

  it('of nobody is finished at once, and one that runs out ends by itself', async () => {
    const served = await rolledConsole(rack())
    const [first] = [served.held()]
    await served.roll({ grace_seconds: 3600 })
    await eventually('a grace', async () =>
      (await served.state()).detail.startsWith('both keys work'),
    )
    const finish = { key: served.key, body: {} }
    expect((await served.ask(`${served.path}/roll/finish`, finish)).status).toBe(202)
    await served.until('done')
    expect(await served.takes(first)).toBe(false)

    const second = served.held()
    await served.roll({ grace_seconds: 1 })
    await served.until('done')
    expect(await served.takes(second)).toBe(false)
  })

  it('ends when another roll is asked for', async () => {
    const served = await rolledConsole(rack())
    const keys = [served.held()]
    const { id } = await served.roll({ grace_seconds: 3600 })
    await eventually('a grace', async () =>
      (await served.state()).detail.startsWith('both keys work'),
    )
    keys.push(served.held())
    const next = await served.roll()
    expect(next.id).not.toBe(id)
    await served.until('done')
    for (const old of keys) expect(await served.takes(old)).toBe(false)
  })
})

describe('what is refused', () => {
  it('a grace that is none names its field, and nothing begins', async () => {
    const served = await rolledConsole(rack())
    for (const [body, field] of [
      [{ grace_seconds: 30 * 86_400 + 1 }, 'grace_seconds'],
      [{ grace_seconds: -1 }, 'grace_seconds'],
      [{ grace_seconds: 1.5 }, 'grace_seconds'],
      [{ grace_seconds: '60' }, 'grace_seconds'],
      [{ grace_seconds: 1e300 }, 'grace_seconds'],
      [{ grace_seconds: null }, 'grace_seconds'],
      [{ grace: 60 }, 'grace'],
      [[], 'body'],
    ] as const) {
      const answer = await served.ask(`${served.path}/roll`, { key: served.key, body })
      expect([answer.status, answer.json]).toEqual([422, expect.objectContaining({ field })])
    }
    expect(await served.state()).toBeNull()
  })

  it('a schedule of no use, a finish or cancel of nothing, and a Rack of nobody', async () => {
    const served = await rolledConsole(rack())
    const ask = (path: string, body: unknown, method = 'POST') =>
      served.ask(`/api/racks/${path}`, { key: served.key, body, method })
    for (const every_seconds of [59, 0, -1, 400 * 86_400]) {
      const answer = await ask('acme/live/key/schedule', { every_seconds }, 'PUT')
      expect([answer.status, answer.json]).toEqual([
        422,
        expect.objectContaining({ field: 'every_seconds' }),
      ])
    }
    expect((await ask('acme/live/key/roll/finish', {})).status).toBe(409)
    expect((await ask('acme/live/key/roll/cancel', {})).status).toBe(409)
    expect((await ask('acme/none/key/roll', {})).status).toBe(404)
    expect((await ask('other/live/key/roll', {})).status).toBe(404)
    expect((await served.ask(`${served.path}/roll`, { body: {} })).status).toBe(401)
  })
})

describe('a key that is entered by hand', () => {
  it('is saved only when the Rack takes it, and then in force', async () => {
    const served = await rolledConsole(rack())
    const set = (key: string) =>
      served.ask(`${served.path}/set`, { key: served.key, body: { key } })
    const wrong = await set(`cvxr_${'a'.repeat(39)}`)
    expect([wrong.status, wrong.json]).toEqual([422, expect.objectContaining({ field: 'key' })])
    for (const text of ['', '****', 'some password', 'a\nb']) {
      expect((await set(text)).json).toMatchObject({ field: 'key' })
    }
    expect((await set(served.held().reveal())).status).toBe(204)
    expect(await served.notes()).toEqual([])
    expect(await addressed(served)).toBe(200)
  })
})
