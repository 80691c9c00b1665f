import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createClient } from '@keyrack/protocol/client'
import { hashApiKey, mintApiKey, type Secret, seal } from '@keyrack/secrets'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { RackEntry } from '../directory.ts'
import { entry, founder, openDomain, REQUEST, type TestDomain } from '../testing/console-domain.ts'
import { eventually, isAlive } from '../testing/eventually.ts'
import { LocalRack, type LocalRackOptions } from './local-rack.ts'
import { localRackFolder, localRackRow } from './local-rack-row.ts'
import { openRackKey, rackKeyContext } from './open-rack-key.ts'

const read = (path: string): string => readFileSync(path, 'utf8')

async function prepare(domain: TestDomain, changes: Partial<LocalRackOptions> = {}) {
  const { config, keyring } = domain
  const row = await localRackRow(domain, keyring, config.dataDir)
  const rack = new LocalRack({ domain, keyring, config, row, ...changes })
  onTestFinished(() => rack.stop())
  return { row, rack }
}

async function onlyRack(domain: TestDomain, accountId: string): Promise<RackEntry> {
  const [rack] = domain.directory.racksOf(entry(domain, accountId))
  if (rack === undefined) throw new TypeError('no Rack is listed')
  return rack
}

function ask(rack: RackEntry, password: Secret) {
  const client = createClient({ url: rack.url, pin: rack.pin, password, version: 'test' })
  return client.request('GET', '/auth')
}

function pidOf(rack: LocalRack): number {
  if (rack.pid === undefined) throw new TypeError('no process')
  return rack.pid
}

/** A program that is started in the Rack's place, for what a Rack that works never does. */
function program(domain: TestDomain, text: string): string {
  const file = join(domain.config.dataDir, 'program.mjs')
  writeFileSync(file, text)
  return file
}

describe('the local Rack', () => {
  it('runs, pinned, with a key that only this Console can open and that the Rack accepts', async () => {
    const domain = await openDomain()
    const { rack } = await prepare(domain)
    await rack.start()
    const ada = await founder(domain)
    const listed = await onlyRack(domain, ada.id)
    expect(listed).toMatchObject({ name: 'dev', local: true, status: 'running', provider: 'local' })
    expect(listed.version).toMatch(/^\d{14}$/)
    const key = openRackKey(domain.keyring, listed)
    expect((await ask(listed, key)).status).toBe(200)
    await expect(ask(listed, mintApiKey('rack'))).rejects.toMatchObject({ code: 'unauthenticated' })
    expect(domain.lines.join('')).not.toContain(key.reveal())
  })

  it('gets the hash of its key and harmless variables, never the key or a path of ours', async () => {
    const domain = await openDomain(undefined, {
      env: { AWS_SECRET_ACCESS_KEY: 'not-for-children', LANG: 'C' },
    })
    const { row, rack } = await prepare(domain)
    await rack.start()
    const environment = read(`/proc/${pidOf(rack)}/environ`)
      .split('\0')
      .filter(Boolean)
    const names = environment.map((line) => line.split('=', 1)[0]).sort()
    expect(names).toEqual([
      ...['DATA_DIR', 'LANG', 'LOG_LEVEL', 'NODE_CHANNEL_FD', 'NODE_CHANNEL_SERIALIZATION_MODE'],
      ...['PATH', 'RACK_KEY_HASH', 'RACK_NAME'],
    ])
    const key = openRackKey(domain.keyring, row)
    expect(environment).toContain(`RACK_KEY_HASH=${hashApiKey(key)}`)
    const visible = [...environment, read(`/proc/${pidOf(rack)}/cmdline`)].join('\n')
    expect(visible).not.toContain(key.reveal())
  })

  it('is started again when it dies, at the same address with the same certificate', async () => {
    const domain = await openDomain()
    const { rack } = await prepare(domain)
    await rack.start()
    const ada = await founder(domain)
    const before = await onlyRack(domain, ada.id)
    const first = pidOf(rack)
    process.kill(first, 'SIGKILL')
    await eventually('another process', () => rack.pid !== first)
    await eventually(
      'running again',
      async () => (await onlyRack(domain, ada.id)).status === 'running',
    )
    expect(await onlyRack(domain, ada.id)).toEqual(before)
    expect((await ask(before, openRackKey(domain.keyring, before))).status).toBe(200)
  })

  it('takes nothing else down when its sealed key does not open', async () => {
    const domain = await openDomain()
    const { row } = await prepare(domain)
    const damaged = { key_version: row.keyVersion + 1 }
    await domain.commit((tx) => tx.updateTable('racks').set(damaged).execute())
    const { config, keyring } = domain
    const rack = new LocalRack({ domain, keyring, config, row })
    await rack.start()
    const ada = await founder(domain)
    expect((await onlyRack(domain, ada.id)).status).toBe('unreachable')
    expect(domain.lines.join('')).toContain('the local Rack could not be started')
    await rack.stop()
    expect(rack.pid).toBeUndefined()
  })

  it('is started again with the key it has been rolled to', async () => {
    const domain = await openDomain()
    const { rack } = await prepare(domain)
    await rack.start()
    const ada = await founder(domain)
    const before = openRackKey(domain.keyring, await onlyRack(domain, ada.id))
    const name = { organization: 'acme', name: 'dev' }
    const { roll } = await domain.rolls.roll(entry(domain, ada.id), name, 0, REQUEST)
    await eventually('the end of the roll', async () => {
      const report = await domain.rolls.report(entry(domain, ada.id), name)
      return report.roll?.id === roll.id && report.roll.state === 'done'
    })
    onTestFinished(() => domain.rolls.stop())
    const pid = pidOf(rack)
    process.kill(pid, 'SIGKILL')
    await eventually('another run', async () => {
      const { status } = await onlyRack(domain, ada.id)
      return rack.pid !== pid && status === 'running'
    })
    const listed = await onlyRack(domain, ada.id)
    expect((await ask(listed, openRackKey(domain.keyring, listed))).status).toBe(200)
    await expect(ask(listed, before)).rejects.toMatchObject({ code: 'unauthenticated' })
  })

  it('keeps its key and its row over a restart of the Console', async () => {
    const domain = await openDomain()
    const { row, rack } = await prepare(domain)
    await rack.start()
    const ada = await founder(domain)
    await rack.stop()
    await domain.close()
    const again = await openDomain(domain.config.dataDir)
    const next = await prepare(again)
    expect(next.row).toMatchObject({ id: row.id, sealedKey: row.sealedKey })
    await next.rack.start()
    expect(await onlyRack(again, ada.id)).toMatchObject({ id: row.id, status: 'running' })
  })

  it('is gone when stop resolves, and stays gone', async () => {
    const domain = await openDomain()
    const { rack } = await prepare(domain)
    await rack.start()
    const pid = pidOf(rack)
    await rack.stop()
    expect(isAlive(pid)).toBe(false)
    expect(rack.pid).toBe(pid)
  })

  it('whose RACK_PORT is taken says so, naming the variable', async () => {
    const holder = await openDomain()
    const first = await prepare(holder)
    await first.rack.start()
    const ada = await founder(holder)
    const port = new URL((await onlyRack(holder, ada.id)).url).port
    const domain = await openDomain(undefined, { env: { RACK_PORT: port } })
    const { rack } = await prepare(domain)
    await expect(rack.start()).rejects.toThrow('RACK_PORT')
  })

  it('that refuses our key is shown as failed, and the log says what to do', async () => {
    const domain = await openDomain()
    const first = await prepare(domain)
    await first.rack.start()
    const ada = await founder(domain)
    await first.rack.stop()
    const other = seal(domain.keyring, mintApiKey('rack'), rackKeyContext(first.row.id, 1))
    await domain.commit((tx) => tx.updateTable('racks').set({ sealed_key: other }).execute())
    const second = await prepare(domain)
    await second.rack.start()
    expect((await onlyRack(domain, ada.id)).status).toBe('failed')
    const log = domain.lines.join('')
    expect(log).toContain('refuses the key this Console has for it')
    expect(log).toContain(localRackFolder(domain.config.dataDir))
  })

  it('whose folder is there without a key of ours is left alone, with the way out named', async () => {
    const domain = await openDomain()
    const { config, keyring } = domain
    mkdirSync(localRackFolder(config.dataDir), { recursive: true })
    await expect(localRackRow(domain, keyring, config.dataDir)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(localRackFolder(config.dataDir)),
      hint: expect.stringContaining('DATA_DIR'),
    })
    expect(await domain.store.db.selectFrom('racks').selectAll().execute()).toEqual([])
  })

  it('made after the first account belongs to its organization at once', async () => {
    const domain = await openDomain()
    const ada = await founder(domain)
    await localRackRow(domain, domain.keyring, domain.config.dataDir)
    expect(await onlyRack(domain, ada.id)).toMatchObject({
      organization: ada.organization,
      status: 'unreachable',
    })
  })
})

