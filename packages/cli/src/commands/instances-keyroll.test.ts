import { describe, expect, it } from 'vitest'
import { atRack } from '../testing/person.ts'
import type { Asked, Told } from '../testing/test-server.ts'

const ERROR_409 = {
  error: 'the new SSH key is in use, and the keyroll is not finished',
  code: 'conflict',
}

function statusOf(state: string, instances: object[], id = 'roll-2') {
  return {
    ...{ id, state, mode: 'in-place', generation: 2, detail: '', 'older-generations': [1] },
    ...{ started: '2026-11-01T00:00:00Z', finished: '', instances },
  }
}
const DONE = (id: string) => ({ id, state: 'done', problem: '' })
const DOWN = (id: string) => ({ id, state: 'adding', problem: 'it is down' })

/** A Rack whose keyroll tells the given states one after the other; the last one stays. */
function keyrollThat(posted: Told, ...told: object[]) {
  const left = [...told]
  return ({ method, path }: Asked): Told | undefined => {
    if (path !== '/instances/keyroll') return undefined
    if (method === 'POST') return posted
    return { body: left.length > 1 ? left.shift() : left[0] }
  }
}

describe('convox instances keyroll', () => {
  it('tells each instance as it is done, and OK at the end', async () => {
    const old = statusOf('done', [DONE('i-9')], 'roll-1')
    const { ann, server } = await atRack({
      answer: keyrollThat(
        { body: { success: true } },
        old,
        statusOf('done', [DONE('i-1'), DONE('i-2')]),
      ),
    })
    const ran = await ann.run(['instances', 'keyroll'])
    expect(ran).toEqual({
      status: 0,
      stdout: '',
      stderr: 'i-1: done\ni-2: done\nRolling instance key... OK\n',
    })
    const [posted] = server.asked.filter(({ method }) => method === 'POST')
    expect([posted?.path, posted?.body]).toEqual(['/instances/keyroll', ''])
  })

  it('asks for replacement where that is wanted, and prints JSON for programs', async () => {
    const done = statusOf('done', [DONE('i-1')])
    const { ann, server } = await atRack({
      answer: keyrollThat({ body: { success: true } }, statusOf('none', [], ''), done),
    })
    const ran = await ann.run(['instances', 'keyroll', '--replace', '--json'])
    expect([ran.status, JSON.parse(ran.stdout)]).toEqual([0, done])
    expect(server.asked.find(({ method }) => method === 'POST')?.body).toBe('replace=true')
  })

  it('fails and names who is down, and what brings it to an end', async () => {
    const left = {
      ...statusOf('unfinished', [DONE('i-1'), DOWN('i-3')]),
      detail: 'not finished: i-3: it is down',
    }
    const { ann } = await atRack({
      answer: keyrollThat({ status: 409, body: ERROR_409 }, statusOf('none', [], ''), left),
    })
    const ran = await ann.run(['instances', 'keyroll'])
    expect([ran.status, ran.stdout]).toEqual([1, ''])
    expect(ran.stderr).toBe(
      'i-1: done\ni-3: it is down\n' +
        'ERROR: the new SSH key is in use, and the keyroll is not finished: i-3: it is down; ' +
        'an instance is rolled by itself when it can be reached again; see: convox instances keyroll status\n',
    )
  })

  it('with --wait goes on until those that were down are done, too', async () => {
    const left = statusOf('unfinished', [DONE('i-1'), DOWN('i-3')])
    const done = statusOf('done', [DONE('i-1'), DONE('i-3')])
    const { ann } = await atRack({
      answer: keyrollThat({ status: 409, body: ERROR_409 }, statusOf('none', [], ''), left, done),
    })
    const ran = await ann.run(['instances', 'keyroll', '--wait'])
    expect(ran.status).toBe(0)
    expect(ran.stderr).toBe('i-1: done\ni-3: it is down\ni-3: done\nRolling instance key... OK\n')
  })

  it('follows a roll that takes longer than its answer', async () => {
    const going = statusOf('running', [DONE('i-1'), { id: 'i-2', state: 'waiting', problem: '' }])
    const posted = { status: 504, body: { error: 'still going on', code: 'timeout' } }
    const { ann } = await atRack({
      answer: keyrollThat(
        posted,
        statusOf('none', [], ''),
        going,
        statusOf('done', [DONE('i-1'), DONE('i-2')]),
      ),
    })
    const ran = await ann.run(['instances', 'keyroll'])
    expect([ran.status, ran.stderr]).toEqual([
      0,
      'i-1: done\ni-2: done\nRolling instance key... OK\n',
    ])
  })

  it('takes what official Racks answer, who do not tell how far they are', async () => {
    const answer = ({ method, path }: Asked): Told | undefined => {
      if (path === '/system') return { body: { name: 'dev', status: 'running' } }
      if (path !== '/instances/keyroll') return undefined
      return method === 'POST' ? { body: 'ok\n' } : { status: 404 }
    }
    const { ann } = await atRack({ answer })
    expect(await ann.run(['instances', 'keyroll'])).toEqual({
      status: 0,
      stdout: '',
      stderr: 'Rolling instance key... OK\n',
    })
    const waited = await ann.run(['instances', 'keyroll', '--wait'])
    expect([waited.status, waited.stderr]).toEqual([
      0,
      'Waiting for the Rack... OK\nRolling instance key... OK\n',
    ])
    const status = await ann.run(['instances', 'keyroll', 'status'])
    expect([status.status, status.stderr]).toEqual([
      1,
      'ERROR: this Rack does not tell how far a keyroll is; see: convox rack\n',
    ])
  })

  it('shows the private key that a Rack of the third generation answers, and tells it the name', async () => {
    const pair = {
      name: 'dev-keypair-17',
      'private-key': '-----BEGIN KEY-----\nabc\n-----END KEY-----\n',
    }
    const answer = ({ method, path }: Asked): Told | undefined => {
      if (path === '/system') return { body: method === 'PUT' ? 'ok' : { name: 'dev' } }
      if (path !== '/instances/keyroll') return undefined
      return method === 'POST' ? { body: pair } : { status: 404 }
    }
    const { ann, server } = await atRack({ answer })
    const ran = await ann.run(['instances', 'keyroll'])
    expect([ran.status, ran.stdout]).toEqual([0, pair['private-key']])
    expect(ran.stderr).toContain('save it now')
    const put = server.asked.find(({ method }) => method === 'PUT')
    expect([put?.path, put?.body]).toEqual([
      '/system',
      `parameters=${encodeURIComponent('key_pair_name=dev-keypair-17')}`,
    ])
  })

  it('is not OK when it was refused', async () => {
    const forbidden = { status: 403, body: { error: 'your role does not allow that' } }
    const { ann } = await atRack({ answer: keyrollThat(forbidden, statusOf('done', [])) })
    const ran = await ann.run(['instances', 'keyroll'])
    expect([ran.status, ran.stderr]).toEqual([1, 'ERROR: your role does not allow that\n'])
  })
})

