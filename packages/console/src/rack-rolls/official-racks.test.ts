import { Secret } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { openRackKey } from '../racks/open-rack-key.ts'
import { consoleAndRack } from '../racks/testing/added-rack.ts'
import { OFFICIAL_KEY } from '../racks/testing/official-rack.ts'
import { letRoll } from '../racks/testing/rolling-official-rack.ts'
import { eventually } from '../testing/eventually.ts'

const PATH = '/api/racks/acme/live/key'

async function officialConsole(version: string) {
  const served = await consoleAndRack()
  const official = letRoll(served.rack, version)
  const added = await served.add()
  if (added.status !== 201) throw new Error(added.text)
  const { ask, key, domain } = served
  const { id } = added.json as { id: string }
  const roll = async () =>
    (await ask(`${PATH}/roll`, { key })).json as { state: string; error: string | null } | null
  const held = (): string => {
    const entry = domain.directory.rackById(id)
    if (entry === undefined) throw new TypeError('the Rack is gone')
    return openRackKey(domain.keyring, entry).reveal()
  }
  return { ...served, official, roll, held }
}

describe('an official Rack', () => {
  it.each([
    ['of generation 2', '20230627153132', /^parameters=Password%3Dcvxr_\w{39}$/],
    ['of generation 1', '20170901000000', /^Password=cvxr_\w{39}$/],
  ])(
    '%s gets its new key as a parameter, and is done when every task takes it',
    async (_of, version, sent) => {
      const { ask, key, official, roll, held } = await officialConsole(version)
      const asked = await ask(`${PATH}/roll`, { key, body: {} })
      expect(asked.status).toBe(202)
      await eventually('the end', async () => (await roll())?.state === 'done', 60_000)
      expect(official.updates).toEqual([expect.stringMatching(sent)])
      expect(held()).toMatch(/^cvxr_\w{39}$/)
      expect(official.tasks.map((task) => task.key)).toEqual([held(), held()])
      const answer = await ask('/system', { key, headers: { rack: 'acme/live' } })
      expect(answer.status).toBe(200)
    },
  )

  it('with a task that keeps the old key is never done, and says why', async () => {
    const { ask, key, official, roll, held } = await officialConsole('20230627153132')
    official.stubborn = 'web-2'
    expect((await ask(`${PATH}/roll`, { key, body: {} })).status).toBe(202)
    const waiting = await eventually('the reason', async () => {
      const now = await roll()
      return now?.error?.includes('web tasks') && now
    })
    expect(waiting.state).toBe('verifying')
    // The old key is in force until every task takes the new one.
    expect(held()).toBe(OFFICIAL_KEY)
    official.stubborn = undefined
    await eventually('the end', async () => (await roll())?.state === 'done', 60_000)
    expect(held()).not.toBe(OFFICIAL_KEY)
  })

  it('of generation 3 is refused with the reason, before a key is made', async () => {
    const { ask, key, official, roll, domain, held } = await officialConsole('3.18.1')
    const answer = await ask(`${PATH}/roll`, { key, body: {} })
    expect([answer.status, answer.json]).toEqual([
      409,
      expect.objectContaining({ error: expect.stringContaining('Terraform') }),
    ])
    expect(await roll()).toBeNull()
    expect(official.updates).toEqual([])
    expect(held()).toBe(OFFICIAL_KEY)
    const rows = await domain.store.db.selectFrom('rack_rolls').select('id').execute()
    expect(rows).toEqual([])
  })

  it('has no grace, and says so', async () => {
    const { ask, key, official } = await officialConsole('20230627153132')
    const answer = await ask(`${PATH}/roll`, { key, body: { grace_seconds: 60 } })
    expect([answer.status, answer.json]).toEqual([
      422,
      expect.objectContaining({
        field: 'grace_seconds',
        error: expect.stringContaining('no grace'),
      }),
    ])
    expect(official.updates).toEqual([])
  })

  it('whose roll does not end is left with the key that it takes, by hand', async () => {
    const { ask, key, official, roll, held } = await officialConsole('20230627153132')
    official.refuses = true
    await ask(`${PATH}/roll`, { key, body: {} })
    await eventually('the reason', async () => (await roll())?.error?.includes('answered 400'))
    const cancelled = await ask(`${PATH}/roll/cancel`, { key, body: {} })
    expect([cancelled.status, cancelled.json]).toEqual([
      409,
      expect.objectContaining({ error: expect.stringContaining('convox rack key set') }),
    ])
    expect((await ask(`${PATH}/set`, { key, body: { key: OFFICIAL_KEY } })).status).toBe(204)
    await eventually('the end', async () => (await roll())?.state === 'failed')
    expect(held()).toBe(OFFICIAL_KEY)
  })

  it('whose key was changed elsewhere takes the one that is entered by hand', async () => {
    const { ask, key, official, held } = await officialConsole('20230627153132')
    const chosen = Secret.of('somebody chose this %20+ü')
    official.tasks = official.tasks.map((task) => ({ ...task, key: chosen.reveal() }))
    const refused = await ask(`${PATH}/roll`, { key, body: {} })
    expect([refused.status, refused.json]).toEqual([
      502,
      expect.objectContaining({ error: expect.stringContaining('convox rack key set') }),
    ])
    expect((await ask(`${PATH}/set`, { key, body: { key: 'wrong' } })).status).toBe(422)
    expect(held()).toBe(OFFICIAL_KEY)
    const set = await ask(`${PATH}/set`, { key, body: { key: chosen.reveal() } })
    expect(set.status).toBe(204)
    expect(held()).toBe(chosen.reveal())
    expect((await ask('/system', { key, headers: { rack: 'acme/live' } })).status).toBe(200)
  })
})
