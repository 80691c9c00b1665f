import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hashApiKey, mintApiKey } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { ask } from '../testing/ask.ts'
import { openRackKeys } from '../testing/open-rack-keys.ts'
import { RackProcess } from '../testing/rack-process.ts'
import { temporaryFolder } from '../testing/temporary-folder.ts'
import { resetKey } from './reset-key.ts'

const BINARY = fileURLToPath(new URL('../../bin/keyrack-rack.js', import.meta.url))

function run(env: Record<string, string>, ...args: string[]) {
  const { PATH = '', HOME = '' } = process.env
  const ran = spawnSync(process.execPath, [BINARY, ...args], {
    env: { PATH, HOME, ...env },
    encoding: 'utf8',
  })
  return { status: ran.status, stdout: ran.stdout, stderr: ran.stderr }
}

describe('a reset of the key', () => {
  it('refuses every other key for ever, and ends rolls, copies and access tokens', async () => {
    const { keys, store, systemLog, key, file } = await openRackKeys()
    const [staged, fresh] = [mintApiKey('rack'), mintApiKey('rack')]
    const [{ id = '' } = {}] = keys.live()
    await keys.stage(id, { roll: 'roll-0001', hash: hashApiKey(staged), copy: 'sealed' })
    const token = { id: 'one', role: 'read', created_at: 1, expires_at: 2 ** 50 } as const
    await store.db.insertInto('access_tokens').values(token).execute()
    await keys.close()
    await systemLog.stored()

    expect(await resetKey(store, hashApiKey(fresh))).toBe(true)
    expect(await resetKey(store, hashApiKey(fresh))).toBe(false)
    for (const old of [key, staged]) {
      await expect(resetKey(store, hashApiKey(old))).rejects.toMatchObject({ code: 'invalid' })
    }
    const again = await openRackKeys({ file })
    expect(again.keys.live().map(({ hash }) => hash)).toEqual([hashApiKey(fresh)])
    expect(again.keys.generation).toBe(2)
    for (const old of [key, staged]) expect(again.keys.isTombstone(hashApiKey(old))).toBe(true)
    expect(await again.keys.status(again.idOf(fresh) ?? '')).toMatchObject({
      ...{ staged: null, ending: null, last_roll: { roll: 'roll-0001', state: 'unstaged' } },
    })
    expect(await store.db.selectFrom('access_tokens').selectAll().execute()).toEqual([])
    const lines = again.systemLog.after(0).map(({ message }) => message)
    expect(lines.filter((line) => line.includes('reset on the host'))).toHaveLength(1)
  })
})

describe('keyrack-rack reset-key', () => {
  it('gives a stopped Rack the new key, is refused for a running one, and can be repeated', async () => {
    const [old, fresh] = [mintApiKey('rack'), mintApiKey('rack')]
    const DATA_DIR = temporaryFolder()
    const first = new RackProcess({ DATA_DIR, RACK_KEY_HASH: hashApiKey(old) })
    await first.ready()
    const env = { DATA_DIR, RACK_KEY_HASH: hashApiKey(fresh) }
    const running = run(env, 'reset-key')
    expect([running.status, running.stdout]).toEqual([75, ''])
    expect(running.stderr).toContain('another Rack is using the folder')
    first.child.kill('SIGKILL')
    await first.exited
    expect(run(env, 'reset-key')).toMatchObject({ status: 0, stdout: 'the new key is in force\n' })
    expect(run(env, 'reset-key').stdout).toBe('that key is in force already\n')
    const { url } = await new RackProcess({ DATA_DIR }).ready()
    const port = Number(new URL(url).port)
    expect((await ask(port, 'GET /auth', { key: fresh })).status).toBe(200)
    expect((await ask(port, 'GET /auth', { key: old })).status).toBe(401)
  })

  it('changes nothing once whoever started it is gone, however early or late', async () => {
    const [old, fresh] = [mintApiKey('rack'), mintApiKey('rack')]
    const DATA_DIR = temporaryFolder()
    const first = new RackProcess({ DATA_DIR, RACK_KEY_HASH: hashApiKey(old) })
    await first.ready()
    first.child.kill('SIGKILL')
    await first.exited
    const env = { DATA_DIR, RACK_KEY_HASH: hashApiKey(fresh) }
    const goneAtOnce = new RackProcess(env, { args: ['reset-key'] })
    goneAtOnce.child.disconnect()
    expect((await goneAtOnce.exited).code).toBe(75)
    expect(goneAtOnce.output).toContain('nothing was changed')

    const goneLater = new RackProcess(env, { args: ['reset-key'] })
    expect(await goneLater.said).toBe('go?')
    // Until it is told, nobody else changes anything.
    expect(run(env, 'reset-key').stderr).toContain('another Rack is using the folder')
    goneLater.child.disconnect()
    expect((await goneLater.exited).code).toBe(75)

    const told = new RackProcess(env, { args: ['reset-key'] })
    await told.said
    told.child.send('go')
    expect(await told.exited).toMatchObject({ code: 0 })
    expect(told.output).toBe('the new key is in force\n')
  })

  it('makes nothing where there is no Rack, and leaves the Rack of a Console alone', () => {
    const DATA_DIR = temporaryFolder()
    const env = { DATA_DIR, RACK_KEY_HASH: hashApiKey(mintApiKey('rack')) }
    const none = run(env, 'reset-key')
    expect([none.status, none.stderr]).toEqual([1, expect.stringContaining('there is no Rack dev')])
    expect(readdirSync(DATA_DIR)).toEqual([])
    mkdirSync(join(DATA_DIR, 'console'))
    const managed = run(env, 'reset-key')
    expect(managed.status).toBe(75)
    expect(managed.stderr).toContain('convox rack key roll')
  })

  it('never takes a key for a hash, and says what is missing', () => {
    const key = mintApiKey('rack').reveal()
    const wrong = run({ DATA_DIR: temporaryFolder(), RACK_KEY_HASH: key }, 'reset-key')
    expect([wrong.status, wrong.stderr.includes(key)]).toEqual([1, false])
    const missing = run({ DATA_DIR: temporaryFolder() }, 'reset-key')
    expect([missing.status, missing.stderr]).toEqual([1, expect.stringContaining('RACK_KEY_HASH')])
  })

  it('is one of the words that the program knows', () => {
    expect(run({}, '--help')).toMatchObject({ status: 0, stderr: '' })
    expect(run({}, 'help').stdout).toContain('keyrack-rack reset-key')
    for (const words of [['serve'], ['reset-key', 'now'], ['']]) {
      expect(run({}, ...words)).toMatchObject({ status: 2, stdout: '' })
    }
  })
})
