import { describe, expect, it } from 'vitest'
import { atRack } from '../../testing/person.ts'
import { type Asked, SYSTEM } from '../../testing/test-server.ts'

const answer = ({ method, path }: Asked) => {
  if (path !== '/system') return undefined
  return { body: method === 'GET' ? { ...SYSTEM, type: 't3.small' } : 'ok\n' }
}

describe('convox rack scale', () => {
  it('shows what there is', async () => {
    const { ann, server } = await atRack({ answer })
    expect((await ann.run(['rack', 'scale'])).stdout).toBe(
      'Count   3\nStatus  running\nType    t3.small\n',
    )
    expect(server.asked.at(-1)?.method).toBe('GET')
  })

  it('shows it to programs as JSON, and never changes anything then', async () => {
    const { ann, server } = await atRack({ answer })
    const json = await ann.run(['rack', 'scale', '--json'])
    expect([json.status, JSON.parse(json.stdout)]).toEqual([
      0,
      { count: 3, type: 't3.small', status: 'running', autoscale: '' },
    ])
    const before = server.asked.length
    for (const more of [['--count', '4'], ['--type', 't3.large'], ['--wait']]) {
      const ran = await ann.run(['rack', 'scale', '--json', ...more])
      expect([ran.status, ran.stderr]).toEqual([
        2,
        'ERROR: --json shows what there is and changes nothing; give it alone\n',
      ])
    }
    expect(server.asked).toHaveLength(before)
  })

  it.each([
    [['--count', '4'], 'count=4'],
    [['--count=0'], 'count=0'],
    [['--type', 't3.large'], 'type=t3.large'],
    [['--count', '4', '--type', 't3.large'], 'count=4&type=t3.large'],
  ])('with %j sends %s', async (options, body) => {
    const { ann, server } = await atRack({ answer })
    const ran = await ann.run(['rack', 'scale', ...options])
    expect(ran).toEqual({ status: 0, stdout: '', stderr: 'Scaling the Rack... OK\n' })
    expect(server.asked.at(-1)).toMatchObject({ method: 'PUT', path: '/system', body })
  })

  it.each([
    ['--count', 'many'],
    ['--count', '-1'],
    ['--count', '1.5'],
    ['--count', ''],
    ['--count', '9999999999'],
    ['--type', ''],
    ['--type', 'a b'],
    ['--type', 'a\nb'],
    ['4'],
  ])('refuses %j %j before anything is sent', async (...options) => {
    const { ann, server } = await atRack({ answer })
    const before = server.asked.length
    expect((await ann.run(['rack', 'scale', ...options])).status).toBe(2)
    expect(server.asked).toHaveLength(before)
  })
})
