import { readdirSync, readFileSync } from 'node:fs'
import { appendFile, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { KeyrollStatus } from '@keyrack/protocol/resources'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FarmLab } from '../testing/farm-lab.ts'
import { serverKinds } from '../testing/ssh-servers.ts'
import { waitUntil } from '../testing/wait-until.ts'

const kinds = serverKinds()
const required = (process.env.REQUIRE ?? '').split(',').includes('sshd')

const COUNT = 20
const FOREIGN = '# of the people here\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA== ann@example.com'

/** Twenty real servers, OpenSSH and Dropbear by turns, and what can be the matter with one. */
describe.skipIf(kinds.length === 0 && !required)('a keyroll of twenty servers', () => {
  let lab: FarmLab
  beforeAll(async () => {
    lab = await FarmLab.open(kinds)
    await lab.start()
    await lab.ask('PUT /system', `count=${COUNT}`)
    await waitUntil(() => lab.farm.servers.size === COUNT)
    for (const id of lab.farm.ids) {
      const file = fileOf(id)
      await writeFile(file, `${FOREIGN}\n${await readFile(file, 'utf8')}`)
    }
  })
  afterAll(() => lab.close())

  const fileOf = (id: string) => join(lab.farm.server(id).home, '.ssh', 'authorized_keys')
  const problems = ({ instances }: KeyrollStatus) =>
    Object.fromEntries(
      instances.filter(({ problem }) => problem !== '').map(({ id, problem }) => [id, problem]),
    )

  /** Looks where a secret must not be: what was said, what is on the disk, what processes show. */
  async function noPrivateKeyAnywhere(): Promise<void> {
    await lab.readKeys()
    const secrets = lab.secrets()
    const clear = (text: string) => secrets.every((secret) => !text.includes(secret))
    expect(clear([...lab.said, lab.rack.output].join('\n'))).toBe(true)
    for (const { file, bytes } of await lab.files()) {
      // The host keys of the servers are theirs.
      if (!file.endsWith('/host')) expect(bytes.includes('OPENSSH PRIVATE KEY'), file).toBe(false)
      expect(clear(bytes.toString('latin1')), file).toBe(true)
    }
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      for (const what of ['environ', 'cmdline']) {
        expect(clear(read(`/proc/${pid}/${what}`)), `${pid} ${what}`).toBe(true)
      }
    }
  }

  it('is done when all are reached, for two that ask at once, and touches no line of others', async () => {
    const before = await stat(fileOf(lab.farm.ids[0] ?? ''))
    const both = [lab.ask('POST /instances/keyroll'), lab.ask('POST /instances/keyroll?')]
    for (const { status, body } of await Promise.all(both)) {
      expect([status, JSON.parse(body)]).toEqual([200, { success: true }])
    }
    const status = await lab.status()
    expect(status).toMatchObject({ state: 'done', generation: 2, 'older-generations': [] })
    await lab.readKeys()
    for (const id of lab.farm.ids) {
      expect(await lab.opens(id), id).toEqual([2])
      const lines = (await readFile(fileOf(id), 'utf8')).split('\n')
      expect(lines.slice(0, 2).join('\n')).toBe(FOREIGN)
      expect(lines.slice(2)).toEqual([expect.stringMatching(/^ssh-ed25519 \S+ keyrack:2$/), ''])
    }
    const { mode, uid, gid } = await stat(fileOf(lab.farm.ids[0] ?? ''))
    expect({ mode, uid, gid }).toEqual({ mode: before.mode, uid: before.uid, gid: before.gid })
    await noPrivateKeyAnywhere()
  })

  it('names each that it cannot roll, and rolls it by itself when that has ended', async () => {
    const { ids } = lab.farm
    const [down = '', downToo = '', slow = '', slowToo = '', ...rest] = ids
    const [readOnly = '', readOnlyToo = '', otherHostKey = '', lineGone = '', ...more] = rest
    const [altered = '', terminated = ''] = more
    for (const id of [down, downToo]) await lab.farm.server(id).stop()
    for (const id of [slow, slowToo]) await lab.farm.server(id).slowDown(30)
    for (const id of [readOnly, readOnlyToo]) await lab.farm.server(id).setWritable(false)
    await lab.farm.server(otherHostKey).replaceHostKey()
    await writeFile(fileOf(lineGone), `${FOREIGN}\n`)
    const original = await readFile(fileOf(altered), 'utf8')
    await writeFile(fileOf(altered), original.replace('keyrack:2', 'my favourite key'))

    const { reached } = await lab.pauseAt('line added')
    const rolling = lab.ask('POST /instances/keyroll')
    await reached
    expect(JSON.parse((await lab.ask('GET /system')).body).status).toBe('updating')
    await noPrivateKeyAnywhere()
    // Born and replaced while the roll goes on.
    await lab.ask('PUT /system', `count=${COUNT + 1}`)
    expect((await lab.ask(`DELETE /instances/${terminated}`)).status).toBe(200)
    lab.go()

    const { status, body } = await rolling
    expect(status).toBe(409)
    const refused = new Map([
      [down, 'it is down'],
      [downToo, 'it is down'],
      [readOnly, 'authorized_keys cannot be written there (read-only, or no permission)'],
      [readOnlyToo, 'authorized_keys cannot be written there (read-only, or no permission)'],
      [otherHostKey, 'it shows another SSH host key than before'],
      [lineGone, 'it refuses the SSH key of this Rack'],
      [altered, 'generation 2 of the key still opens it; look for its line in authorized_keys'],
    ])
    for (const [id, problem] of refused)
      expect(JSON.parse(body).error).toContain(`${id}: ${problem}`)
    const left = await lab.status()
    expect(problems(left)).toEqual(Object.fromEntries(refused))
    expect(left).toMatchObject({ state: 'unfinished', generation: 3, 'older-generations': [2] })
    expect(JSON.parse((await lab.ask('GET /system')).body).status).toBe('running')

    await lab.readKeys()
    expect(lab.farm.ids).toHaveLength(COUNT + 1)
    for (const id of lab.farm.ids.filter((one) => !refused.has(one))) {
      expect(await lab.opens(id), id).toEqual([3])
    }
    // Whoever is not reported with an old key has none; whoever is can still be rolled.
    for (const id of [readOnly, readOnlyToo]) expect(await lab.opens(id)).toEqual([2])
    expect(await lab.opens(altered)).toEqual([2, 3])

    for (const line of [`POST /instances/${down}/rekey`, `GET /instances/${down}/host-key`]) {
      const said = await lab.ask(line)
      expect(said.status).toBe(502)
      expect(JSON.parse(said.body).error).toContain(`instance ${down} cannot be reached`)
    }

    for (const id of [down, downToo]) await lab.farm.server(id).start()
    for (const id of [readOnly, readOnlyToo]) await lab.farm.server(id).setWritable(true)
    await writeFile(
      fileOf(altered),
      (await readFile(fileOf(altered), 'utf8')).replace(/^.*favourite key\n/m, ''),
    )
    await waitUntil(async () => Object.keys(problems(await lab.status())).length === 2)

    const shown = JSON.parse((await lab.ask(`GET /instances/${otherHostKey}/host-key`)).body)
    expect(shown.shown).toMatch(/^SHA256:\S{43}$/)
    expect(shown.shown).not.toBe(shown.recorded)
    const wrong = await lab.ask(
      `POST /instances/${otherHostKey}/trust`,
      `fingerprint=${encodeURIComponent(shown.recorded)}`,
    )
    expect(wrong.status).toBe(409)
    const trusted = await lab.ask(
      `POST /instances/${otherHostKey}/trust`,
      `fingerprint=${encodeURIComponent(shown.shown)}`,
    )
    expect(JSON.parse(trusted.body)).toEqual({ success: true })

    expect((await lab.ask(`POST /instances/${lineGone}/rekey`)).status).toBe(502)
    const paste = JSON.parse((await lab.ask(`GET /instances/${lineGone}/authorized-keys`)).body)
    expect(paste).toMatchObject({ id: lineGone, user: 'keyrack' })
    // Somebody may paste it over again, without an end of the line.
    await appendFile(fileOf(lineGone), `${paste.lines[0]}`)
    const rekeyed = await lab.ask(`POST /instances/${lineGone}/rekey`)
    expect(JSON.parse(rekeyed.body)).toEqual({ success: true, generation: 3 })

    expect((await lab.untilState('done'))['older-generations']).toEqual([])
    for (const id of lab.farm.ids) expect(await lab.opens(id), id).toEqual([3])
    await noPrivateKeyAnywhere()
  })

  it('may be followed by another while one is down, which then gets the newest only', async () => {
    const [down = '', ...others] = lab.farm.ids
    await lab.farm.server(down).stop()
    for (const generation of [4, 5]) {
      expect((await lab.ask('POST /instances/keyroll')).status).toBe(409)
      expect(await lab.status()).toMatchObject({ state: 'unfinished', generation })
    }
    // Generation 4 was nowhere but where 5 is now.
    expect((await lab.status())['older-generations']).toEqual([3])
    await lab.readKeys()
    await lab.farm.server(down).start()
    await lab.untilState('done')
    for (const id of [down, ...others.slice(0, 3)]) expect(await lab.opens(id), id).toEqual([5])
  })

  it('removes nothing where the new key does not log in', async () => {
    const id = lab.farm.ids.find((one) => lab.farm.server(one).kind === 'sshd') ?? ''
    const server = lab.farm.server(id)
    await server.believeCopy()
    const { status, body } = await lab.ask('POST /instances/keyroll')
    expect(status).toBe(409)
    const problem = 'the new key was added there and is refused, so the old one stays'
    expect(JSON.parse(body).error).toContain(`not finished: ${id}: ${problem};`)
    expect((await server.authorizedKeys).match(/keyrack:\d+$/gm)).toEqual([
      'keyrack:5',
      'keyrack:6',
    ])
    await lab.readKeys()
    expect(await lab.opens(id)).toEqual([5])
    await server.believeFileAgain()
    await lab.untilState('done')
    expect(await lab.opens(id)).toEqual([6])
  })

  it('does not wait for one that will never come back', async () => {
    const [gone = ''] = lab.farm.ids
    await lab.farm.server(gone).stop()
    expect((await lab.ask('POST /instances/keyroll')).status).toBe(409)
    expect((await lab.ask(`DELETE /instances/${gone}`)).status).toBe(200)
    const status = await lab.untilState('done')
    expect(status.instances.map(({ id }) => id)).not.toContain(gone)
    expect(status['older-generations']).toEqual([])
  })

  it('with every server down loses nothing', async () => {
    const servers = [...lab.farm.servers.values()]
    await Promise.all(servers.map((server) => server.stop()))
    const { status, body } = await lab.ask('POST /instances/keyroll')
    expect(status).toBe(409)
    expect(JSON.parse(body).error).toMatch(/not finished: (i-\S+ it is down; ){10}and 11 more;/)
    await Promise.all(servers.map((server) => server.start()))
    await lab.untilState('done')
    await lab.readKeys()
    const newest = Math.max(...lab.keys.keys())
    for (const id of lab.farm.ids) expect(await lab.opens(id, newest), id).toEqual([newest])
  })
})

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    // The process has ended, or is somebody else's.
    return ''
  }
}