describe('convox instances keyroll status', () => {
  it('shows facts and instances, for people and for programs', async () => {
    const left = statusOf('unfinished', [DONE('i-1'), DOWN('i-\u001b[2J3')])
    const { ann } = await atRack({ answer: keyrollThat({}, left) })
    const { stdout } = await ann.run(['instances', 'keyroll', 'status'])
    expect(stdout).toMatch(/^State {7}unfinished\nGeneration {2}2\nMode {8}in-place\nStarted .*\n/)
    expect(stdout).toContain('Older keys  1\n\nID')
    expect(stdout).toMatch(/\ni-1 +done\ni-\S*\[2J3 +adding +it is down\n$/)
    expect(stdout).not.toContain('\u001b')
    const json = await ann.run(['instances', 'keyroll', 'status', '--json'])
    expect(JSON.parse(json.stdout)).toEqual(left)
  })
})

const OLD = `SHA256:${'a'.repeat(43)}`
const NEW = `SHA256:${'b'.repeat(43)}`

describe('convox instances trust', () => {
  const answer = ({ method, path }: Asked): Told | undefined => {
    if (path === '/instances/i-1/host-key')
      return { body: { id: 'i-1', recorded: OLD, shown: NEW } }
    if (path === '/instances/i-2/host-key')
      return { body: { id: 'i-2', recorded: OLD, shown: OLD } }
    return method === 'POST' ? { body: { success: true } } : undefined
  }
  const shown = `recorded: ${OLD}\nshown:    ${NEW}\n`

  it('shows both fingerprints, and accepts when the id has been typed', async () => {
    const { ann, server } = await atRack({ answer })
    const terminal = ann.sit(['instances', 'trust', 'i-1'])
    await terminal.shows('to accept what it shows: ')
    terminal.type('i-1\r')
    expect((await terminal.ended).status).toBe(0)
    const sent = server.asked.at(-1)
    expect([sent?.method, sent?.path]).toEqual(['POST', '/instances/i-1/trust'])
    expect(new URLSearchParams(sent?.body).get('fingerprint')).toBe(NEW)
  })

  it('accepts nothing for another word, without a terminal, or for another fingerprint', async () => {
    const { ann, server } = await atRack({ answer })
    const terminal = ann.sit(['instances', 'trust', 'i-1'])
    await terminal.shows('to accept what it shows: ')
    terminal.type('y\r')
    expect((await terminal.ended).status).toBe(1)
    const alone = await ann.run(['instances', 'trust', 'i-1'])
    expect([alone.status, alone.stderr]).toEqual([
      1,
      `${shown}ERROR: somebody has to compare that, and there is no terminal to ask at; ` +
        `if it is right: convox instances trust i-1 --fingerprint ${NEW}\n`,
    ])
    expect((await ann.run(['instances', 'trust', 'i-1', '--fingerprint', OLD])).status).toBe(1)
    for (const bad of ['', 'SHA256:', 'MD5:00', `${NEW}=`, 'b'.repeat(43)]) {
      const { status } = await ann.run(['instances', 'trust', 'i-1', `--fingerprint=${bad}`])
      expect(status).toBe(2)
    }
    expect(server.asked.filter(({ method }) => method === 'POST')).toEqual([])
  })

  it.each([['--force'], [`--fingerprint=${NEW}`]])('asks nobody with %s', async (option) => {
    const { ann } = await atRack({ answer })
    expect(await ann.run(['instances', 'trust', 'i-1', option])).toEqual({
      status: 0,
      stdout: '',
      stderr: `${shown}Accepting the host key of i-1... OK\n`,
    })
  })

  it('has nothing to do for a host key that is recorded', async () => {
    const { ann, server } = await atRack({ answer })
    expect((await ann.run(['instances', 'trust', 'i-2'])).status).toBe(0)
    expect(server.asked.filter(({ method }) => method === 'POST')).toEqual([])
  })
})

describe('convox instances rekey', () => {
  const lines = ['ssh-ed25519 AAAA keyrack:3']
  const refused = { status: 502, body: { error: 'instance i-1 refuses it', code: 'rack-broken' } }
  function rackThat(...checks: Told[]) {
    return ({ method, path }: Asked): Told | undefined => {
      if (path === '/instances/i-1/authorized-keys')
        return { body: { id: 'i-1', user: 'admin', lines } }
      return method === 'POST' && path === '/instances/i-1/rekey' ? checks.shift() : undefined
    }
  }

  it('prints the line to stdout alone, and tells that the Rack logs in', async () => {
    const { ann } = await atRack({ answer: rackThat({ body: { success: true, generation: 3 } }) })
    expect(await ann.run(['instances', 'rekey', 'i-1'])).toEqual({
      status: 0,
      stdout: `${lines[0]}\n`,
      stderr: '~/.ssh/authorized_keys of admin on i-1 has to hold:\nLogging in with it... OK\n',
    })
  })

  it('waits at a terminal until the line is there, and fails without one', async () => {
    const { ann } = await atRack({
      answer: rackThat(refused, refused, { body: { success: true } }),
    })
    expect((await ann.run(['instances', 'rekey', 'i-1'])).status).toBe(1)
    const terminal = ann.sit(['instances', 'rekey', 'i-1'])
    await terminal.shows('press Enter: ')
    terminal.type('\r')
    expect((await terminal.ended).status).toBe(0)
  })
})
