import { describe, expect, it } from 'vitest'
import { atRack } from '../../testing/person.ts'

describe('convox api get', () => {
  it('prints JSON as JSON, whatever the server calls it', async () => {
    const { ann, server } = await atRack({
      answer: ({ path }) =>
        path === '/system/x?a=b%20c' ? { body: '[1,{"b":"\\u001b"}]' } : undefined,
    })
    const ran = await ann.run(['api', 'get', '/system/x?a=b%20c'])
    expect(ran).toEqual({
      status: 0,
      stdout: '[\n  1,\n  {\n    "b": "\\u001b"\n  }\n]\n',
      stderr: '',
    })
    expect(server.asked.at(-1)?.headers.rack).toBe('acme/dev')
  })

  it('prints text as text, safe for a terminal, and nothing for nothing', async () => {
    const texts: Record<string, string> = { '/check': 'ok\n', '/esc': 'a\u001b[2J', '/empty': '' }
    const { ann } = await atRack({
      answer: ({ path }) => (path in texts ? { body: texts[path] } : undefined),
    })
    expect((await ann.run(['api', 'get', 'check'])).stdout).toBe('ok\n')
    expect((await ann.run(['api', 'get', '/esc'])).stdout).toBe('a\uFFFD[2J\n')
    expect(await ann.run(['api', 'get', '/empty'])).toEqual({ status: 0, stdout: '', stderr: '' })
  })

  it('passes the text of a refusal on', async () => {
    const { ann } = await atRack({})
    const ran = await ann.run(['api', 'get', '/nope'])
    expect([ran.status, ran.stdout]).toEqual([1, ''])
    expect(ran.stderr).toBe('ERROR: there is no such instance\n')
  })

  it.each(['//system', '/a/../system', '/%73ystem', '/a b', '/a\nb', '/grün', '', 'https://x/'])(
    'refuses the path %j before anything is sent',
    async (path) => {
      const { ann, server } = await atRack({})
      const before = server.asked.length
      const ran = await ann.run(['api', 'get', path])
      expect(ran.status).toBe(2)
      expect(server.asked).toHaveLength(before)
    },
  )
})
