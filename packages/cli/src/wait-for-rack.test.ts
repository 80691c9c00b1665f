import { describe, expect, it } from 'vitest'
import { atRack } from './testing/person.ts'
import { SYSTEM, type Told } from './testing/test-server.ts'

/** A Rack that says one after the other, and the last one for ever. */
function saying(...statuses: (string | Told)[]) {
  let next = 0
  const asked: (string | Told)[] = []
  return {
    asked,
    answer: ({ path, method }: { path: string; method: string }): Told | undefined => {
      if (path !== '/system') return undefined
      if (method === 'PUT') return { body: 'ok\n' }
      const said = statuses[Math.min(next++, statuses.length - 1)] ?? ''
      asked.push(said)
      return typeof said === 'string' ? { body: { ...SYSTEM, status: said } } : said
    },
  }
}

describe('convox rack wait', () => {
  it('ends when the Rack has said twice in a row that it runs', async () => {
    const rack = saying('running', 'updating', 'running', 'running')
    const { ann } = await atRack(rack)
    expect(await ann.run(['rack', 'wait'])).toEqual({
      status: 0,
      stdout: '',
      stderr: 'Waiting for the Rack... OK\n',
    })
    expect(rack.asked).toHaveLength(4)
  })

  it('forgives one failure, and not two in a row', async () => {
    const away = { status: 503, body: { error: 'the Rack is stopping' } }
    const once = await atRack(saying(away, 'running', away, 'running', 'running'))
    expect((await once.ann.run(['rack', 'wait'])).status).toBe(0)
    const twice = await atRack(saying('updating', away, away))
    const ran = await twice.ann.run(['rack', 'wait'])
    expect(ran.status).toBe(1)
    expect(ran.stderr).toContain('ERROR: the Rack is stopping')
  })

  it.each(['rollback', 'failed', 'deleting'])('fails when the status is %s', async (status) => {
    const { ann } = await atRack(saying(status))
    const ran = await ann.run(['rack', 'wait'])
    expect(ran.status).toBe(1)
    expect(ran.stderr).toBe(
      `Waiting for the Rack... failed\nERROR: the status of the Rack is ${status}; see why: convox rack logs\n`,
    )
  })

  it.each([
    [['rack', 'scale', '--count', '4', '--wait'], 'Scaling the Rack'],
    [['rack', 'params', 'set', 'A=1', '--wait'], 'Updating parameters'],
  ])('is what --wait does: convox %j', async (args, label) => {
    const { ann } = await atRack(saying('running'))
    const ran = await ann.run(args)
    expect([ran.status, ran.stderr]).toEqual([0, `${label}... OK\nWaiting for the Rack... OK\n`])
  })
})
