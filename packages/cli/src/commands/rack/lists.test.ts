import { describe, expect, it } from 'vitest'
import { atRack } from '../../testing/person.ts'

const PROCESS = {
  ...{ app: 'dev', command: 'bin/web\n--all', cpu: 0.1, future: true, id: 'p-1', name: 'web' },
  ...{ release: '20260101000000', started: '2020-01-01T00:00:00Z', status: 'running', ports: [] },
}
const RELEASE = { created: '2020-01-01T00:00:00Z', id: '20260101000000', env: '' }

describe('convox rack ps', () => {
  it('shows a table for people and the list of the server for programs', async () => {
    const { ann, server } = await atRack({
      answer: ({ path }) =>
        path.startsWith('/system/processes') ? { body: [PROCESS] } : undefined,
    })
    const [head, row, end] = (await ann.run(['rack', 'ps'])).stdout.split('\n')
    expect(head?.split(/ +/)).toEqual([
      ...['ID', 'APP', 'SERVICE', 'STATUS', 'RELEASE', 'STARTED', 'COMMAND'],
    ])
    expect(row).toMatch(
      /^p-1 {2}dev {2}web {6}running {2}20260101000000 {2}\d+ days ago {2}bin\/web --all$/,
    )
    expect(end).toBe('')
    expect(server.asked.at(-1)?.path).toBe('/system/processes')
    expect(JSON.parse((await ann.run(['rack', 'ps', '--all', '--json'])).stdout)).toEqual([PROCESS])
    expect(server.asked.at(-1)?.path).toBe('/system/processes?all=true')
    await ann.run(['rack', 'ps', '-a'])
    expect(server.asked.at(-1)?.path).toBe('/system/processes?all=true')
  })
})

describe('convox rack releases', () => {
  it('shows a table for people and the list of the server for programs', async () => {
    const { ann } = await atRack({
      answer: ({ path }) => (path === '/system/releases' ? { body: [RELEASE] } : undefined),
    })
    expect((await ann.run(['rack', 'releases'])).stdout).toMatch(
      /^VERSION {9}UPDATED\n20260101000000 {2}\d+ days ago\n$/,
    )
    expect(JSON.parse((await ann.run(['rack', 'releases', '--json'])).stdout)).toEqual([RELEASE])
  })
})

describe('a list', () => {
  it.each([
    ['ps', '/system/processes'],
    ['releases', '/system/releases'],
  ])('of nothing is a head for people, %s', async (word, wanted) => {
    const { ann } = await atRack({
      answer: ({ path }) => (path === wanted ? { body: null } : undefined),
    })
    expect((await ann.run(['rack', word])).stdout).toMatch(/^[A-Z ]+\n$/)
    expect((await ann.run(['rack', word, '--json'])).stdout).toBe('[]\n')
  })

  it.each(['ps', 'releases'])('that is none is an error, %s', async (word) => {
    const { ann } = await atRack({
      answer: ({ path }) => (path.startsWith('/system/') ? { body: '{"a":1}' } : undefined),
    })
    const ran = await ann.run(['rack', word])
    expect([ran.status, ran.stdout]).toEqual([1, ''])
    expect(ran.stderr).toContain('cannot be understood')
  })
})