describe('a Rack that does not start', () => {
  it('keeps nobody waiting: silence ends in a line that says so', async () => {
    const domain = await openDomain()
    const silent = program(domain, 'setInterval(() => {}, 1000)')
    const { rack } = await prepare(domain, { program: silent, firstWordMs: 200 })
    await rack.start()
    expect(domain.lines.join('')).toContain('did not become ready')
  })

  it('that ends by itself is tried again', async () => {
    const domain = await openDomain()
    const ends = program(domain, 'process.exit(7)')
    const { rack } = await prepare(domain, { program: ends })
    await rack.start()
    const first = rack.pid
    expect(domain.lines.join('')).toContain('exit code 7')
    await eventually('a second try', () => rack.pid !== first)
  })

  it('and says why has its reason passed on', async () => {
    const domain = await openDomain()
    const text = `process.send({ type: 'failed', message: 'the moon is full' }, () => process.exit(1))`
    const { rack } = await prepare(domain, { program: program(domain, text) })
    await rack.start()
    expect(domain.lines.join('')).toContain('the moon is full')
  })

  it.each([
    [
      'another machine',
      `{ type: 'ready', url: 'https://192.0.2.1:443', fingerprint: 'ab'.repeat(32) }`,
    ],
    ['no certificate', `{ type: 'ready', url: 'https://127.0.0.1:1', fingerprint: '' }`],
    ['nonsense', `{ ready: true }`],
  ])('but claims to be ready with %s is not believed', async (_what, message) => {
    const domain = await openDomain()
    const text = `process.send(${message}); setInterval(() => {}, 1000)`
    const { row, rack } = await prepare(domain, {
      program: program(domain, text),
      firstWordMs: 200,
    })
    await rack.start()
    const stored = await domain.store.db.selectFrom('racks').select(['id', 'url']).execute()
    expect(stored).toEqual([{ id: row.id, url: null }])
  })

  it('and ignores the request to stop is killed after the grace', async () => {
    const domain = await openDomain()
    const text = `process.on('SIGTERM', () => {}); process.send({ type: 'failed', message: 'stuck' }); setInterval(() => {}, 1000)`
    const { rack } = await prepare(domain, { program: program(domain, text), stopGraceMs: 100 })
    await rack.start()
    const pid = pidOf(rack)
    await rack.stop()
    expect(isAlive(pid)).toBe(false)
  })
})
