import { mintApiKey } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { filesAsTheyAre, openRackKeys } from '../testing/open-rack-keys.ts'
import { TestClock } from '../testing/test-clock.ts'

async function rackInUse() {
  const clock = new TestClock()
  const key = mintApiKey('rack')
  const rack = await openRackKeys({ clock, key })
  const id = rack.idOf(key) ?? ''
  const uses = async () => (await rack.keys.status(id)).uses
  return { ...rack, clock, id, uses }
}

describe('the uses of a key', () => {
  it('are counted by address and client, the newest first', async () => {
    const { keys, clock, id, uses } = await rackInUse()
    keys.used(id, '192.0.2.1', 'curl/8')
    clock.pass(1_000)
    keys.used(id, '::ffff:192.0.2.2', undefined)
    clock.pass(1_000)
    keys.used(id, '192.0.2.1', 'curl/8')
    expect(await uses()).toEqual([
      { key: 'current', address: '192.0.2.1', client: 'curl/8', last_at: clock.wall, count: 2 },
      { key: 'current', address: '192.0.2.2', client: '', last_at: clock.wall - 1_000, count: 1 },
    ])
  })

  it('can be shown in a terminal whatever a client calls itself, and stay few', async () => {
    const { keys, id, clock, uses } = await rackInUse()
    clock.pass(1)
    keys.used(id, '192.0.2.1', `\u001b[2J${'x'.repeat(500)}ß`)
    for (let index = 0; index < 200; index++) {
      clock.pass(1)
      keys.used(id, '192.0.2.1', `client ${index}`)
    }
    const seen = await uses()
    expect(seen).toHaveLength(50)
    expect(seen[0]?.client).toBe('client 199')
    clock.pass(1)
    keys.used(id, '192.0.2.1', `\u001b[2J${'x'.repeat(500)}ß`)
    expect((await uses())[0]?.client).toMatch(/^\?\[2Jx{96}$/)
  })

  it('are written when the Rack stops, and known when it is back', async () => {
    const { keys, id, clock, file } = await rackInUse()
    keys.used(id, '192.0.2.1', 'curl/8')
    await keys.close()
    const again = await openRackKeys({ file: filesAsTheyAre(file), clock })
    again.keys.used(id, '192.0.2.1', 'curl/8')
    expect((await again.keys.status(id)).uses).toMatchObject([{ client: 'curl/8', count: 2 }])
  })

  it('cost no write for each request', async () => {
    const { keys, id, store } = await rackInUse()
    for (let index = 0; index < 1_000; index++) keys.used(id, '192.0.2.1', 'curl/8')
    expect(await store.db.selectFrom('rack_key_uses').selectAll().execute()).toEqual([])
  })
})
