import { describe, expect, it } from 'vitest'
import { KEY, logIn, newConsole, newPerson } from '../../testing/person.ts'

describe('convox auth token', () => {
  it('prints the key of the active host, or of the one that is named, and asks no server', async () => {
    const [ann, first, second] = [newPerson(), await newConsole(), await newConsole()]
    second.state.keys.set('the-key-of-the-second', 'ann@example.com')
    await logIn(ann, second, 'the-key-of-the-second')
    await logIn(ann, first)
    const asked = first.asked.length + second.asked.length
    expect(await ann.run(['auth', 'token'])).toEqual({ status: 0, stdout: `${KEY}\n`, stderr: '' })
    for (const args of [[second.host], ['--host', second.host]]) {
      const ran = await ann.run(['auth', 'token', ...args])
      expect(ran).toEqual({ status: 0, stdout: 'the-key-of-the-second\n', stderr: '' })
    }
    // What commands would use is what is printed.
    const env = { CONVOX_PASSWORD: 'of-the-environment' }
    expect((await ann.run(['auth', 'token'], { env })).stdout).toBe('of-the-environment\n')
    expect(first.asked.length + second.asked.length).toBe(asked)
  })

  it('warns where the key is seen on a screen', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    await logIn(ann, server)
    const { shown, status } = await ann.sit(['auth', 'token']).ended
    expect(status).toBe(0)
    expect(shown).toContain(`WARNING: the key for ${server.host} is on your screen now`)
    expect(shown).toContain(KEY)
  })

  it('says which login is missing, and what is wrong with the line', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    expect(await ann.run(['auth', 'token'])).toMatchObject({ status: 4, stdout: '' })
    await logIn(ann, server)
    const other = await ann.run(['auth', 'token', 'other.example.com'])
    expect([other.status, other.stderr]).toEqual([
      4,
      'ERROR: not logged in to other.example.com; run: convox login other.example.com\n',
    ])
    for (const args of [['a', '--host', 'b'], ['a b'], ['a', 'b'], ['']]) {
      expect(await ann.run(['auth', 'token', ...args])).toMatchObject({ status: 2, stdout: '' })
    }
    expect((await ann.run(['auth', 'tokne'])).stderr).toContain('did you mean: convox auth token')
  })
})
