import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FarmLab } from '../testing/farm-lab.ts'
import { serverKinds } from '../testing/ssh-servers.ts'
import { KEYROLL_POINTS, type KeyrollPoint, REPLACE_POINTS } from './keyroll-points.ts'

const kinds = serverKinds()
const required = (process.env.REQUIRE ?? '').split(',').includes('sshd')

/**
 * The Rack is killed, really, at every point of a keyroll of real SSH servers, one of which is down.
 * Whatever the point: the Rack that is dead has a key for every server, the one that is started again
 * finishes the roll by itself, and no old key opens anything that is not reported.
 */
describe.skipIf(kinds.length === 0 && !required)('a keyroll that is killed', () => {
  let lab: FarmLab
  beforeAll(async () => {
    lab = await FarmLab.open(kinds)
    await lab.start()
  })
  afterAll(() => lab.close())

  /** Asks for a roll, and kills the Rack when that has come to the point. */
  async function rollAndKill(point: KeyrollPoint, body?: string): Promise<void> {
    const { reached } = await lab.pauseAt(point)
    const lost = lab.ask('POST /instances/keyroll', body).catch(() => undefined)
    await reached
    await lab.kill()
    await lost
  }

  async function nobodyIsLockedOut(): Promise<void> {
    for (const id of lab.farm.ids) {
      if (lab.farm.servers.get(id)?.isUp) expect(await lab.opens(id), id).not.toEqual([])
    }
  }

  async function onlyTheNewestOpens(ids: readonly string[]): Promise<void> {
    await lab.readKeys()
    const newest = Math.max(...lab.keys.keys())
    for (const id of ids) expect(await lab.opens(id), id).toEqual([newest])
  }

  it.each(KEYROLL_POINTS)(
    'at "%s" locks nobody out and is finished by the next start',
    async (point) => {
      const { ids } = lab.farm
      const [down = '', ...up] = ids
      // The last points are reached only when everybody is there.
      const last = ['before a key is destroyed', 'key destroyed', 'finished'].includes(point)
      if (!last) await lab.farm.server(down).stop()
      await rollAndKill(point)
      await nobodyIsLockedOut()

      await lab.start()
      if (point === 'before the seal') {
        expect((await lab.ask('POST /instances/keyroll')).status).toBe(409)
      }
      if (!last) {
        const status = await lab.untilState('unfinished')
        expect(status.detail).toContain(`not finished: ${down}: it is down`)
        const [old] = status['older-generations']
        await onlyTheNewestOpens(up)
        await lab.farm.server(down).start()
        const opening = await lab.opens(down)
        expect([[old], [old, status.generation], [status.generation]]).toContainEqual(opening)
      }
      expect((await lab.untilState('done'))['older-generations']).toEqual([])
      await onlyTheNewestOpens(ids)
    },
  )

  it.each(REPLACE_POINTS)(
    'while it replaces, at "%s", is finished by the next start',
    async (point) => {
      const before = lab.farm.ids
      await rollAndKill(point, 'replace=true')
      await nobodyIsLockedOut()
      await lab.start()
      await lab.untilState('done')
      expect(lab.farm.ids).toHaveLength(before.length)
      expect(lab.farm.ids.filter((id) => before.includes(id))).toEqual([])
      await onlyTheNewestOpens(lab.farm.ids)
    },
  )

  it('leaves no key that was ever in use before able to open anything', async () => {
    const newest = Math.max(...lab.keys.keys())
    expect(lab.keys.size).toBe(newest)
    for (const id of lab.farm.ids) expect(await lab.opens(id, newest)).toEqual([newest])
  })
})
